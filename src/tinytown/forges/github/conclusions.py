"""What one check or status says. Pure: GitHub's words to ours.

https://docs.github.com/en/rest/checks/runs and .../commits/statuses
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from tinytown.domain.pull import CheckRun
from tinytown.domain.workitem import Verdict
from tinytown.forges.github.shapes import CheckRunShape, StatusShape

FLAKY = (
    r"The runner has received a shutdown signal",
    r"lost communication with the server",
    r"No space left on device",
    r"(?:##\[error\]|failure: )\s*The operation was canceled",
    r"##\[error\]\s*The hosted runner",
)
"""What Actions says when a machine is to blame, and not what was tested on it."""

MAX_ATTEMPTS = 3
"""Runs of one thing, the first included, after which somebody must look why none of them comes to an end."""

_PASSING = frozenset({"success", "neutral", "skipped"})
_BROKEN_OFF = frozenset({"cancelled", "stale", "startup_failure"})
_SUPERSEDED = frozenset({"cancelled", "stale", "skipped"})
_LOG_AGAIN_SECS = 5.0
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a check that failed, beside how it ended."""

    output: str = ""
    """Annotations and the end of the log."""
    attempt: int | None = None
    """Which run of it this was, from 1; None when that is not told."""
    is_whole: bool = True
    """False while the log is not there yet but will be."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A check or status, judged by itself."""

    run: CheckRun
    app_id: int | None = None
    suite_id: int | None = None
    is_status: bool = False
    ended_at: datetime | None = None
    note: str = ""
    """What it waits for, when that is not plain."""
    again_secs: float | None = None


def latest(runs: Iterable[CheckRunShape]) -> list[CheckRunShape]:
    """The runs that count: the newest of each name and suite.

    What was broken off in one suite while a later run of the same name and app exists is superseded: an event that
    comes again for the same commit (a pull request reopened) cancels the suite before.
    """
    newest: dict[tuple[str, int | None, int | None], CheckRunShape] = {}
    for run in sorted(runs, key=_age):
        newest[run.name, _app(run), _suite(run)] = run
    of_name: dict[tuple[str, int | None], CheckRunShape] = {}
    for run in sorted(newest.values(), key=_age):
        of_name[run.name, _app(run)] = run
    return [run for run in newest.values() if run.conclusion not in _SUPERSEDED or of_name[run.name, _app(run)] is run]


def is_failing(run: CheckRunShape) -> bool:
    """Whether it ended, and not well: what may be run again."""
    return run.status == "completed" and run.conclusion is not None and run.conclusion not in _PASSING


def of_run(shape: CheckRunShape, evidence: Evidence | None = None, *, flaky: Sequence[re.Pattern[str]] = ()) -> Check:
    """A check run, judged.

    Args:
        shape: as GitHub tells it.
        evidence: of one that failed.
        flaky: what in its output tells that the reason is its own.
    """
    evidence = evidence or Evidence()
    check = Check(
        run=CheckRun(
            name=shape.name,
            verdict=Verdict.PENDING,
            summary=_summary(shape),
            link=shape.html_url or shape.details_url or "",
        ),
        app_id=_app(shape),
        suite_id=_suite(shape),
    )
    if shape.status != "completed" or shape.conclusion is None:
        note = f"{shape.name} waits for a person's approval" if shape.status == "waiting" else ""
        return msgspec.structs.replace(check, note=note)
    check = msgspec.structs.replace(check, ended_at=shape.completed_at or shape.started_at)
    if shape.conclusion in _PASSING:
        return _with(check, Verdict.PASSED)
    return _ended_badly(check, shape.conclusion, evidence, flaky)


def of_status(shape: StatusShape, *, flaky: Sequence[re.Pattern[str]] = ()) -> Check:
    """A commit status, judged. Nobody but its sender can run it again."""
    said = " ".join((shape.description or "").split())
    verdict = {"success": Verdict.PASSED, "failure": Verdict.FAILED, "error": Verdict.FAILED}.get(shape.state)
    run = CheckRun(
        name=shape.context, verdict=verdict or Verdict.PENDING, summary=said or shape.state, link=shape.target_url or ""
    )
    check = Check(run=run, is_status=True, ended_at=shape.updated_at if verdict else None)
    if verdict is Verdict.FAILED and any(pattern.search(said) for pattern in flaky):
        return _trouble(check, f"{said}; only who reported it can run it again")
    return check


def _ended_badly(check: Check, conclusion: str, evidence: Evidence, flaky: Sequence[re.Pattern[str]]) -> Check:
    if conclusion == "action_required":
        return _trouble(check, f"it waits for a person: {check.run.link}".removesuffix(": "))
    is_last = evidence.attempt is not None and evidence.attempt >= MAX_ATTEMPTS
    if conclusion in _BROKEN_OFF:
        if is_last:
            return _trouble(check, f"it ended as {conclusion} {evidence.attempt} times")
        return _with(check, Verdict.FAILED, output=evidence.output, is_flaky=True)
    if conclusion not in {"failure", "timed_out"}:
        return _trouble(check, f"it ended as '{conclusion}', which is not known here; look at {check.run.link}")
    if not evidence.is_whole:
        note = f"{check.run.name} failed; its log is not there yet"
        return msgspec.structs.replace(check, note=note, again_secs=_LOG_AGAIN_SECS)
    is_slow = conclusion == "timed_out" and (evidence.attempt or 1) == 1
    is_flaky = is_slow or any(pattern.search(evidence.output) for pattern in flaky)
    return _with(check, Verdict.FAILED, output=evidence.output, is_flaky=is_flaky)


def _with(check: Check, verdict: Verdict, *, output: str = "", is_flaky: bool = False) -> Check:
    run = msgspec.structs.replace(check.run, verdict=verdict, output=output, is_flaky=is_flaky)
    return msgspec.structs.replace(check, run=run)


def _trouble(check: Check, reason: str) -> Check:
    run = msgspec.structs.replace(check.run, verdict=Verdict.UNKNOWN, trouble=reason)
    return msgspec.structs.replace(check, run=run)


def _summary(shape: CheckRunShape) -> str:
    """One line: how it ended, and its own title."""
    title = " ".join((shape.output.title or "").split())
    word = (shape.conclusion if shape.status == "completed" else shape.status) or shape.status
    return f"{word}: {title}" if title and title != word else word


def _age(run: CheckRunShape) -> tuple[datetime, int]:
    return run.started_at or _LONG_AGO, run.id


def _app(run: CheckRunShape) -> int | None:
    return run.app.id if run.app else None


def _suite(run: CheckRunShape) -> int | None:
    return run.check_suite.id if run.check_suite else None
