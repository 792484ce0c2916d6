from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from tests.properties.paper_forge import OUTSIDE, PaperForge

from tinytown.domain.errors import ConflictError, ForgeUnavailableError, QuotaError
from tinytown.domain.pull import ChecksSeen, Known, Merged, PullDraft, Queued, ReviewSeen
from tinytown.domain.refs import IssueRef
from tinytown.domain.watch import WatchKind
from tinytown.planner.wants import LookAt, LookedUp, LookUp, Merge, OpenPull, Outcome, Refused, Tell, Want
from tinytown.repository.time_limit import left_secs
from tinytown.services import outside
from tinytown.services.outside import carry_out_all
from tinytown.services.step_time import CHANGE_SECS, StepTime

URL = "acme/shop/pull/1"
HEAD = "a" * 40
PULL = PullDraft(branch="tt/1-thing", base="main", head=HEAD, title="thing", body="", marker="m")
MERGE = Merge(item_id="i", url=URL, head=HEAD)
LATER = datetime(2026, 1, 5, 15, 40, tzinfo=UTC)


class SlowForge(PaperForge):
    """A forge that bears several looks at once and notes what it was asked in which order."""

    parallel = 4

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.threads: set[int] = set()
        self.together = threading.Barrier(1)
        self.gate = threading.Event()
        self.gate.set()

    def reviews(self, url: str, known: Known | None = None) -> ReviewSeen:
        self.asked.append("reviews")
        self.threads.add(threading.get_ident())
        self.together.wait(5)
        self.gate.wait(5)
        return super().reviews(url, known)

    def comments(self, url: str, known: Known | None = None) -> ReviewSeen:
        self.asked.append("comments")
        return super().comments(url, known)

    def tell(self, ref: IssueRef, marker: str, text: str) -> None:
        self.asked.append("tell")
        super().tell(ref, marker, text)

    def recheck(self, url: str, known: Known | None = None) -> None:
        self.asked.append("recheck")
        super().recheck(url, known)

    def merge(
        self,
        url: str,
        head: str,
        *,
        closes: tuple[IssueRef, ...],
        known: Known | None = None,
        heeds: tuple[WatchKind, ...] = (),
    ) -> Merged | Queued:
        self.asked.append("merge")
        return super().merge(url, head, closes=closes, known=known, heeds=heeds)


@pytest.fixture
def forge() -> Iterator[SlowForge]:
    forge = SlowForge()
    forge.open_pull(PULL)
    yield forge
    forge.gate.set()


def look(kind: WatchKind = WatchKind.REVIEW_COMMENTS, *, is_again: bool = False) -> LookAt:
    return LookAt(watch_id="w", item_id="i", kind=kind, target=URL, is_again=is_again)


def kinds_of(outcomes: list[Outcome]) -> list[type]:
    return [type(outcome.want) for outcome in outcomes]


def test_looks_of_a_kind_follow_each_other(forge: SlowForge) -> None:
    forge.parallel = 2
    wants = [look(kind) for _ in range(4) for kind in WatchKind]

    outcomes = carry_out_all(forge, wants)

    assert [outcome.want for outcome in outcomes] == wants
    assert forge.asked[:3] == ["comments"] * 3, "two threads swap neighbours at most"
    assert forge.asked[-3:] == ["reviews"] * 3


def test_changes_are_made_before_anything_is_looked_at_and_told_in_the_order_of_the_wants(forge: SlowForge) -> None:
    outcomes = carry_out_all(forge, [look(), MERGE])

    assert forge.asked == ["merge", "reviews"]
    assert kinds_of(outcomes) == [LookAt, Merge]


def test_looks_are_made_at_once_as_many_as_the_forge_bears(forge: SlowForge) -> None:
    forge.together = threading.Barrier(4)  # broken unless four are there

    outcomes = carry_out_all(forge, [look()] * 4)

    assert [type(outcome.found) for outcome in outcomes] == [ReviewSeen] * 4


def test_telling_is_the_last_thing_and_leaves_time_for_what_happens_meanwhile(forge: SlowForge) -> None:
    tells: list[Want] = [Tell(item_id="i", ref=OUTSIDE, marker="m", text=str(n)) for n in range(3)]

    outcomes = carry_out_all(forge, [*tells, look(), MERGE], telling_secs=0)

    assert forge.asked == ["merge", "reviews", "tell"]
    assert kinds_of(outcomes) == [Tell, LookAt, Merge], "one is told whatever the time, so that it goes on"


def test_everything_is_told_that_there_is_time_for(forge: SlowForge) -> None:
    tells: list[Want] = [Tell(item_id="i", ref=OUTSIDE, marker="m", text=str(n)) for n in range(3)]

    assert len(carry_out_all(forge, tells)) == 3


def test_checks_to_be_run_again_are_a_change(forge: SlowForge) -> None:
    want = look(WatchKind.PR_CHECKS, is_again=True)

    carry_out_all(forge, [look(), want, look()])

    assert forge.asked == ["recheck", "reviews", "reviews"]


def test_what_is_not_back_in_time_is_left_for_the_next_step(forge: SlowForge) -> None:
    forge.gate.clear()

    outcomes = carry_out_all(forge, [look(), MERGE, LookUp(ref=OUTSIDE)], within_secs=0.3)

    assert [(type(o.want), type(o.found)) for o in outcomes] == [(Merge, Merged), (LookUp, LookedUp)]


@pytest.mark.parametrize("parallel", [1, 4])
def test_nothing_is_begun_when_the_time_is_over(forge: SlowForge, parallel: int) -> None:
    forge.parallel = parallel
    wants: list[Want] = [OpenPull(item_id="i", draft=PULL), look()]

    assert carry_out_all(forge, wants, within_secs=0) == []


def test_single_look_needs_no_thread(forge: SlowForge) -> None:
    carry_out_all(forge, [MERGE, look()])

    assert forge.threads == {threading.get_ident()}


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (QuotaError("used up", retry_at=LATER), Refused(reason="used up", is_temporary=True, not_before=LATER)),
        (ConflictError("moved"), Refused(reason="moved", is_temporary=True, is_conflict=True)),
        (ForgeUnavailableError("away"), Refused(reason="away", is_temporary=True)),
    ],
)
def test_refusal_is_an_outcome_like_any_other(forge: SlowForge, error: Exception, refused: Refused) -> None:
    forge.trouble = [error]

    assert [outcome.found for outcome in carry_out_all(forge, [MERGE])] == [refused]


class TimedForge(SlowForge):
    """Notes how long what is asked of it may take."""

    def __init__(self) -> None:
        super().__init__()
        self.limits: list[float] = []

    def checks(self, url: str, known: Known | None = None) -> ChecksSeen:
        self.limits.append(left_secs(1000))
        return super().checks(url, known)

    def recheck(self, url: str, known: Known | None = None) -> None:
        self.limits.append(left_secs(1000))
        super().recheck(url, known)


@pytest.mark.parametrize("parallel", [1, 4])
def test_each_change_has_its_time_and_looks_have_what_is_left_of_the_step(parallel: int) -> None:
    forge = TimedForge()
    forge.open_pull(PULL)
    forge.parallel = parallel
    again, once = look(WatchKind.PR_CHECKS, is_again=True), look(WatchKind.PR_CHECKS)

    carry_out_all(forge, [again, once, once], within_secs=5)

    recheck, checked_again, *looks = forge.limits
    assert 5 < checked_again <= recheck <= CHANGE_SECS
    assert all(0 < limit <= 5 for limit in looks)


def test_lease_is_renewed_before_what_may_take_long_and_nothing_is_begun_without() -> None:
    answers = [True, False]
    time = StepTime(60, lambda: answers.pop(0), fresh_secs=0)

    assert [time.goes_on() for _ in range(4)] == [True, False, False, False]
    assert answers == []


def test_lease_that_was_renewed_just_now_is_not_renewed_again() -> None:
    assert StepTime(60, lambda: False).goes_on()


def test_nothing_is_wanted_any_more_when_another_dispatcher_has_the_mission(
    forge: SlowForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "StepTime", partial(StepTime, fresh_secs=0))

    assert carry_out_all(forge, [MERGE, look(), look()], is_ours=lambda: False) == []
    assert forge.asked == []
