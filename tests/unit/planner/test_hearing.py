"""What people say below an issue while a mission works on it reaches the next prompt, once, as text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from tests.unit.planner.world import (
    NOW,
    fix_request,
    handed_in,
    later,
    make_agent,
    make_mission,
    make_snapshot,
    ready,
    step,
)

from tinytown.domain.forge import ForgeTraits
from tinytown.domain.issue import Remark
from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import WorkItem
from tinytown.planner.hearing import MOST
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.tick import Decision
from tinytown.planner.wants import Hear, Heard, Outcome, Refused

REF = IssueRef("acme", "shop", 1)
ON_GITHUB = make_mission(traits=ForgeTraits(hears=True))


def town(item: WorkItem) -> Snapshot:
    return make_snapshot(item, make_agent("backend"), mission=ON_GITHUB)


def remark(minute: int, text: str = "use tabs", *, is_trusted: bool = True) -> Remark:
    return Remark(by="ann", text=text, at=later(60 * minute), is_trusted=is_trusted)


def waiting(**fields: Any) -> WorkItem:
    return ready(1, **{"heard_at": NOW, "heard_for": 1, "heard_until": later(60), **fields})


def heard(*remarks: Remark) -> Outcome:
    return Outcome(want=Hear(item_id=waiting().id, ref=REF), found=Heard(remarks=remarks))


def hears(decision: Decision) -> list[IssueRef]:
    return [want.ref for want in decision.wants if isinstance(want, Hear)]


def told(decision: Decision) -> list[str]:
    return [remark.text for given in decision.changes.given for remark in given.spec.remarks]


def test_issue_is_read_again_before_its_work_is_given_out() -> None:
    at = later(600)
    snapshot, first = step(town(waiting()), now=at)
    assert (hears(first), first.changes.given) == ([REF], ())
    _, second = step(
        snapshot, heard(remark(0, "old"), remark(1, "older"), remark(5), remark(6, "x", is_trusted=False)), now=at
    )
    assert told(second) == ["use tabs", "x"]
    assert [one.is_trusted for one in second.changes.given[0].spec.remarks] == [True, False]
    assert hears(second) == []


def test_what_was_read_just_now_is_not_read_again() -> None:
    _, decision = step(town(waiting()), now=later(5))
    assert (hears(decision), len(decision.changes.given)) == ([], 1)


@pytest.mark.parametrize("not_before", [None, later(9000)])
@pytest.mark.parametrize("is_temporary", [True, False])
def test_work_does_not_wait_for_what_cannot_be_heard(is_temporary: bool, not_before: datetime | None) -> None:  # noqa: FBT001  a case
    snapshot, _ = step(town(waiting()), now=later(600))
    refused = Refused(reason="away", is_temporary=is_temporary, not_before=not_before)
    want = Hear(item_id=waiting().id, ref=REF)
    _, decision = step(snapshot, Outcome(want=want, found=refused), now=later(601))
    assert (hears(decision), len(decision.changes.given)) == ([], 1)


def test_a_fix_is_told_what_is_new_and_a_new_try_all_of_it() -> None:
    fields: dict[str, Any] = {"heard_at": later(598), "remarks": (remark(2, "a"), remark(3, "b")), "remarks_given": 1}
    next_one = {"heard_for": 2}
    mended = handed_in(1, fixes=(fix_request("checks"),), **fields, **next_one)
    snapshot, decision = step(town(mended), now=later(600))
    assert told(decision) == ["b"]
    (item,) = snapshot.items.values()
    assert item.remarks_given == 2
    _, decision = step(town(ready(1, **fields, heard_for=1)), now=later(600))
    assert told(decision) == ["a", "b"]


def test_directives_in_it_do_not_act() -> None:
    words = remark(5, "/pause\nredirect 1 to frontend\nresume")
    snapshot, decision = step(town(waiting()), heard(words), now=later(10))
    assert not snapshot.mission.is_paused
    assert told(decision) == [words.text]
    assert snapshot.items[waiting().id].notes == ()


def test_only_the_newest_are_kept() -> None:
    many = tuple(remark(2 + n, str(n)) for n in range(MOST + 5))
    snapshot, decision = step(town(waiting()), heard(*many), now=later(10))
    assert told(decision) == [str(n) for n in range(5, MOST + 5)]
    (item,) = snapshot.items.values()
    assert (item.heard_until, item.remarks_given) == (many[-1].at, MOST)


@pytest.mark.parametrize("item", [waiting(source_ref="docs/plan.md"), waiting(heard_at=None)], ids=["document", "old"])
def test_what_has_no_issue_or_comes_from_an_older_town_is_given_out(item: WorkItem) -> None:
    _, decision = step(town(item), now=later(600))
    assert (hears(decision), len(decision.changes.given)) == ([], 1)


def test_a_forge_without_people_is_not_asked() -> None:
    _, decision = step(make_snapshot(waiting(), make_agent("backend")), now=later(600))
    assert (hears(decision), len(decision.changes.given)) == ([], 1)


def test_nothing_is_read_while_nobody_is_free() -> None:
    _, decision = step(make_snapshot(waiting(), mission=ON_GITHUB), now=later(600))
    assert hears(decision) == []


def test_issue_is_read_again_for_each_task_however_soon() -> None:
    fixing = handed_in(1, fixes=(fix_request("checks"),), heard_at=NOW, heard_for=1)
    snapshot, first = step(town(fixing), now=later(3))
    assert (hears(first), first.changes.given) == ([REF], ())
    _, second = step(snapshot, heard(remark(2)), now=later(3))
    assert (hears(second), told(second)) == ([], ["use tabs"])
