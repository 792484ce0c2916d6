"""Builders of small missions: items, agents, tasks, pull requests, and what a commit makes of a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import msgspec

from tinytown.domain.agent import Agent, AgentSpec, AgentState
from tinytown.domain.ids import derive_id
from tinytown.domain.mission import Help, Mission, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.pull import CheckRun, ChecksSeen, MergeabilitySeen, Pull, ReviewSeen
from tinytown.domain.task import Report, Task, TaskKind, TaskSpec, TaskState
from tinytown.domain.watch import TRIGGERS, Watch, WatchKind, WatchStatus
from tinytown.domain.workitem import FixRequest, PullState, Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.planner.draft import Changes, Draft
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.tick import Decision, decide
from tinytown.planner.wants import LookAt, Opened, OpenPull, Outcome

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MISSION_ID = "00000000-0000-4000-8000-000000000001"
HOME = ("acme", "shop")
HEAD = "a" * 40
NEXT_HEAD = "b" * 40
WATCHED = (WatchKind.PR_CHECKS, WatchKind.REVIEW_COMMENTS, WatchKind.MERGEABILITY)

Thing: TypeAlias = WorkItem | Agent | Task | Watch


def later(secs: float) -> datetime:
    """So many seconds after NOW."""
    return NOW + timedelta(seconds=secs)


def item_id(number: int) -> str:
    """The id of item #number."""
    return derive_id(MISSION_ID, "item", number)


def make_item(number: int, *, needs: Iterable[int] = (), **fields: Any) -> WorkItem:
    """Item #number, pending, implement; `needs` are the numbers it depends on."""
    values: dict[str, Any] = {
        "id": item_id(number),
        "mission_id": MISSION_ID,
        "key": f"#{number}",
        "title": f"thing {number}",
        "kind": WorkKind.IMPLEMENT,
        "status": WorkStatus.PENDING,
        "depends_on": tuple(item_id(need) for need in needs),
        "source_ref": f"acme/shop#{number}",
        "branch": f"tt/{number}-thing",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return WorkItem(**{**values, **fields})


def ready(number: int, **fields: Any) -> WorkItem:
    """Item #number, ready to be assigned."""
    return make_item(number, status=WorkStatus.READY, **fields)


def make_pull(number: int = 1, **fields: Any) -> PullState:
    """Pull request #number at HEAD, nothing known of it."""
    values: dict[str, Any] = {
        "number": number,
        "url": f"acme/shop/pull/{number}",
        "head": HEAD,
        "head_since": NOW,
        "base": "main",
        "opened_at": NOW,
    }
    return PullState(**{**values, **fields})


def passed(number: int = 1, **fields: Any) -> PullState:
    """Pull request #number with everything it needs for merging."""
    verdicts = {"checks": Verdict.PASSED, "review": Verdict.PASSED, "mergeable": Verdict.PASSED}
    return make_pull(number, **{**verdicts, "is_heard": True, **fields})


def handed_in(number: int, **fields: Any) -> WorkItem:
    """Item #number with its pull request open at HEAD, made by the agent `backend`."""
    values: dict[str, Any] = {
        "status": WorkStatus.BLOCKED,
        "submitted": HEAD,
        "pull": make_pull(number),
        "assigned_to": agent_id("backend"),
        "tasks_given": 1,
    }
    return make_item(number, **{**values, **fields})


def agent_id(name: str) -> str:
    """The id of the agent of that name."""
    return derive_id(MISSION_ID, "agent", name)


def make_agent(name: str, role: str | None = None, **fields: Any) -> Agent:
    """An idle agent; its role is its name unless given."""
    spec = AgentSpec(id=agent_id(name), name=name, cli="demo", role=role or name, created_at=NOW)
    values: dict[str, Any] = {"state": AgentState.IDLE, "since": NOW, "host_id": "host"}
    return Agent(spec=spec, **{**values, **fields})


def make_task(
    item: WorkItem,
    agent: str = "backend",
    kind: TaskKind = TaskKind.WORK,
    *,
    about: str | None = None,
    causes: tuple[str, ...] = (),
    **fields: Any,
) -> Task:
    """The running task of an item: its review task for kind REVIEW, else its work or fix task.

    Args:
        item: what it is for.
        agent: name of the agent that has it.
        kind: what it asks for.
        about: the commit it is about; by default the pull request's head.
        causes: of a fix.
        fields: of the task, other than those above.
    """
    spec = TaskSpec(
        id=(item.review_task_id if kind is TaskKind.REVIEW else item.task_id) or derive_id(item.id, "task"),
        kind=kind,
        title=item.title,
        created_at=NOW,
        mission_id=MISSION_ID,
        item_id=item.id,
        head=about or (item.pull.head if item.pull else None),
        causes=causes,
    )
    values: dict[str, Any] = {"state": TaskState.RUNNING, "updated_at": NOW, "agent_id": agent_id(agent)}
    return Task(spec=spec, **{**values, **fields})


def in_work(number: int, agent: str = "backend", **fields: Any) -> WorkItem:
    """Item #number, being worked on by that agent; `make_task` makes the task."""
    values: dict[str, Any] = {
        "status": WorkStatus.RUNNING,
        "assigned_to": agent_id(agent),
        "task_id": derive_id(MISSION_ID, "task", number),
        "tasks_given": 1,
    }
    return make_item(number, **{**values, **fields})


def in_review(number: int, **fields: Any) -> WorkItem:
    """Item #number, checked and under review; `make_task` makes the review task."""
    review = derive_id(MISSION_ID, "review", number)
    pull = make_pull(number, checks=Verdict.PASSED, mergeable=Verdict.PASSED)
    return handed_in(number, **{"pull": pull, "review_task_id": review, **fields})


def fix_request(cause: str, *, head: str = HEAD, text: str = "mend it") -> FixRequest:
    """Something that must be mended."""
    return FixRequest(cause=cause, head=head, text=text, since=NOW)


def make_watch(item: WorkItem, kind: WatchKind, **fields: Any) -> Watch:
    """An active watch of an item's pull request, due in three minutes."""
    target = item.pull.url if item.pull else "acme/shop/pull/1"
    values: dict[str, Any] = {
        "id": derive_id(MISSION_ID, "watch", item.id, kind.value),
        "mission_id": MISSION_ID,
        "work_item_id": item.id,
        "kind": kind,
        "target_ref": target,
        "interval_secs": 180,
        "next_due_at": later(180),
        "status": WatchStatus.ACTIVE,
        "on_trigger": TRIGGERS[kind],
    }
    return Watch(**{**values, **fields})


def make_mission(*, policy: dict[str, Any] | None = None, **fields: Any) -> Mission:
    """A running mission."""
    values: dict[str, Any] = {
        "id": MISSION_ID,
        "objective_refs": (),
        "state": MissionState.RUNNING,
        "policy": MissionPolicy(**(policy or {})),
        "created_at": NOW,
        "updated_at": NOW,
        "home": HOME,
        "version": 1,
    }
    return Mission(**{**values, **fields})


def make_snapshot(*things: Thing, mission: Mission | None = None, **fields: Any) -> Snapshot:
    """A mission of these items, watches, tasks and agents."""
    return Snapshot(
        mission=mission or make_mission(),
        items={one.id: one for one in things if isinstance(one, WorkItem)},
        watches={one.id: one for one in things if isinstance(one, Watch)},
        tasks={one.id: one for one in things if isinstance(one, Task)},
        agents={one.id: one for one in things if isinstance(one, Agent)},
        **fields,
    )


def make_draft(*things: Thing, mission: Mission | None = None, **fields: Any) -> Draft:
    """A draft of such a mission at NOW."""
    return Draft(make_snapshot(*things, mission=mission, **fields), NOW)


def applied(snapshot: Snapshot, changes: Changes) -> Snapshot:
    """The mission as a commit of these changes leaves it."""
    gone = {one.task_id for one in changes.cancelled} | set(changes.settled)
    tasks = {task_id: task for task_id, task in snapshot.tasks.items() if task_id not in gone}
    for given in changes.given:
        new = Task(spec=given.spec, state=TaskState.ASSIGNED, updated_at=NOW, agent_id=given.agent_id)
        tasks[new.id] = new
    load = {agent: sum(t.agent_id == agent and t.is_open for t in tasks.values()) for agent in snapshot.agents}
    return Snapshot(
        mission=msgspec.structs.replace(changes.mission, version=snapshot.mission.version + 1),
        items={**snapshot.items, **{item.id: item for item in changes.items}},
        watches={**snapshot.watches, **{watch.id: watch for watch in changes.watches}},
        tasks=tasks,
        agents={i: msgspec.structs.replace(a, open_tasks=load[i]) for i, a in snapshot.agents.items()},
        signals={t: token for t, token in snapshot.signals.items() if changes.answered.get(t) != token},
    )


def step(snapshot: Snapshot, *outcomes: Outcome, now: datetime = NOW) -> tuple[Snapshot, Decision]:
    """One decision and the mission after its commit."""
    decision = decide(snapshot, outcomes, now)
    return applied(snapshot, decision.changes), decision


def decided(*things: Thing, mission: Mission | None = None, now: datetime = NOW) -> Decision:
    """The decision about a mission of these things."""
    return decide(make_snapshot(*things, mission=mission), (), now)


def given_to(decision: Decision) -> dict[str, str]:
    """Item key -> id of the agent that gets work on it."""
    keys = {item.id: item.key for item in decision.changes.items}
    return {keys[g.spec.item_id or ""]: g.agent_id for g in decision.changes.given}


def changed(decision: Decision, number: int) -> WorkItem:
    """Item #number as the decision leaves it; fails when it is not changed."""
    return {item.id: item for item in decision.changes.items}[item_id(number)]


def said(changes: Changes) -> list[str]:
    """The types of the events, in order."""
    return [event.type for event in changes.events]


def reported(task: Task, report: Report = Report.COMPLETED, **fields: Any) -> Task:
    """The task after its run ended with that report."""
    state = TaskState.FAILED if report is Report.FAILED else TaskState.COMPLETED
    return msgspec.structs.replace(task, state=state, report=report, **fields)


def looked(item: WorkItem, watch: Watch, found: ChecksSeen | ReviewSeen | MergeabilitySeen) -> Outcome:
    """What a look for that watch showed."""
    want = LookAt(watch_id=watch.id, item_id=item.id, kind=watch.kind, target=watch.target_ref)
    return Outcome(want=want, found=found)


def saw_checks(item: WorkItem, verdict: Verdict, *, head: str = HEAD, output: str = "boom") -> Outcome:
    """The checks of an item's pull request are seen."""
    failing = verdict is Verdict.FAILED
    runs = (CheckRun(name="tests", verdict=verdict, summary="exit code 1" if failing else "", output=output),)
    return looked(item, make_watch(item, WatchKind.PR_CHECKS), ChecksSeen(head=head, verdict=verdict, runs=runs))


def saw_merging(item: WorkItem, verdict: Verdict = Verdict.PASSED, *, head: str = HEAD, **fields: Any) -> Outcome:
    """Whether an item's pull request merges is seen."""
    seen = MergeabilitySeen(head=head, verdict=verdict, **fields)
    return looked(item, make_watch(item, WatchKind.MERGEABILITY), seen)


def saw_review(
    item: WorkItem, verdict: Verdict, *, kind: WatchKind = WatchKind.REVIEW_COMMENTS, head: str = HEAD
) -> Outcome:
    """What somebody said of an item's pull request is seen."""
    return looked(item, make_watch(item, kind), ReviewSeen(head=head, verdict=verdict, by="ann", text="too slow"))


def all_watches(item: WorkItem, **fields: Any) -> Sequence[Watch]:
    """The watches of an item's pull request."""
    return [make_watch(item, kind, **fields) for kind in WATCHED]


def opened_as(want: OpenPull, number: int = 1, head: str = HEAD) -> Outcome:
    """The pull request that was wanted is open as #number."""
    pull = Pull(
        number=number, url=f"acme/shop/pull/{number}", branch=want.draft.branch, base=want.draft.base, head=head
    )
    return Outcome(want=want, found=Opened(pull=pull, watch_kinds=WATCHED))


AT_WORK = make_agent("backend", state=AgentState.WORKING, open_tasks=1)
"""An agent that is busy."""
REVIEWING = make_agent("reviewer", state=AgentState.WORKING, open_tasks=1)
AUTO = make_mission(policy={"auto_merge": True})
AGENTS = (make_agent("backend"), make_agent("frontend"), make_agent("reviewer"))
STUCK = Help(cause="stuck", since=NOW, ask_at=NOW)
BLOCKED = make_mission(state=MissionState.BLOCKED, blocked_reason="stuck", help=STUCK)
STOPPED = make_mission(state=MissionState.BLOCKED, is_paused=True, blocked_reason="stopped by the operator")
CHECKS, REVIEWS, MERGING = WATCHED


def draft_of(*things: Thing, **fields: Any) -> Draft:
    """A draft of a mission of these things in a town with agents."""
    return make_draft(*things, *AGENTS, **fields)


def one(draft: Draft, number: int = 1) -> WorkItem:
    """Item #number as it is in a draft."""
    return draft.items[item_id(number)]


def ended(item: WorkItem, task: Task, *things: Thing, **fields: Any) -> Decision:
    """The decision about an item whose task is over, or not, in a town with an agent and a reviewer at work."""
    return decided(item, task, AT_WORK, REVIEWING, *things, **fields)


def review_of(item: WorkItem, **fields: Any) -> Task:
    """The running review task of an item."""
    return make_task(item, "reviewer", TaskKind.REVIEW, **fields)


def watched(item: WorkItem, **fields: Any) -> Snapshot:
    """An item with its watches, and its agent busy elsewhere."""
    return make_snapshot(item, AT_WORK, *all_watches(item), **fields)


def pull_of(snapshot: Snapshot, number: int = 1) -> PullState:
    """The pull request of item #number."""
    pull = snapshot.items[item_id(number)].pull
    assert pull is not None
    return pull


def causes(snapshot: Snapshot, number: int = 1) -> list[str]:
    """Why item #number must be mended."""
    return [fix.cause for fix in snapshot.items[item_id(number)].fixes]


def only_watch(snapshot: Snapshot, kind: WatchKind) -> Watch:
    """The watch of that kind."""
    (found,) = (watch for watch in snapshot.watches.values() if watch.kind is kind)
    return found
