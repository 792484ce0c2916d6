"""Random missions against the real store and the real dispatcher: every rule of the architecture holds throughout."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.properties.mission_laws import Laws
from tests.properties.mission_town import NAMES, NOTE, PaperTown
from tests.properties.paper_forge import OUTSIDE, TROUBLES, PaperPull

from tinytown.domain.forge import ForgeTraits
from tinytown.domain.ids import derive_id
from tinytown.domain.mission import Mission, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.task import Report, TaskKind
from tinytown.domain.workitem import OutsideDependency, Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.planner import directives, reopen
from tinytown.planner.draft import Draft
from tinytown.planner.telling import is_owed
from tinytown.services.commits import to_snapshot

MISSION = "00000000-0000-4000-8000-000000000001"
EXAMPLES, STEPS = 60, 40
ENDS_WITHIN = 400

policies = st.builds(
    MissionPolicy,
    max_parallel_items=st.integers(1, 3),
    reviewer_required=st.booleans(),
    auto_merge=st.booleans(),
    max_attempts=st.integers(1, 3),
    max_fix_rounds=st.integers(1, 3),
)
kinds = st.sampled_from(
    [WorkKind.IMPLEMENT] * 4 + [WorkKind.DESIGN, WorkKind.TEST, WorkKind.REVIEW, WorkKind.MERGE_GATE]
)
shapes = st.lists(st.tuples(kinds, st.sets(st.integers(0, 4)), st.booleans()), min_size=1, max_size=5)
traits = st.builds(ForgeTraits, stacks=st.booleans(), has_status=st.booleans())
numbers = st.integers(0, 4)
agents = st.sampled_from(NAMES)
reports = st.sampled_from([*Report, None])
verdicts = st.sampled_from([Verdict.PASSED, Verdict.PASSED, Verdict.FAILED])
slow = st.sampled_from(["", *NAMES])


def item_at(index: int, kind: WorkKind, needs: set[int], *, waits: bool, now: Any) -> WorkItem:
    outside = (OutsideDependency(ref=OUTSIDE, is_open=True, checked_at=now),) if waits else ()
    return WorkItem(
        id=derive_id(MISSION, index),
        mission_id=MISSION,
        key=f"#{index + 1}",
        title=f"thing {index + 1}",
        kind=kind,
        status=WorkStatus.PENDING,
        depends_on=tuple(derive_id(MISSION, need) for need in sorted(needs) if need < index),
        waits_for=outside,
        branch=f"tt/{index + 1}-thing",
        source_ref=f"acme/shop#{index + 1}",
        created_at=now,
        updated_at=now,
    )


def fitting(report: Report, kind: TaskKind) -> Report:
    """What `tt` lets an agent say of such a task: a review ends with a verdict, anything else does not."""
    if kind is TaskKind.REVIEW:
        return Report.APPROVED if report is Report.COMPLETED else report
    return Report.COMPLETED if report in {Report.APPROVED, Report.REJECTED} else report


class MissionMachine(RuleBasedStateMachine):
    """One mission in a town where anything may happen in any order."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        super().__init__()
        self.town = PaperTown(redis_url, folder, f"m-{uuid.uuid4().hex[:12]}")
        self.laws = Laws(self.town)
        self.is_sound = False

    @initialize(policy=policies, shape=shapes, traits=traits, is_strict=st.booleans(), has_queue=st.booleans())
    def start(
        self,
        policy: MissionPolicy,
        shape: list[tuple[WorkKind, set[int], bool]],
        traits: ForgeTraits,
        *,
        is_strict: bool,
        has_queue: bool,
    ) -> None:
        now = self.town.now
        self.town.forge.is_strict, self.town.forge.has_queue = is_strict, has_queue
        items = tuple(
            item_at(n, kind, needs, waits=waits and n > 0, now=now) for n, (kind, needs, waits) in enumerate(shape)
        )
        mission = Mission(
            id=MISSION,
            objective_refs=(),
            state=MissionState.RUNNING,
            policy=policy,
            created_at=now,
            updated_at=now,
            home=self.town.forge.home,
            traits=traits,
        )
        self.town.start(mission, items)
        self.laws.begin()

    def teardown(self) -> None:
        try:
            if self.is_sound:
                self.end_well()
        finally:
            self.town.close()

    @invariant()
    def every_rule_holds(self) -> None:
        self.is_sound = False
        if self.town.is_started:
            self.laws.check()
            self.is_sound = True

    # Dispatchers

    @rule(which=st.integers(0, 1), takes_over=st.booleans())
    def dispatch(self, which: int, *, takes_over: bool) -> None:
        if takes_over:
            self.town.end_lease()
        self.town.step(which)

    @rule(troubles=st.lists(st.sampled_from(TROUBLES), min_size=1, max_size=4), is_late=st.booleans())
    def dispatch_in_trouble(self, troubles: list[Exception], *, is_late: bool) -> None:
        self.town.end_lease()
        self.town.forge.trouble = list(troubles)
        self.town.forge.is_trouble_late = is_late
        self.town.step(0)

    @rule(
        act=st.sampled_from(["race", "claims", "ends", "ends", "dies", "stop", "note", "approve", "reject"]),
        in_forge=st.booleans(),
        claim_before=st.booleans(),
    )
    def dispatch_while_something_happens(self, act: str, *, in_forge: bool, claim_before: bool) -> None:
        acts: dict[str, Callable[[], None]] = {
            "race": lambda: self.dispatch(1, takes_over=True),
            "claims": self.all_claim,
            "ends": self.all_end,
            "dies": self.town.host_dies,
            "stop": lambda: self.person_speaks("stop by force"),
            "note": lambda: self.person_speaks(NOTE),
            "approve": lambda: self.approve(0),
            "reject": lambda: self.reject(0),
        }
        self.town.is_disturbed |= act == "race"
        self.town.end_lease()
        if claim_before:
            self.all_claim()
        if in_forge:
            self.town.forge.interlude = acts[act]
        else:
            self.town.interlude = acts[act]
        self.town.step(0)

    @rule(rounds=st.integers(1, 6), verdict=verdicts, slow=slow)
    def work_goes_on(self, rounds: int, verdict: Verdict, slow: str) -> None:
        """Everybody but the slow one does what they should; what checks say of new commits is given."""
        self.town.end_lease()
        for _ in range(rounds):
            self.town.step(0)
            self.all_end(slow)
            self.all_claim()
            self.town.forge.judge_new(verdict)
            self.town.pass_time(60)
            self.laws.check()

    @rule(rounds=st.integers(3, 12), verdict=verdicts, slow=slow)
    def person_helps_and_work_goes_on(self, rounds: int, verdict: Verdict, slow: str) -> None:
        """Also a person sees to it that nothing is held or stopped and nobody is missing."""
        self.town.forge.judge_new(verdict)
        self.help_out()
        self.work_goes_on(rounds, verdict, slow)

    # Agents

    @rule(name=agents)
    def claim(self, name: str) -> None:
        if name not in self.town.runs:
            self.town.claim(name)

    @precondition(lambda self: self.town.runs)
    @rule(name=agents, report=reports, commits=st.booleans(), is_crash=st.booleans())
    def run_ends(self, name: str, report: Report | None, *, commits: bool, is_crash: bool) -> None:
        if name in self.town.runs:
            report = report and fitting(report, self.town.runs[name].task.spec.kind)
            self.town.end_run(name, report, commits=commits, is_crash=is_crash)

    @rule(name=agents, what=st.sampled_from(["host dies", "stops", "starts", "starts"]))
    def misfortune(self, name: str, what: str) -> None:
        if what == "host dies":
            self.town.host_dies()
        elif what == "stops":
            self.town.stop_agent(name)
        else:
            self.town.start_agent(name)

    def all_claim(self) -> None:
        for name in NAMES:
            self.claim(name)

    def all_end(self, slow: str = "") -> None:
        for name in [name for name in self.town.runs if name != slow]:
            report = fitting(Report.COMPLETED, self.town.runs[name].task.spec.kind)
            self.town.end_run(name, report, commits=True)

    # The forge

    def pull(self, number: int) -> PaperPull | None:
        pulls = list(self.town.forge.pulls.values())
        return pulls[number % len(pulls)] if pulls else None

    @precondition(lambda self: self.town.forge.pulls)
    @rule(number=numbers, verdict=st.sampled_from([Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN]))
    def checks_end(self, number: int, verdict: Verdict) -> None:
        if pull := self.pull(number):
            self.town.forge.judge(self.town.forge.head(pull), verdict)

    @precondition(lambda self: self.town.forge.pulls)
    @rule(number=numbers)
    def checks_fail_for_reasons_of_their_own(self, number: int) -> None:
        if pull := self.pull(number):
            self.town.forge.flaky.add(self.town.forge.head(pull))
            self.town.forge.judge(self.town.forge.head(pull), Verdict.FAILED)

    @precondition(lambda self: self.town.forge.pulls)
    @rule(number=numbers, lag=st.integers(1, 6))
    def forge_lags(self, number: int, lag: int) -> None:
        if pull := self.pull(number):
            pull.shown, pull.lag = self.town.forge.head(pull), lag

    @precondition(lambda self: self.town.forge.pulls)
    @rule(number=numbers, delivery=numbers)
    def forge_signals(self, number: int, delivery: int) -> None:
        if pull := self.pull(number):
            self.town.signal(pull.url, f"d{delivery}")

    @precondition(lambda self: self.town.forge.pulls)
    @rule(number=numbers, is_merged=st.booleans())
    def queue_moves(self, number: int, *, is_merged: bool) -> None:
        if pull := self.pull(number):
            self.town.forge.queue_ends(pull, is_merged=is_merged)

    @precondition(lambda self: self.town.forge.pulls)
    @rule(number=numbers, is_content=st.booleans())
    def person_objects_to_the_pull_request(self, number: int, *, is_content: bool) -> None:
        if pull := self.pull(number):
            if is_content:
                pull.objections.clear()
            else:
                self.town.forge.object(pull)

    @rule(what=st.sampled_from(["objects", "refuses", "checks fail", "release"]))
    def something_happens_right_before_the_next_merge(self, what: str) -> None:
        forge = self.town.forge
        acts: dict[str, Callable[[PaperPull], None]] = {
            "objects": forge.object,
            "refuses": lambda pull: forge.review(forge.head(pull), Verdict.FAILED),
            "checks fail": lambda pull: forge.judge(forge.head(pull), Verdict.FAILED),
            "release": lambda pull: setattr(pull, "base", "release"),
        }
        forge.before_merge = acts[what]

    @precondition(lambda self: self.town.forge.pulls)
    @rule(number=numbers, verdict=st.sampled_from([Verdict.PASSED, Verdict.FAILED]))
    def person_reviews(self, number: int, verdict: Verdict) -> None:
        if pull := self.pull(number):
            self.town.forge.review(self.town.forge.head(pull), verdict)

    @precondition(lambda self: self.town.forge.pulls)
    @rule(
        number=numbers,
        what=st.sampled_from(
            ["conflict", "push", "behind", "behind", "merge", "merge", "close", "reopen", "release", "main"]
        ),
    )
    def pull_request_changes(self, number: int, what: str) -> None:
        pull, forge = self.pull(number), self.town.forge
        if pull is None or pull.merged_as is not None:
            return
        if what == "conflict":
            forge.conflicts.add(forge.head(pull))
        elif what == "push":
            forge.push(pull.branch, self.town.new_head())
        elif what == "behind":
            pull.is_behind = True
        elif what in {"release", "main"}:  # somebody has it go into another base
            pull.base = what
        elif what == "merge" and pull.is_open:
            forge.merge_by_hand(pull)
        else:
            pull.is_open, pull.queued = what != "close", None

    @precondition(lambda self: any(pull.base != "main" for pull in self.town.forge.pulls.values()))
    @rule()
    def what_others_are_stacked_on_is_merged(self) -> None:
        forge = self.town.forge
        bases = {pull.base for pull in forge.pulls.values() if pull.is_open}
        for pull in list(forge.pulls.values()):
            if pull.is_open and pull.branch in bases and pull.base == "main":
                forge.merge_by_hand(pull)

    # People and time

    @rule(secs=st.sampled_from([1, 10, 30, 61, 180, 300, 4000]))
    def time_passes(self, secs: int) -> None:
        self.town.pass_time(secs)

    @rule(
        what=st.sampled_from(
            ["stop", "stop by force", "resume", "pause", NOTE, "#1: quick", "redirect to worker", "redirect"]
        )
    )
    def person_speaks(self, what: str) -> None:
        acts: dict[str, Callable[[Draft], object]] = {
            "stop": lambda draft: directives.stop(draft, is_forced=False),
            "stop by force": lambda draft: directives.stop(draft, is_forced=True),
            "resume": directives.resume,
        }
        if self.town.tell(acts.get(what) or (lambda draft: directives.note(draft, what))):
            self.town.notes_kept += what == NOTE
            self.town.is_stopped = what in {"stop", "stop by force", "pause"} or (
                self.town.is_stopped and what != "resume"
            )

    @rule()
    def issue_outside_is_closed(self) -> None:
        self.town.forge.open_issues.clear()

    @rule(number=numbers, name=agents)
    def redirect(self, number: int, name: str) -> None:
        self.town.tell(lambda draft: directives.note(draft, f"redirect #{number + 1} to {name}"))

    @rule(number=numbers)
    def approve(self, number: int) -> None:
        def act(draft: Draft) -> None:
            item = directives.find_item(draft, f"#{number + 1}")
            directives.approve(draft, item)
            self.town.forge.ever_approved.add(item.submitted or "*")

        self.town.tell(act)

    @rule(number=numbers)
    def reject(self, number: int) -> None:
        self.town.tell(lambda d: directives.reject(d, directives.find_item(d, f"#{number + 1}"), "ugly"))

    @rule(number=numbers)
    def merge(self, number: int) -> None:
        self.town.tell(lambda d: reopen.merge(d, directives.find_item(d, f"#{number + 1}")))

    # The end

    def end_well(self) -> None:
        """From here on everybody does what they should: then the mission completes, woken by due times alone."""
        town = self.town
        town.end_lease()
        town.forge.open_issues.clear()
        for _ in range(ENDS_WITHIN):
            if town.read().mission.state is MissionState.COMPLETED:
                self.tell_the_end()
                return
            self.help_out()
            if town.mission_id in town.due().missions:
                assert town.step(0), "nobody else has the mission"
                self.laws.check()
            elif not self.agents_move():
                self.wait()
        raise AssertionError(f"not completed within {ENDS_WITHIN} steps: {self.laws.why()}")

    def tell_the_end(self) -> None:
        """What is still to be told is told, although the mission is over."""
        for _ in range(ENDS_WITHIN):
            self.laws.check()
            stored = self.town.read()
            if not is_owed(to_snapshot(stored)):
                self.laws.told(stored)
                return
            if self.town.mission_id not in self.town.due().missions:
                self.wait()
            self.town.step(0)
        raise AssertionError("what came of it is never told")

    def help_out(self) -> None:
        """A person decides what is theirs to decide, agents are there, checks end."""
        town = self.town
        for name in NAMES:
            town.start_agent(name)
        town.forge.judge_new(Verdict.PASSED)
        town.forge.before_merge = None
        town.forge.content_all()
        self.what_others_are_stacked_on_is_merged()
        for pull in town.forge.pulls.values():
            pull.is_open = pull.merged_as is None
            pull.base = "main" if pull.base == "release" else pull.base
        stored = town.read()
        if stored.mission.is_paused or any(i.hold and i.kind is not WorkKind.MERGE_GATE for i in stored.items.values()):
            self.person_speaks("resume")
        for item in stored.items.values():
            if item.kind is WorkKind.MERGE_GATE and item.status is WorkStatus.BLOCKED:
                self.approve(int(item.key[1:]) - 1)

    def agents_move(self) -> bool:
        had = len(self.town.runs)
        self.all_end()
        self.all_claim()
        return bool(had or self.town.runs)

    def wait(self) -> None:
        """Until something is due or may be tried again."""
        town = self.town
        times = [at for name in NAMES if (at := town.claim(name)) is not None]
        if (next_at := town.due().next_at) is not None:
            times.append(next_at)
        assert times, f"nothing is due, nobody has anything to do: {self.laws.why()}"
        town.pass_time(max(0.0, (min(times) - town.now).total_seconds()))


def _machine(redis_url: str, folder: Path) -> type[RuleBasedStateMachine]:
    class Machine(MissionMachine):
        def __init__(self) -> None:
            super().__init__(redis_url, folder)

    return Machine


def test_missions_keep_every_rule_and_end_well(redis_url: str, tmp_path: Path) -> None:
    profile = settings.default
    assert profile is not None
    examples = EXAMPLES if profile.derandomize else profile.max_examples
    run_state_machine_as_test(
        _machine(redis_url, tmp_path), settings=settings(max_examples=examples, stateful_step_count=STEPS)
    )
