"""Which agent fits a piece of work best.

Tiers, best first: the exact role (or an agent of that name), a role that is usual for the kind of work, the generic
worker, then anyone else who is idle. Anyone else is taken only while no agent with the exact role is in the town: a
specialist who is busy or away is worth waiting for, and so is a reviewer. Reviewers are kept free for reviews as long as
these are required.
"""

from __future__ import annotations

from tinytown.domain.agent import GENERIC_ROLES, GONE, REVIEWER_ROLE, Agent, AgentState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.workitem import WorkItem, WorkKind
from tinytown.planner.attendance import LEAVING, is_missed
from tinytown.planner.draft import Draft, Wish

KIND_ROLES: dict[WorkKind, frozenset[str]] = {
    WorkKind.DESIGN: frozenset({"designer", "architect", "planner"}),
    WorkKind.IMPLEMENT: frozenset({"backend", "frontend", "developer", "engineer", "implementer", "coder", "builder"}),
    WorkKind.TEST: frozenset({"tester", "qa"}),
    WorkKind.REVIEW: frozenset({REVIEWER_ROLE}),
    WorkKind.MERGE_GATE: frozenset(),
    WorkKind.FOLLOWUP: frozenset({"backend", "frontend", "developer", "engineer", "implementer", "coder", "builder"}),
}

EXACT, USUAL, GENERIC, ANYONE = range(4)


def is_free(draft: Draft, agent: Agent) -> bool:
    """Whether a task given now would be begun now: one running task an agent."""
    return agent.state is AgentState.IDLE and draft.load[agent.id] == 0


def worker_for(draft: Draft, item: WorkItem) -> Agent | None:
    """The free agent that fits an item best; None when nobody suitable is free."""
    return _best(item, [a for a in suitable_workers(draft, item) if is_free(draft, a)])


def wish_of(item: WorkItem) -> Wish:
    """What decides which agents are suitable: items with the same wish have the same ones."""
    return item.pinned_to, item.kind, item.owner_role


def suitable_workers(draft: Draft, item: WorkItem) -> tuple[Agent, ...]:
    """The agents, free, busy or away, that may be given the item at all."""
    wish = wish_of(item)
    if (known := draft.suitable.get(wish)) is None:
        known = draft.suitable[wish] = tuple(_suitable_workers(draft, item))
    return known


def _suitable_workers(draft: Draft, item: WorkItem) -> list[Agent]:
    pinned = draft.agents.get(item.pinned_to or "")
    if pinned is not None and pinned.state not in GONE:
        return [pinned]
    agents = [a for a in draft.agents.values() if a.state not in LEAVING and not _is_reserved(draft, item, a)]
    exact = [a for a in agents if tier(item, a) == EXACT]
    if not exact:
        return agents
    return [a for a in agents if tier(item, a) in {EXACT, GENERIC}]


def mender_for(draft: Draft, item: WorkItem) -> Agent | None:
    """Who mends the item: the agent that made it, or the best free one when that is gone or away for long."""
    owner = draft.agents.get(item.pinned_to or item.assigned_to or "")
    if owner is not None and owner.state not in LEAVING and not is_missed(draft, owner):
        return owner if is_free(draft, owner) else None
    return worker_for(draft, item)


def reviewer_for(draft: Draft, item: WorkItem) -> Agent | None:
    """A free reviewer who did not write what is reviewed."""
    return _best(item, [a for a in suitable_reviewers(draft, item) if is_free(draft, a)])


def suitable_reviewers(draft: Draft, item: WorkItem) -> list[Agent]:
    """Reviewers, free, busy or away; where the town has none, any agent but the author."""
    others = [a for a in draft.agents.values() if a.state not in LEAVING and a.id != item.assigned_to]
    return [a for a in others if is_reviewer(a)] or others


def is_reviewer(agent: Agent) -> bool:
    """Whether reviewing is what the agent is there for."""
    return agent.spec.role.lower() == REVIEWER_ROLE


def tier(item: WorkItem, agent: Agent) -> int:
    """How well an agent fits an item; lower is better."""
    role, wanted = agent.spec.role.lower(), (item.owner_role or "").lower()
    if wanted and wanted in {role, agent.name.lower()}:
        return EXACT
    if role in KIND_ROLES[item.kind]:
        return USUAL
    return GENERIC if role in GENERIC_ROLES else ANYONE


def _is_reserved(draft: Draft, item: WorkItem, agent: Agent) -> bool:
    policy: MissionPolicy = draft.mission.policy
    return policy.reviewer_required and is_reviewer(agent) and tier(item, agent) not in {EXACT, USUAL}


def _best(item: WorkItem, free: list[Agent]) -> Agent | None:
    """Best tier first; among equals not the one that failed it last, then the one that has done least."""

    def rank(agent: Agent) -> tuple[int, bool, int, str]:
        failed_it = item.failed_attempts > 0 and agent.id == item.assigned_to
        return tier(item, agent), failed_it, agent.rounds_completed, agent.name

    return min(free, key=rank, default=None)
