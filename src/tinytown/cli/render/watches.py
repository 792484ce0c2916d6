"""Watches on pull requests, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from tinytown.cli.render.text import plain
from tinytown.domain.watch import Watch, WatchKind, WatchStatus
from tinytown.domain.workitem import PullState, Verdict, WorkItem

_NAMES = {
    WatchKind.PR_CHECKS: "CI check",
    WatchKind.BUGBOT_COMMENTS: "Bugbot comments",
    WatchKind.REVIEW_COMMENTS: "review comments",
    WatchKind.MERGEABILITY: "mergeability",
}
_WORDS = {
    WatchKind.PR_CHECKS: {Verdict.PASSED: "passing", Verdict.FAILED: "failing", Verdict.PENDING: "running"},
    WatchKind.REVIEW_COMMENTS: {
        Verdict.PASSED: "approved",
        Verdict.FAILED: "changes requested",
        Verdict.PENDING: "under review",
    },
    WatchKind.MERGEABILITY: {Verdict.PASSED: "mergeable", Verdict.FAILED: "conflicts", Verdict.PENDING: "being tried"},
}
_MARKS = {Verdict.PASSED: "✅", Verdict.FAILED: "⚠️ ", Verdict.PENDING: "⏳", Verdict.UNKNOWN: "⏳"}


def watch_lines(watches: Iterable[Watch], items: Mapping[str, WorkItem], now: datetime) -> list[str]:
    """The watches that are not done, each with what it saw and when it looks again."""
    open_ = [watch for watch in watches if watch.status is not WatchStatus.DONE]
    return [
        f"🚧 Watch Items: {len(open_)}",
        *(f"   {watch_line(watch, items.get(watch.work_item_id), now)}" for watch in open_),
    ]


def watch_line(watch: Watch, item: WorkItem | None, now: datetime) -> str:
    """`⚠️  PR #42 CI check: failing (retrying in 180s)`."""
    pull = item.pull if item is not None else None
    number = f"#{pull.number}" if pull is not None else plain(watch.target_ref)
    secs = max(0, round((watch.next_due_at - now).total_seconds()))
    if watch.status is WatchStatus.SNOOZED:
        return f"💤 PR {number} {_NAMES[watch.kind]}: snoozed (next look in {secs}s)"
    if watch.consecutive_failures:
        times = f", {watch.consecutive_failures} times in a row" if watch.consecutive_failures > 1 else ""
        finding = f": {plain(watch.finding)}" if watch.finding else ""
        return f"⚠️  PR {number} {_NAMES[watch.kind]}: not answered{times}{finding} (retrying in {secs}s)"
    if watch.is_put_off:
        return f"⏳ PR {number} {_NAMES[watch.kind]}: {plain(watch.finding)} (next look in {secs}s)"
    verdict = _verdict(watch.kind, pull)
    word = _WORDS.get(watch.kind, {}).get(verdict) or plain(watch.finding) or "not looked at yet"
    again = "retrying" if verdict is Verdict.FAILED else "next look"
    return f"{_MARKS[verdict]} PR {number} {_NAMES[watch.kind]}: {word} ({again} in {secs}s)"


def watch_name(watch: Watch) -> str:
    """`CI check of acme/shop/pull/1`."""
    return f"{_NAMES[watch.kind]} of {plain(watch.target_ref)}"


def _verdict(kind: WatchKind, pull: PullState | None) -> Verdict:
    if pull is None:
        return Verdict.UNKNOWN
    verdicts = {
        WatchKind.PR_CHECKS: pull.checks,
        WatchKind.REVIEW_COMMENTS: pull.reviewed,
        WatchKind.MERGEABILITY: pull.mergeable,
    }
    return verdicts.get(kind, Verdict.UNKNOWN)
