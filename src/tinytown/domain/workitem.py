"""The work item: one unit of work in a mission's graph, with what is known of its pull request."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from tinytown.domain.issue import RelationSource, Remark
from tinytown.domain.lifecycle import Lifecycle
from tinytown.domain.refs import IssueRef


class WorkKind(Enum):
    """What sort of work an item is."""

    DESIGN = "design"
    """Designing or planning; produces a document."""
    IMPLEMENT = "implement"
    """Changing code."""
    TEST = "test"
    """Writing tests."""
    REVIEW = "review"
    """Looking at something and saying what one thinks; produces an answer, not a branch."""
    MERGE_GATE = "merge_gate"
    """Waiting for a person's approval; no agent works on it."""
    FOLLOWUP = "followup"
    """Mending or improving what came before."""


BRANCH_KINDS = frozenset({WorkKind.DESIGN, WorkKind.IMPLEMENT, WorkKind.TEST, WorkKind.FOLLOWUP})
"""Kinds whose outcome is a branch and a pull request."""

REVIEWED_KINDS = frozenset({WorkKind.IMPLEMENT, WorkKind.TEST, WorkKind.FOLLOWUP})
"""Kinds whose pull request needs an approved review under `reviewer_required`. The document names implement and
test; a follow-up changes the same code, so it is not let through unseen."""


class WorkStatus(Enum):
    """Where an item stands."""

    PENDING = "pending"
    """Dependencies not satisfied."""
    READY = "ready"
    """May be assigned."""
    ASSIGNED = "assigned"
    """An agent is selected, its run has not started."""
    RUNNING = "running"
    """An agent is at it."""
    BLOCKED = "blocked"
    """Waiting on checks, a review, a merge, a fix or a person."""
    DONE = "done"
    """Completed, with evidence."""


WORK_LIFECYCLE = Lifecycle(
    "the item",
    WorkStatus.PENDING,
    {
        WorkStatus.PENDING: (WorkStatus.READY, WorkStatus.BLOCKED, WorkStatus.DONE),
        WorkStatus.READY: (WorkStatus.ASSIGNED, WorkStatus.PENDING, WorkStatus.BLOCKED, WorkStatus.DONE),
        WorkStatus.ASSIGNED: (WorkStatus.RUNNING, WorkStatus.READY, WorkStatus.BLOCKED, WorkStatus.DONE),
        WorkStatus.RUNNING: (WorkStatus.ASSIGNED, WorkStatus.READY, WorkStatus.BLOCKED, WorkStatus.DONE),
        WorkStatus.BLOCKED: (WorkStatus.ASSIGNED, WorkStatus.RUNNING, WorkStatus.READY, WorkStatus.DONE),
        WorkStatus.DONE: (WorkStatus.BLOCKED,),
    },
)

BUSY = frozenset({WorkStatus.ASSIGNED, WorkStatus.RUNNING})
"""What counts against `max_parallel_items`."""


class Verdict(Enum):
    """What is known of one condition for merging, for one head commit."""

    UNKNOWN = "unknown"
    """Not looked at yet, or not decided yet."""
    PENDING = "pending"
    """Being worked out."""
    PASSED = "passed"
    """Satisfied."""
    FAILED = "failed"
    """Not satisfied; something must change."""


# gc=False below: frozen values cannot form cycles, and a mission may have tens of thousands of them.


class PullState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the mission knows of an item's pull request. Verdicts hold for `head` only."""

    number: int
    url: str
    head: str
    """Commit sha that the verdicts are about."""
    head_since: datetime | None = None
    """When that head was handed in, or seen first."""
    base: str = ""
    """The branch it goes into; empty: the mission's."""
    base_since: datetime | None = None
    """When it was seen to go into that instead of another: what is checked for it may begin anew only then."""
    accepted_base: str = ""
    """A base that is neither the mission's nor an item's, but that a person accepted."""
    is_owed_update: bool = False
    """Whether its base is to be merged into it whatever the forge says: nothing was checked for that base."""
    updates: int = 0
    """How often its base was merged into it since somebody last changed it."""
    checks: Verdict = Verdict.UNKNOWN
    checks_note: str = ""
    """What they wait for, one line, when that is not plain."""
    checks_trouble: str = ""
    """Why they could not be run, one line; nothing of the commit's, so a person must look."""
    is_checked_again: bool = False
    """They are to be run again; what they said before does not count any more."""
    reruns: int = 0
    """How often they were run again because they had failed for reasons of their own."""
    review: Verdict = Verdict.UNKNOWN
    """Of the town's own reviewer, or of a person by command."""
    people: Verdict = Verdict.UNKNOWN
    """Of people on the forge. An objection outlasts the head it was made of, until they take it back."""
    people_by: str = ""
    """Who of them said so."""
    ask_again: tuple[str, ...] = ()
    """Who of them is to look again at this head."""
    asked: tuple[str, ...] = ()
    """Who was asked to."""
    ask_at: datetime | None = None
    """Not before this time is anybody asked."""
    is_heard: bool = False
    """Whether it was looked at what people say of this head."""
    told: tuple[str, ...] = ()
    """Ids of the findings that were handed over to be mended, newest last."""
    mergeable: Verdict = Verdict.UNKNOWN
    mergeable_note: str = ""
    """Why it does not merge yet, one line, as far as the forge says."""
    is_behind: bool = False
    """Of one that is pending: it merges, but only brought up to date with its base first."""
    is_queued: bool = False
    """Whether it is in the forge's merge queue, which takes the very head that was put into it."""
    is_entered: bool = False
    """Whether it was the mission that put it there: then the mission may take it out again."""
    merged_as: str | None = None
    """Sha on the base branch once it is merged."""
    opened_at: datetime | None = None
    is_open: bool = True
    """False once a person closed it without merging."""

    @property
    def reviewed(self) -> Verdict:
        """What the town's reviewer and people say together: people's word outweighs."""
        return self.people if self.people in {Verdict.PASSED, Verdict.FAILED} else self.review


class FixRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Why an item's branch must change, in the words of whoever asks for it."""

    cause: str
    """`checks`, `review`, `conflict` or `comments`: never two requests of one cause at a time."""
    head: str
    """Commit sha it is about."""
    text: str
    """Everything the agent needs: check names and the end of their output, or the reviewer's words."""
    since: datetime
    findings: tuple[str, ...] = ()
    """Ids of the findings in the text."""


class OutsideDependency(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An issue that this mission does not work on, but an item waits for."""

    ref: IssueRef
    is_open: bool
    checked_at: datetime
    finding: str = ""
    """Why it cannot be looked at, when that is not for a while only."""
    sources: tuple[RelationSource, ...] = ()
    """Where it is said that the item waits for it."""


class Need(msgspec.Struct, frozen=True, gc=False):
    """Where it is said that an item depends on another."""

    item_id: str
    sources: tuple[RelationSource, ...]


class WorkItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One unit of work."""

    id: str
    mission_id: str
    key: str
    """What people call it: `#2`, `owner/repo#2` or a document's path."""
    title: str
    kind: WorkKind
    status: WorkStatus
    depends_on: tuple[str, ...] = ()
    """Ids of the items that must be done before."""
    waits_for: tuple[OutsideDependency, ...] = ()
    """Issues outside the mission that must be closed before."""
    needs: tuple[Need, ...] = ()
    """Where each of `depends_on` is said."""
    is_parent: bool = False
    """Whether its issue has sub-issues: they may be all there is to do."""
    owner_role: str | None = None
    """Role that fits best."""
    priority: int = 0
    """Higher goes first."""
    assigned_to: str | None = None
    """Id of the agent that has it, or had it last."""
    pinned_to: str | None = None
    """Id of the agent that a person chose for it."""
    artifact_refs: tuple[str, ...] = ()
    """Pull request URLs, commit shas."""
    source_ref: str | None = None
    """`owner/repo#2` or a path."""
    branch: str
    """Its own branch."""
    created_at: datetime
    updated_at: datetime
    task_id: str | None = None
    """The open work or fix task."""
    review_task_id: str | None = None
    """The open review task."""
    work_task_id: str | None = None
    """The last finished work or fix task; its result is what dependents are told."""
    submitted: str | None = None
    """Head commit the agent handed in, once there is one."""
    named_pull: str | None = None
    """Pull request URL that the agent named in its report."""
    pull: PullState | None = None
    fixes: tuple[FixRequest, ...] = ()
    """What must be mended before it can go on."""
    tasks_given: int = 0
    """Tasks ever made for it; tells their ids apart."""
    failed_attempts: int = 0
    """Tries that ended without a result since the last success."""
    lost_runs: int = 0
    """Runs that were lost with their agents since the last success."""
    fix_rounds: int = 0
    """Fix tasks given out for its pull request."""
    retry_at: datetime | None = None
    """Not before this time: it backs off."""
    errors: int = 0
    """Forge calls for it that failed in a row."""
    setback: str = ""
    """What went wrong last, and which try of how many that was; empty again after a success."""
    hold: str | None = None
    """Why it needs a person; nothing is tried meanwhile."""
    approved_head: str | None = None
    """Head commit that a person approved by hand; `*` for whatever comes (an item without a branch)."""
    merge_head: str | None = None
    """Head commit that a person wants merged; one that comes after it is another matter."""
    notes: tuple[str, ...] = ()
    """What operators said about it, not yet handed over."""
    remarks: tuple[Remark, ...] = ()
    """What was said below its issue since the mission started, oldest first."""
    remarks_given: int = 0
    """How many of these its agent was told."""
    heard_at: datetime | None = None
    """When that was read last."""
    heard_for: int = 0
    """Before which of its tasks, counted from 1, that was."""
    heard_until: datetime | None = None
    """When the newest was said of all that was read."""
    history: tuple[str, ...] = ()
    """Reasons of its failed attempts, oldest first."""
    closed_after: str | None = None
    """Of one that no merge closes: id of the task after whose end its issue was closed, or left to a person."""
    told: str = ""
    """Digest of what its issue's status comment says."""
    tell_at: datetime | None = None
    """Not before this time is that comment written again."""

    @property
    def typed(self) -> str:
        """Its key as it is typed in a command: a shell takes what begins with `#` for a comment."""
        return self.key.removeprefix("#")

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.status is WorkStatus.DONE

    @property
    def is_merged(self) -> bool:
        """Whether its branch is part of the base branch."""
        return self.pull is not None and self.pull.merged_as is not None

    @property
    def parts(self) -> frozenset[str]:
        """Ids of the items that are sub-issues of it."""
        return frozenset(need.item_id for need in self.needs if RelationSource.SUB_ISSUE in need.sources)

    @property
    def has_branch(self) -> bool:
        """Whether its outcome is a branch and a pull request."""
        return self.kind in BRANCH_KINDS


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """The text an item was made from; kept apart from the item because steps do not need it."""

    title: str
    body: str
    url: str = ""
    author: str = ""
    labels: tuple[str, ...] = ()
    is_trusted: bool = True
    remarks: tuple[Remark, ...] = ()
    """What was said below the issue, oldest first."""
