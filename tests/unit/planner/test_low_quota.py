"""A forge whose quota runs low: what is said of it, and how often."""

from __future__ import annotations

from datetime import datetime

from tests.unit.planner.world import CHECKS, NOW, handed_in, later, make_watch, step, watched

from tinytown.planner.tick import Decision
from tinytown.planner.wants import LookAt, Outcome, Refused

ITEM = handed_in(1)
LOW = "GitHub's quota is low (250 of 5,000 requests left); it is looked at less often"


def low(until: datetime) -> Outcome:
    """A look that was put off because of that."""
    want = LookAt(watch_id=make_watch(ITEM, CHECKS).id, item_id=ITEM.id, kind=CHECKS, target="acme/shop/pull/1")
    return Outcome(
        want=want,
        found=Refused(reason=f"{LOW}, next at 12:10", is_temporary=True, not_before=later(600), low_until=until),
    )


def told(decision: Decision) -> list[str]:
    return [event.text for event in decision.changes.events if event.type == "forge.slow"]


def test_low_quota_is_told_once_until_it_begins_anew() -> None:
    snapshot, first = step(watched(ITEM), low(later(3600)), low(later(3600)))
    assert told(first) == [f"{LOW}, next at 12:10; that lasts until 13:00:00 UTC at the latest"]
    snapshot, again = step(snapshot, low(later(3602)), now=later(700))
    assert told(again) == []
    _, anew = step(snapshot, low(later(7200)), now=later(3700))
    assert len(told(anew)) == 1


def test_low_quota_is_what_the_watch_says_and_why_nothing_is_known_yet() -> None:
    snapshot, _ = step(watched(ITEM), low(later(3600)))
    (watch,) = [one for one in snapshot.watches.values() if one.kind is CHECKS]
    assert watch.finding.startswith(LOW)
    assert (watch.consecutive_failures, watch.next_due_at) == (0, later(600))
    assert watch.next_due_at > NOW


def test_other_waits_are_no_low_quota() -> None:
    want = low(later(3600)).want
    refused = Refused(reason="too many requests", is_temporary=True, not_before=later(60))
    assert told(step(watched(ITEM), Outcome(want=want, found=refused))[1]) == []
