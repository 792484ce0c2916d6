"""Why an item is not moving, in one sentence each; `why`, the mission's state and calls for help all use these."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tinytown.domain.agent import Agent, AgentState
from tinytown.domain.task import Task, TaskKind, TaskState
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import BUSY, Verdict, WorkItem
from tinytown.planner import fixes
from tinytown.planner.attendance import LEAVING, is_expected
from tinytown.planner.draft import Draft
from tinytown.planner.fit import is_free, mender_for, suitable_reviewers, suitable_workers
from tinytown.planner.heads import base_of
from tinytown.planner.merging import is_heard
from tinytown.planner.promote import open_outside
from tinytown.planner.seen_checks import MOST_RERUNS
from tinytown.planner.stacking import lower
from tinytown.planner.stage import Stage, stage_of
from tinytown.planner.updating import before

WORDS_LIMIT = 300
"""Most characters of somebody's own words; what the agent is handed has them all."""


def reasons(draft: Draft, item: WorkItem) -> tuple[str, ...]:
    """What an item waits for: which item, check, review, agent or person, and until when."""
    stage = stage_of(item, draft.mission.policy)
    lines = list(_EXPLAIN[stage](draft, item))
    if draft.mission.trouble is not None and stage is not Stage.DONE:
        lines.insert(0, _trouble(draft, draft.mission.trouble))
    if draft.mission.is_paused and stage not in {Stage.DONE, Stage.WORK}:
        lines.append(f"the mission is stopped; go on with: tt mission resume {draft.mission.id[:8]}")
    if item.retry_at is not None and item.retry_at > draft.now:
        lines.append(f"tries again at {_clock(item.retry_at)}")
    if stage is not Stage.DONE:
        lines += _objections(draft, item)
    if item.setback and stage not in {Stage.DONE, Stage.HELD}:
        lines.append(f"last setback: {item.setback}")
    return tuple(lines)


def _trouble(draft: Draft, trouble: str) -> str:
    again = draft.mission.next_wake_at
    return f"the mission cannot be stepped: {trouble}" + (f"; tries again at {_clock(again)}" if again else "")


def _objections(draft: Draft, item: WorkItem) -> list[str]:
    """Why its branch must change, in the words of whoever said so."""
    checks = [w.finding for w in draft.watches_of(item.id) if w.kind is WatchKind.PR_CHECKS and w.finding]
    lines = []
    for fix in item.fixes:
        # the end of a check's output is for its agent; people are told which one failed
        words = checks if fix.cause == fixes.CHECKS else [" ".join(fix.text.split())]
        lines += [f"{fix.cause}: {_cut(said)}" for said in words]
    return lines


def _cut(text: str) -> str:
    return text if len(text) <= WORDS_LIMIT else text[: WORDS_LIMIT - 1].rstrip() + "…"


def lacks_agent(draft: Draft, item: WorkItem) -> str | None:
    """What to do when no agent that is there or expected could take the item's next step; None when some could."""
    role = item.owner_role or "worker"
    match stage_of(item, draft.mission.policy):
        case Stage.AGENT:
            nobody = f"no agent can take {item.key}; start one: tt spawn {role}"
            return _away(draft, item, suitable_workers(draft, item), nobody)
        case Stage.FIX:
            return _away(
                draft, item, _menders(draft, item), f"no agent can mend {item.key}; start one: tt spawn {role}"
            )
        case Stage.REVIEW:
            return _lacks_reviewer(draft, item)
        case Stage.WORK:
            return _away(draft, item, [draft.agents.get(item.assigned_to or "")], f"the agent of {item.key} is gone")
        case _:
            return None


def _lacks_reviewer(draft: Draft, item: WorkItem) -> str | None:
    agents: list[Agent | None] = [*suitable_reviewers(draft, item)]
    task = draft.tasks.get(item.review_task_id or "")
    if task is not None:
        agents = [draft.agents.get(task.agent_id or "")]
    help_ = f"start a reviewer: tt spawn reviewer, or: tt mission approve {item.typed}"
    if task is None and item.review_task_id is not None:
        return None  # just given
    return _away(draft, item, agents, f"nobody can review {item.key}; {help_}")


def _menders(draft: Draft, item: WorkItem) -> list[Agent]:
    owner = draft.agents.get(item.pinned_to or item.assigned_to or "")
    others = [agent for agent in suitable_workers(draft, item) if agent is not owner]
    return [owner, *others] if owner is not None and owner.state not in LEAVING else others


def _away(draft: Draft, item: WorkItem, agents: Iterable[Agent | None], nobody: str) -> str | None:
    """What to do when of these agents there is none, or none that is there or expected back."""
    known = [agent for agent in agents if agent is not None]
    if not known:
        return nobody
    if any(is_expected(draft, agent) for agent in known):
        return None
    names = ", ".join(f"{agent.name} ({agent.state.value})" for agent in known)
    return f"{item.key} waits for {names}, not expected back; start it again, or another, or redirect {item.key}"


def _dependencies(draft: Draft, item: WorkItem) -> list[str]:
    lines = []
    for dep_id in item.depends_on:
        dep = draft.items[dep_id]
        if not dep.is_done:
            lines.append(f"waits for {dep.key} ({dep.title}), which is {dep.status.value}")
    for outside in open_outside(item):
        ref = outside.ref.label(draft.mission.home)
        seen = f"looked at {_clock(outside.checked_at)}"
        if outside.finding:
            lines.append(f"waits for {ref} outside the mission, which cannot be looked at: {outside.finding} ({seen})")
        else:
            lines.append(f"waits for {ref}, an open issue outside the mission ({seen})")
    return lines or ["its dependencies are done; the dispatcher makes it ready with its next step"]


def _agent(draft: Draft, item: WorkItem) -> list[str]:
    lacking = lacks_agent(draft, item)
    if lacking is not None:
        return [lacking]
    busy = sum(i.status in BUSY for i in draft.items.values())
    limit = draft.mission.policy.max_parallel_items
    if busy >= limit:
        return [f"ready, but {busy} of at most {limit} items are in work already (max_parallel_items)"]
    agents = suitable_workers(draft, item)
    if any(is_free(draft, a) for a in agents):
        return ["ready; the dispatcher assigns it with its next step"]
    names = ", ".join(f"{a.name} ({a.state.value})" for a in agents)
    return [f"ready; waits for a free agent: {names}"]


def _work(draft: Draft, item: WorkItem) -> list[str]:
    task = draft.tasks.get(item.task_id or "")
    name = draft.agent_name(item.assigned_to)
    if task is None:
        return [f"{name} has it"]
    what = {TaskKind.WORK: "works on", TaskKind.FIX: "mends", TaskKind.REVIEW: "reviews"}[task.spec.kind]
    causes = f" ({', '.join(task.spec.causes)})" if task.spec.causes else ""
    if task.state is TaskState.RUNNING and task.started_at is not None:
        return [f"{name} {what} it{causes} since {_clock(task.started_at)}, run {task.runs}"]
    reason = f"; last run: {task.reason}" if task.reason else ""
    if (pause := _pause(draft, item, task)) is not None:
        return [pause]
    return [f"in {name}'s inbox{causes}, {_agent_state(draft, item.assigned_to)}{reason}"]


def _pause(draft: Draft, item: WorkItem, task: Task) -> str | None:
    """Until when a task that was handed back rests, and what it was handed back for; None when it does not rest."""
    agent = draft.agents.get(task.agent_id or "")
    if task.state is TaskState.RUNNING or task.retry_at is None or task.retry_at <= draft.now or agent is None:
        return None
    if agent.state not in {AgentState.IDLE, AgentState.WORKING}:
        return None  # what its agent is about says more
    left, attempt = task.nudges_left, f"try {item.failed_attempts + 1} of {draft.mission.policy.max_attempts}"
    runs = f" ({left} more run{'s' if left > 1 else ''} in {attempt})" if left else ""
    reason = f"; last run: {task.reason}" if task.reason else ""
    return f"waits until {_clock(task.retry_at)}, then {agent.name} goes on{runs}{reason}"


def _agent_state(draft: Draft, agent_id: str | None) -> str:
    agent = draft.agents.get(agent_id or "")
    if agent is None:
        return "who is gone"
    if agent.state is AgentState.PAUSED and agent.paused_until is not None:
        return f"who is paused until {_clock(agent.paused_until)} ({agent.reason})"
    return f"who is {agent.state.phrase}"


def _held(_: Draft, item: WorkItem) -> list[str]:
    return [f"needs a person: {item.hold}"]


def _fix(draft: Draft, item: WorkItem) -> list[str]:
    causes = ", ".join(fix.cause for fix in item.fixes)
    lacking = lacks_agent(draft, item)
    if lacking is not None:
        return [lacking]
    if fixes.awaits_review(draft, item):
        return [f"must be mended ({causes}); waits for the review under way"]
    owner = draft.agent_name(item.assigned_to)
    limit = draft.mission.policy.max_parallel_items
    if mender_for(draft, item) is None:
        return [f"must be mended ({causes}); waits for {owner}, {_agent_state(draft, item.assigned_to)}"]
    if sum(i.status in BUSY for i in draft.items.values()) >= limit:
        return [f"must be mended ({causes}); {limit} items are in work already (max_parallel_items)"]
    return [f"must be mended ({causes}); the dispatcher gives it out with its next step"]


def _pull(_: Draft, item: WorkItem) -> list[str]:
    return [f"handed in at {(item.submitted or '')[:10]}; its pull request is being opened"]


def _checks(draft: Draft, item: WorkItem) -> list[str]:
    words = {Verdict.UNKNOWN: "not looked at yet", Verdict.PENDING: "still running", Verdict.FAILED: "failing"}
    pull = item.pull
    state = words.get(pull.checks, "") if pull else ""
    note = f" ({pull.checks_note})" if pull and pull.checks_note else ""
    if pull and pull.reruns:
        note += f", run again {pull.reruns} of {MOST_RERUNS} times: they failed for reasons of their own"
    return [f"PR #{_number(item)}: checks {state}{note}{_next_look(draft, item, WatchKind.PR_CHECKS)}"]


def _review(draft: Draft, item: WorkItem) -> list[str]:
    lacking = lacks_agent(draft, item)
    if lacking is not None:
        return [lacking]
    task = draft.tasks.get(item.review_task_id or "")
    if task is not None:
        if (pause := _pause(draft, item, task)) is not None:
            return [pause]
        return [f"PR #{_number(item)}: {draft.agent_name(task.agent_id)} reviews it ({task.state.value})"]
    names = ", ".join(f"{a.name} ({a.state.value})" for a in suitable_reviewers(draft, item))
    return [f"PR #{_number(item)}: waits for a free reviewer: {names}"]


def _people(draft: Draft, item: WorkItem) -> list[str]:
    by = (item.pull.people_by if item.pull else "") or "somebody"
    go_on = f"when it may go on all the same: tt mission approve {item.typed}"
    look = _next_look(draft, item, WatchKind.REVIEW_COMMENTS)
    return [f"PR #{_number(item)}: {by} asked for changes and has not approved since; {go_on}{look}"]


def _behind(draft: Draft, item: WorkItem) -> list[str]:
    assert item.pull is not None  # noqa: S101  narrows the type: nothing else is behind
    base = base_of(draft, item.pull)
    first = before(draft, item, item.pull)
    if first is not None:
        return [f"PR #{_number(item)} is behind {base}; it is brought up to date after {first.key} is merged into that"]
    return [f"PR #{_number(item)} is behind {base} and is brought up to date"]


def _queued(draft: Draft, item: WorkItem) -> list[str]:
    return [f"PR #{_number(item)} is in the merge queue{_next_look(draft, item, WatchKind.MERGEABILITY)}"]


def _mergeable(draft: Draft, item: WorkItem) -> list[str]:
    look = _next_look(draft, item, WatchKind.MERGEABILITY)
    if item.pull is not None and item.pull.mergeable_note:
        return [f"PR #{_number(item)} does not merge yet: {item.pull.mergeable_note}{look}"]
    return [f"PR #{_number(item)}: whether it merges cleanly is not known yet{look}"]


def _merge(draft: Draft, item: WorkItem) -> list[str]:
    sent_back = [draft.items[dep] for dep in item.depends_on if not draft.items[dep].is_done]
    if sent_back:
        return [f"waits for {dep.key} ({dep.title}), which was sent back" for dep in sent_back]
    if not is_heard(draft, item):
        look = _next_look(draft, item, WatchKind.REVIEW_COMMENTS)
        return [f"PR #{_number(item)}: what people say of it is not looked at yet{look}"]
    if not draft.mission.policy.auto_merge and item.merge_head is None:
        return [f"PR #{_number(item)} is ready to merge"]
    if (beneath := lower(draft, item)) is not None:
        return [f"PR #{_number(item)} goes into the branch of {beneath.key}; it is merged after that"]
    base = base_of(draft, item.pull) if item.pull else draft.mission.base
    return [f"PR #{_number(item)} is about to be merged (one at a time into {base})"]


def _done(_: Draft, item: WorkItem) -> list[str]:
    if item.pull is None:
        return ["done"]
    merged = item.pull.merged_as
    how = f"done: PR #{item.pull.number} is ready to merge: tt mission merge {item.typed}"
    return [f"done: merged as {merged[:10]}" if merged else how]


def _number(item: WorkItem) -> int:
    return item.pull.number if item.pull else 0


def _next_look(draft: Draft, item: WorkItem, kind: WatchKind) -> str:
    for watch in draft.watches_of(item.id):
        if watch.kind is kind:
            finding = f" ({watch.finding})" if watch.consecutive_failures or watch.is_put_off else ""
            return f"; looks again at {_clock(watch.next_due_at)} at the latest{finding}"
    return ""


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S} UTC"


_EXPLAIN = {
    Stage.DEPENDENCIES: _dependencies,
    Stage.AGENT: _agent,
    Stage.WORK: _work,
    Stage.HELD: _held,
    Stage.FIX: _fix,
    Stage.PULL: _pull,
    Stage.CHECKS: _checks,
    Stage.REVIEW: _review,
    Stage.PEOPLE: _people,
    Stage.BEHIND: _behind,
    Stage.MERGEABLE: _mergeable,
    Stage.QUEUED: _queued,
    Stage.MERGE: _merge,
    Stage.DONE: _done,
}
