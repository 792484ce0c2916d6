"""Missions: starting them, and looking at them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tinytown.bootstrap import Town
from tinytown.domain.access import Scope
from tinytown.domain.issue import Selection
from tinytown.domain.policy import MissionPolicy as Policy
from tinytown.domain.watch import WatchStatus
from tinytown.domain.workitem import WorkStatus
from tinytown.mcp.arguments import ItemName, Limit, MissionId, Objective, PolicyChange
from tinytown.mcp.results import Missions, Watches, Why, WorkItems
from tinytown.mcp.tool import Effect, Spec
from tinytown.schemas.base import cut
from tinytown.schemas.mission_events import EventEntry, MissionEventList, line_of
from tinytown.schemas.mission_parts import Manifest, Title
from tinytown.schemas.mission_plans import MissionPlan
from tinytown.schemas.mission_watches import WatchItem
from tinytown.schemas.mission_work import MissionWhy, WaitingItem, WorkItem, WorkItemWhy
from tinytown.schemas.missions import (
    MissionRun,
    MissionStatus,
    MissionSummary,
    StartMissionResponse,
    WorkSummary,
)
from tinytown.services.checkout import check_checkout
from tinytown.services.missions import Objectives, item_order
from tinytown.services.planning import read_manifest

START_SECS = 120.0
"""Reading many issues of a forge takes its time."""
RECENT_EVENTS = 20
NOTE_SHOWN = 2000
"""Characters of a note in a mission's status."""

Refs = Annotated[
    list[Objective],
    Field(
        max_length=1000,
        description='Issues, `{"type": "issue", "number": 7}`, of another repository with `owner` and `repo`, and'
        ' documents, `{"type": "doc", "path": "docs/plan.md"}`.',
    ),
]
PolicyGiven = Annotated[
    PolicyChange | None, Field(description="How it is executed; what is left out is as the town's settings say.")
]
Labels = Annotated[list[Title], Field(max_length=20, description="Also the open issues that have all of these labels.")]
Milestone = Annotated[Title | None, Field(description="Also the open issues of the milestone with this title.")]
Query = Annotated[Title | None, Field(description="Also the open issues that a search of the forge finds.")]
ManifestText = Annotated[
    Manifest | None,
    Field(description="Corrections, as the text of a mission.toml; by default that of the town's folder, if any."),
]


def start(
    town: Town,
    objectives: Refs = [],  # noqa: B006  copied by validation
    policy: PolicyGiven = None,
    labels: Labels = [],  # noqa: B006  as above
    milestone: Milestone = None,
    query: Query = None,
    manifest: ManifestText = None,
    allow_dirty: Annotated[  # noqa: FBT002  an argument by name
        bool, Field(description="Although not all changes of the checkout are committed.")
    ] = False,
) -> StartMissionResponse:
    """Start a mission from issues and documents, all or nothing: what is wrong is told all at once. Use mission.plan
    before. Agents then get its items by themselves while a dispatcher runs; follow it with mission.status and mission.why.
    """
    check_checkout(town.root, allow_dirty=allow_dirty)
    found, meant = _parts(town, objectives, policy, Selection(labels=tuple(labels), milestone=milestone, query=query))
    return StartMissionResponse.of(town.missions.start(found, meant, _manifest(town, manifest)))


def plan(
    town: Town,
    objectives: Refs = [],  # noqa: B006  as above
    policy: PolicyGiven = None,
    labels: Labels = [],  # noqa: B006  as above
    milestone: Milestone = None,
    query: Query = None,
    manifest: ManifestText = None,
    limit: Limit = 100,
) -> MissionPlan:
    """Show what a mission would do, before it is started: its items, what waits for what, and which roles are lacking.
    Nothing is stored, and no agent gets anything.
    """
    found, meant = _parts(town, objectives, policy, Selection(labels=tuple(labels), milestone=milestone, query=query))
    plan = MissionPlan.of(town.missions.preview(found, meant, _manifest(town, manifest)))
    lists = ("objective_refs", "work_items", "critical_path", "first", "warnings")
    return plan.model_copy(update={name: getattr(plan, name)[:limit] for name in lists})


def _parts(
    town: Town, objectives: list[Objective], policy: PolicyChange | None, choice: Selection
) -> tuple[Objectives, Policy]:
    usual = town.settings.mission
    found = town.missions.named([one.reference(town.missions.home) for one in objectives], choice)
    return found, usual if policy is None else policy.over(usual)


def _manifest(town: Town, given: str | None) -> str | None:
    return given if given is not None else read_manifest(town.root, None)


def list_missions(
    town: Town,
    active_only: Annotated[bool, Field(description="Only those that have not ended.")] = True,  # noqa: FBT002  as above
    limit: Limit = 50,
) -> Missions:
    """List missions with how far they are, newest first."""
    looks = town.mission_looks
    found = looks.newest(is_active_only=active_only)
    shown = [MissionSummary.of(one) for one in looks.some([mission_id for mission_id, _ in found[:limit]])]
    return Missions(missions=shown, count=len(shown), total=len(found), next_cursor=None)


def status(
    town: Town,
    mission: MissionId,
    include_work: Annotated[bool, Field(description="With its items.")] = False,  # noqa: FBT002  as above
    include_watches: Annotated[bool, Field(description="With its watches.")] = False,  # noqa: FBT002  as above
    include_events: Annotated[bool, Field(description="With its last events.")] = False,  # noqa: FBT002  as above
    limit: Limit = 100,
) -> MissionStatus:
    """See how far a mission is: its state, counts of items by status, and what else is asked for."""
    seen, summary = town.mission_looks.one(
        town.missions.find(mission),
        with_items=include_work,
        with_watches=include_watches,
        events=RECENT_EVENTS if include_events else 0,
    )
    run = MissionRun.of(seen.mission)
    notes = [cut(one, NOTE_SHOWN) for one in run.notes[-limit:]]
    run = run.model_copy(update={"objective_refs": run.objective_refs[:limit], "notes": notes})
    fields: dict[str, object] = {"mission": run, "summary": WorkSummary.of(summary)}
    if include_work:
        fields["work_items"] = [WorkItem.of(item) for item in sorted(seen.items, key=item_order)[:limit]]
    if include_watches:
        watches = sorted(seen.watches, key=lambda watch: (watch.next_due_at, watch.id))
        fields["watches"] = [WatchItem.of(watch) for watch in watches[:limit]]
    if include_events:
        fields["events"] = [line_of(event) for event in seen.events]
    return MissionStatus.model_validate(fields)


def work(
    town: Town,
    mission: MissionId,
    status: Annotated[WorkStatus | None, Field(description="Only items of this status.")] = None,
    limit: Limit = 100,
) -> WorkItems:
    """List the items of a mission with status, agent, branch and pull request, by repository and number."""
    mission_id = town.missions.find(mission)
    found = sorted(town.mission_looks.items(mission_id, status), key=item_order)
    shown = [WorkItem.of(item) for item in found[:limit]]
    return WorkItems(mission_id=mission_id, work_items=shown, count=len(shown), total=len(found), next_cursor=None)


def watches(
    town: Town,
    mission: MissionId,
    status: Annotated[WatchStatus | None, Field(description="Only watches of this status.")] = None,
    limit: Limit = 100,
) -> Watches:
    """List what a mission looks at regularly, such as checks and reviews of pull requests, and what it saw last."""
    mission_id = town.missions.find(mission)
    found = sorted(town.mission_looks.watches(mission_id, status), key=lambda watch: (watch.next_due_at, watch.id))
    shown = [WatchItem.of(watch) for watch in found[:limit]]
    return Watches(mission_id=mission_id, watches=shown, count=len(shown), total=len(found), next_cursor=None)


def events(
    town: Town,
    mission: MissionId,
    limit: Annotated[int, Field(ge=1, le=100, description="So many of the last ones.")] = RECENT_EVENTS,
) -> MissionEventList:
    """Read the last entries of a mission's log, oldest first."""
    mission_id = town.missions.find(mission)
    found = town.mission_looks.events(mission_id, limit)
    return MissionEventList(
        mission_id=mission_id,
        events=[line_of(event) for event in found],
        count=len(found),
        entries=[EventEntry.of(event) for event in found],
    )


def why(
    town: Town,
    mission: MissionId,
    item: Annotated[ItemName | None, Field(description="Only this one, with what happened to it.")] = None,
    limit: Limit = 100,
) -> Why:
    """Say what a mission waits for, item by item, or why one item is where it is and what happened to it. Use it whenever
    nothing seems to move; what is held for a person says what to do: mission.approve, mission.reject or mission.input.
    """
    mission_id = town.missions.find(mission)
    is_dispatching = any(one.is_alive for one in town.insights.town().dispatchers)
    if item is not None:
        return Why(work_item=WorkItemWhy.of(town.missions.why(mission_id, item)), is_dispatching=is_dispatching)
    view = town.missions.view(mission_id)
    unfinished = [one for one in view.items if not one.is_done]
    shown = [WaitingItem.of(one, view.why[one.id]) for one in unfinished[:limit]]
    found = MissionWhy(
        mission_id=mission_id,
        state=view.mission.state,
        blocked_reason=view.mission.blocked_reason,
        items=shown,
        count=len(shown),
        next_cursor=None,
    )
    return Why(mission=found, is_dispatching=is_dispatching)


_READ, _WRITE = Scope.TOWN_READ, Scope.TOWN_WRITE

TOOLS = (
    Spec(
        name="mission.start",
        title="Start a mission",
        does=start,
        scope=_WRITE,
        effect=Effect.ADDS,
        is_open=True,
        has_texts=True,
        limit_secs=START_SECS,
    ),
    Spec(
        name="mission.plan",
        title="Plan a mission",
        does=plan,
        scope=_WRITE,
        is_open=True,
        has_texts=True,
        limit_secs=START_SECS,
    ),
    Spec(name="mission.list", title="List missions", does=list_missions, scope=_READ, has_texts=True),
    Spec(name="mission.status", title="See a mission", does=status, scope=_READ, has_texts=True),
    Spec(name="mission.work", title="List a mission's items", does=work, scope=_READ, has_texts=True),
    Spec(name="mission.watches", title="List a mission's watches", does=watches, scope=_READ, has_texts=True),
    Spec(name="mission.events", title="Read a mission's log", does=events, scope=_READ, has_texts=True),
    Spec(name="mission.why", title="Say why a mission waits", does=why, scope=_READ, has_texts=True),
)
