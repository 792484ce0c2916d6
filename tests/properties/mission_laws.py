"""The rules of the architecture, as checks of a town between any two things that happen in it."""

from __future__ import annotations

from collections import Counter

from tests.properties.mission_town import NOTE, PaperTown, open_tasks
from tests.properties.paper_forge import PaperPull

from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.message import MessageKind
from tinytown.domain.mission import MissionState
from tinytown.domain.refs import parse_issue_ref
from tinytown.domain.task import TaskKind, TaskState
from tinytown.domain.watch import WatchKind, WatchStatus
from tinytown.domain.workitem import BUSY, REVIEWED_KINDS, Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.planner.draft import Draft
from tinytown.planner.reasons import reasons
from tinytown.planner.seen_checks import MOST_RERUNS
from tinytown.planner.stage import Stage, stage_of
from tinytown.planner.status_note import MARKER, text_of
from tinytown.planner.telling import UNTELLABLE
from tinytown.planner.updating import MOST_UPDATES
from tinytown.services.commits import to_snapshot
from tinytown.store.inbox import Inbox
from tinytown.store.missions import Stored


class Laws:
    """What must hold, with what was seen before."""

    def __init__(self, town: PaperTown) -> None:
        self._town = town
        town.forge.on_merge = self.on_merge
        self._statuses: dict[str, WorkStatus] = {}
        self._tasks_given: dict[str, int] = {}
        self._reviewed: dict[str, str] = {}
        self._version = 0
        self._wrong_merges: list[str] = []
        self._once_done: set[str] = set()

    def begin(self) -> None:
        """The mission has been started."""
        self._remember(self._town.read())

    def check(self) -> None:
        """Fail when a rule is broken."""
        stored = self._town.read()
        for check in (
            self._limits,
            self._order,
            self._tasks,
            self._fixes,
            self._bounds,
            self._queue,
            self._approvals,
            self._reasons,
            self._ends,
            self._events,
            self._commands,
            self._wakes,
            self._questions,
        ):
            check(stored)
        self._agents()
        self._merges()
        self._remember(stored)

    def _questions(self, stored: Stored) -> None:
        """What the conductor is asked is what the mission still needs help with."""
        inbox = Inbox(self._town.missions._connection, self._town.keys)
        waiting = [one.id for one in inbox.waiting(CONDUCTOR) if one.kind is MessageKind.QUERY]
        known = stored.mission.help.questions if stored.mission.help else ()
        assert set(waiting) == {question.id for question in known}, f"{stored.mission.state}: {waiting}, {known}"

    def why(self) -> dict[str, tuple[str, ...]]:
        """What each item that is not done waits for."""
        stored = self._town.read()
        draft = Draft(to_snapshot(stored), self._town.now)
        return {item.key: reasons(draft, item) for item in stored.items.values() if not item.is_done}

    def on_merge(self, pull: PaperPull, head: str) -> None:
        """A dispatcher merges this head now: was it checked and reviewed?"""
        stored = self._town.read()
        item = next(i for i in stored.items.values() if i.id in pull.marker)
        if not self._is_proven(stored, item, head):
            self._wrong_merges.append(f"{item.key} at {head}")
        assert item.pull is not None
        if item.pull.people is Verdict.FAILED and item.approved_head not in {head, "*"}:
            self._wrong_merges.append(f"{item.key} over an objection")
        is_heeded = any(
            watch.work_item_id == item.id
            and watch.kind is WatchKind.REVIEW_COMMENTS
            and watch.status is WatchStatus.ACTIVE
            for watch in stored.watches.values()
        )
        if is_heeded and item.approved_head not in {head, "*"} and self._is_objected(pull, head):
            self._wrong_merges.append(f"{item.key} over an objection that nobody looked for")
        if self._town.forge.verdicts.get(head) is not Verdict.PASSED:
            self._wrong_merges.append(f"{item.key} over checks that do not pass any more")
        if head not in self._town.forge.heard:
            self._wrong_merges.append(f"{item.key} unheard")
        if pull.base not in {stored.mission.base, item.pull.accepted_base}:
            self._wrong_merges.append(f"{item.key} into {pull.base}")

    def _is_objected(self, pull: PaperPull, head: str) -> bool:
        """Whether somebody objects on the forge just now."""
        return bool(pull.objections) or self._town.forge.reviewed.get(head) is Verdict.FAILED

    def _is_proven(self, stored: Stored, item: WorkItem, head: str) -> bool:
        forge = self._town.forge
        needs_review = stored.mission.policy.reviewer_required and item.kind in REVIEWED_KINDS
        return head in forge.ever_passed and (not needs_review or head in forge.ever_approved)

    def _remember(self, stored: Stored) -> None:
        self._town.events.wait(0)
        self._statuses = {item.id: item.status for item in stored.items.values()}
        self._tasks_given = {item.id: item.tasks_given for item in stored.items.values()}
        self._reviewed = {
            item.id: item.pull.head
            for item in stored.items.values()
            if item.pull is not None and item.pull.review is Verdict.PASSED
        }
        self._version = stored.mission.version

    # Each rule

    def _approvals(self, stored: Stored) -> None:
        """What was approved stays so when only its base comes in, however the mission hears of that."""
        for item in stored.items.values():
            before = self._reviewed.get(item.id)
            if item.pull is None or before is None or not self._town.forge.is_update(item.pull.head, before):
                continue
            assert item.pull.review is not Verdict.UNKNOWN, f"the approval of {item.key} got lost"

    def _limits(self, stored: Stored) -> None:
        busy = [item.key for item in stored.items.values() if item.status in BUSY]
        assert len(busy) <= stored.mission.policy.max_parallel_items, f"too many in work: {busy}"

    def _order(self, stored: Stored) -> None:
        self._once_done |= {item.id for item in stored.items.values() if item.is_done}
        for item in stored.items.values():
            if item.status is not WorkStatus.PENDING:
                # what was sent back was done before: who was at it goes on
                assert self._once_done.issuperset(item.depends_on), f"{item.key} went ahead"
                assert not any(dep.is_open for dep in item.waits_for), f"{item.key} did not wait for what is outside"

    def _tasks(self, stored: Stored) -> None:
        """Each open task is known by exactly its item, each item in work has its task."""
        for task in stored.tasks.values():
            if task.is_open:
                item = stored.items[task.spec.item_id or ""]
                known = item.review_task_id if task.spec.kind is TaskKind.REVIEW else item.task_id
                assert known == task.id, f"task of {item.key} is an orphan"
        for item in stored.items.values():
            assert (item.task_id is not None) == (item.status in BUSY), (
                f"{item.key} is {item.status} with {item.task_id}"
            )
            for task_id in (item.task_id, item.review_task_id):
                assert task_id is None or task_id in stored.tasks, f"the task of {item.key} is not known"
            assert not (item.is_done and item.review_task_id), f"{item.key} is done and under review"

    def _agents(self) -> None:
        tasks = open_tasks(self._town)
        holders = Counter(task.agent_id for task in tasks)
        assert not [agent for agent, count in holders.items() if count > 1], "an agent has two tasks"
        assert all(task.state is not TaskState.PENDING for task in tasks)
        mission = self._town.read()
        strays = [t.id for t in tasks if t.id not in mission.tasks]
        assert not strays, "an agent has a task that the mission forgot"

    def _fixes(self, stored: Stored) -> None:
        for item in stored.items.values():
            causes = Counter(fix.cause for fix in item.fixes)
            assert not [cause for cause, count in causes.items() if count > 1], f"{item.key} is to be mended twice"
            fixing = [t for t in stored.tasks.values() if t.spec.item_id == item.id and t.is_open and t.spec.causes]
            assert len(fixing) <= 1, f"{item.key} has two fix tasks"

    def _bounds(self, stored: Stored) -> None:
        policy = stored.mission.policy
        for item in stored.items.values():
            assert item.fix_rounds <= policy.max_fix_rounds, f"{item.key} was mended too often"
            assert item.failed_attempts <= policy.max_attempts + 1, f"{item.key} was tried too often"
            assert item.pull is None or item.pull.reruns <= MOST_RERUNS, f"{item.key} was checked too often"
            assert item.pull is None or item.pull.updates <= MOST_UPDATES, f"{item.key} was updated too often"
            given = item.tasks_given - self._tasks_given[item.id]
            assert given <= 3, f"{item.key} was given {given} tasks at once"

    def _queue(self, stored: Stored) -> None:
        """What is in the merge queue is not changed by us."""
        for item in stored.items.values():
            is_queued = item.pull is not None and item.pull.is_queued and not item.is_done
            assert not is_queued or item.status not in BUSY, f"{item.key} is changed while it is queued"

    def told(self, stored: Stored) -> None:
        """At the end each issue says what came of it."""
        draft = Draft(to_snapshot(stored), self._town.now)
        for item in stored.items.values():
            if item.told not in {"", UNTELLABLE}:
                ref = parse_issue_ref(item.source_ref or "", stored.mission.home)
                said = self._town.forge.told[ref, MARKER]
                assert self._town.is_disturbed or said == text_of(draft, item), f"{item.key} is told wrongly"
            else:
                assert item.told or not stored.mission.traits.has_status or item.tasks_given == 0

    def _reasons(self, stored: Stored) -> None:
        for key, lines in self.why().items():
            assert lines, f"{key} cannot say why"
            assert all(line.strip() for line in lines), f"{key} cannot say why"
        if stored.mission.state is MissionState.BLOCKED:
            assert stored.mission.blocked_reason, "the mission is blocked without a reason"

    def _ends(self, stored: Stored) -> None:
        is_completed = stored.mission.state is MissionState.COMPLETED
        assert not is_completed or all(item.is_done for item in stored.items.values())
        for item in stored.items.values():
            if item.is_done and self._statuses[item.id] is not WorkStatus.DONE:
                assert self._has_evidence(stored, item), f"{item.key} is done without evidence: {item.pull}"

    def _has_evidence(self, stored: Stored, item: WorkItem) -> bool:
        if item.approved_head is not None or item.is_merged:
            return True
        if item.kind is WorkKind.REVIEW:
            return item.work_task_id is not None
        pull = item.pull
        if pull is None or stored.mission.policy.auto_merge:
            return False
        merges = pull.mergeable is Verdict.PASSED or (pull.is_behind and pull.mergeable is Verdict.PENDING)
        return merges and self._is_proven(stored, item, pull.head)

    def _events(self, stored: Stored) -> None:
        """Nothing changes silently, and nothing is said of what did not happen."""
        told = {event.item_id for event in self._town.events.wait(0)}
        for item in stored.items.values():
            if item.status is not self._statuses[item.id]:
                assert item.id in told, f"{item.key} became {item.status.value} silently"
        assert stored.mission.version >= self._version

    def _commands(self, stored: Stored) -> None:
        """What a person was told was done is not undone by a decision made from before."""
        mission = stored.mission
        assert mission.notes.count(NOTE) == self._town.notes_kept, "a note is lost"
        assert not mission.is_active or mission.is_paused is self._town.is_stopped, "a stop or a resumption is lost"

    def _wakes(self, stored: Stored) -> None:
        """What can be done now is never left to the next full look."""
        if not stored.mission.is_active or self._town.is_due():
            return
        assert all(task.is_open for task in stored.tasks.values()), "a task ended and the mission is not due"
        for item in stored.items.values():
            is_wanted = stage_of(item, stored.mission.policy) is Stage.PULL and not stored.mission.is_paused
            is_backing_off = item.retry_at is not None and item.retry_at > self._town.now
            assert not is_wanted or is_backing_off, f"{item.key} wants a pull request and the mission is not due"

    def _merges(self) -> None:
        forge = self._town.forge
        assert not self._wrong_merges, f"merged without evidence: {self._wrong_merges}"
        assert all(count == 1 for count in forge.merge_count.values()), "merged twice"
        markers = Counter(pull.marker for pull in forge.pulls.values())
        assert all(count == 1 for count in markers.values()), "two pull requests of one item"
