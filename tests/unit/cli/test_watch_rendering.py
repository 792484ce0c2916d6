"""Watches as people see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tinytown.cli.render.watches import watch_lines
from tinytown.domain.watch import TRIGGERS, Watch, WatchKind, WatchStatus
from tinytown.domain.workitem import PullState, Verdict, WorkItem, WorkKind, WorkStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def item(**verdicts: Verdict) -> WorkItem:
    pull = PullState(number=42, url="https://example.org/pull/42", head="a" * 40)
    return WorkItem(
        id="i1",
        mission_id="m1",
        key="#2",
        title="Implement",
        kind=WorkKind.IMPLEMENT,
        status=WorkStatus.BLOCKED,
        branch="tt/2-implement",
        created_at=NOW,
        updated_at=NOW,
        pull=msgspec.structs.replace(pull, **verdicts),
    )


def watch(kind: WatchKind, **fields: object) -> Watch:
    made = Watch(
        id=f"w-{kind.value}",
        mission_id="m1",
        work_item_id="i1",
        kind=kind,
        target_ref="https://example.org/pull/42",
        interval_secs=180,
        next_due_at=NOW + timedelta(seconds=180),
        status=WatchStatus.ACTIVE,
        on_trigger=TRIGGERS[kind],
    )
    return msgspec.structs.replace(made, **fields)


def test_failing_check_is_shown_as_in_the_tutorial() -> None:
    lines = watch_lines([watch(WatchKind.PR_CHECKS)], {"i1": item(checks=Verdict.FAILED)}, NOW)
    assert lines == ["🚧 Watch Items: 1", "   ⚠️  PR #42 CI check: failing (retrying in 180s)"]


@pytest.mark.parametrize(
    ("kind", "verdicts", "text"),
    [
        (WatchKind.PR_CHECKS, {"checks": Verdict.PASSED}, "✅ PR #42 CI check: passing (next look in 180s)"),
        (WatchKind.PR_CHECKS, {"checks": Verdict.PENDING}, "⏳ PR #42 CI check: running (next look in 180s)"),
        (WatchKind.PR_CHECKS, {}, "⏳ PR #42 CI check: not looked at yet (next look in 180s)"),
        (
            WatchKind.REVIEW_COMMENTS,
            {"review": Verdict.FAILED},
            "⚠️  PR #42 review comments: changes requested (retrying in 180s)",
        ),
        (
            WatchKind.MERGEABILITY,
            {"mergeable": Verdict.FAILED},
            "⚠️  PR #42 mergeability: conflicts (retrying in 180s)",
        ),
    ],
)
def test_each_verdict_has_its_word(kind: WatchKind, verdicts: dict[str, Verdict], text: str) -> None:
    assert watch_lines([watch(kind)], {"i1": item(**verdicts)}, NOW)[1] == f"   {text}"


def test_a_forge_that_does_not_answer_is_told_with_what_it_said() -> None:
    quiet = watch(WatchKind.PR_CHECKS, consecutive_failures=3, finding="502 Bad Gateway")
    assert watch_lines([quiet], {"i1": item(checks=Verdict.PASSED)}, NOW)[1] == (
        "   ⚠️  PR #42 CI check: not answered, 3 times in a row: 502 Bad Gateway (retrying in 180s)"
    )


def test_watches_that_are_done_are_not_counted() -> None:
    done = watch(WatchKind.PR_CHECKS, status=WatchStatus.DONE)
    assert watch_lines([done], {"i1": item()}, NOW) == ["🚧 Watch Items: 0"]


def test_overdue_watch_is_looked_at_now() -> None:
    late = watch(WatchKind.PR_CHECKS, next_due_at=NOW - timedelta(seconds=5))
    assert watch_lines([late], {"i1": item()}, NOW)[1].endswith("(next look in 0s)")


def test_snoozed_watch_says_so() -> None:
    snoozed = watch(WatchKind.PR_CHECKS, status=WatchStatus.SNOOZED, consecutive_failures=2)
    assert watch_lines([snoozed], {"i1": item()}, NOW)[1] == "   💤 PR #42 CI check: snoozed (next look in 180s)"
