"""The checks of a pull request's head: asks for runs, statuses and rules, and reads what failed ones say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import TypeVar

import msgspec

from tinytown.domain.errors import ForgeError, NotFoundError
from tinytown.domain.pull import ChecksSeen, Known
from tinytown.domain.workitem import Verdict
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.conclusions import FLAKY, Evidence, is_failing, latest, of_run, of_status
from tinytown.forges.github.logs import Logs, is_job
from tinytown.forges.github.reruns import Reruns
from tinytown.forges.github.rules import Rules
from tinytown.forges.github.shapes import (
    CheckRunShape,
    CheckRunsShape,
    PullShape,
    StatusesShape,
    StatusShape,
)
from tinytown.forges.github.verdicts import FailOn, Required, Terms, decide, gates

K = TypeVar("K")
V = TypeVar("V")

_LOG_LAG = timedelta(seconds=10)
"""How long after the end of a run its logs may be missing still."""
_LOG_WAIT = timedelta(minutes=10)
"""How long a failure waits for the end of its run, before which there are no logs."""
_MOST_READ = 10
"""Of so many failed checks the output is read."""
_MOST_KEPT = 500
_UNPROCESSABLE = 422
_LAG = ((30.0, 5.0), (120.0, 15.0))


class Checks:
    """Looks at checks. Thread-safe; keep one for a repository: it remembers what failed checks said."""

    def __init__(
        self,
        client: GitHub,
        repository: Repository,
        *,
        rules: Rules,
        reruns: Reruns,
        now: Callable[[], datetime],
        flaky: Sequence[str] = (),
        grace_secs: float = 300.0,
        fail_on: FailOn | None = None,
    ) -> None:
        """Make it.

        Args:
            client: GitHub.
            repository: where the pull requests are.
            rules: what base branches require.
            reruns: knows what was asked to run again.
            now: the clock.
            flaky: regular expressions, beside the usual ones, by which a failure is known to have reasons of its own.
            grace_secs: how long a head without checks is too new to pass.
            fail_on: which failures count; None: the required ones where there are any, else all.
        """
        self._client = client
        self._repository = repository
        self._rules = rules
        self._reruns = reruns
        self._logs = Logs(client, repository)
        self._now = now
        self._flaky = tuple(re.compile(pattern) for pattern in (*FLAKY, *flaky))
        self._grace_secs = grace_secs
        self._fail_on = fail_on
        self._since: dict[str, datetime] = {}
        self._read: dict[tuple[int, str | None, datetime | None], Evidence] = {}
        self._unread: dict[int, datetime] = {}
        self._asked: dict[str, None] = {}
        self._has_statuses = False

    def look(self, number: int, known: Known | None = None) -> ChecksSeen:
        """The checks of the known head, else of the one the pull request has."""
        head, base, since = self._place(number, known)
        age_secs = (self._now() - since).total_seconds()
        try:
            runs, is_cut = self._runs(head)
        except (NotFoundError, ForgeError) as error:
            if not _is_unknown_commit(error):
                raise
            return _lagging(head, age_secs)
        terms = Terms(
            required=self._rules.of(base).required,
            fail_on=self._fail_on,
            age_secs=age_secs,
            grace_secs=self._grace_secs,
            now=self._client.now(),
            is_cut=is_cut,
        )
        judged = [of_run(run, self._evidence(run, runs), flaky=self._flaky) for run in runs]
        seen = None if self._has_statuses_perhaps(head, runs, terms.required) else decide(head, judged, terms)
        if seen is not None and seen.verdict is not Verdict.PASSED:
            return seen
        statuses, is_cut_too = self._statuses(head)
        judged += [of_status(one, flaky=self._flaky) for one in statuses]
        return decide(head, judged, msgspec.structs.replace(terms, is_cut=is_cut or is_cut_too))

    def again(self, number: int, known: Known | None = None) -> None:
        """Run what failed and gates again, at the head that `look` looks at.

        Nothing to do when it is under way or the pull request is not open. A call that is repeated after a crash finds
        the new runs instead of the failed ones.

        Raises:
            ForgeError: something that failed can be run again by a person only; says what, with the link.
        """
        pull = self._client.get(self._repository.path("/pulls/{n}", n=number), PullShape)
        if pull.state != "open":
            return
        head, base = (known.head, known.base) if known is not None else (pull.head.sha, pull.base.ref)
        required = self._rules.of(base).required
        runs, _ = self._runs(head)
        self._reruns.again(
            [run for run in runs if is_failing(run) and gates(of_run(run), required, self._fail_on)], runs
        )

    def _place(self, number: int, known: Known | None) -> tuple[str, str, datetime]:
        """Head, base, and since when that head is known to go into that base."""
        if known is not None:
            since = known.since or self._seen_since(known.head)
            return known.head, known.base, max(since, known.base_since or since)
        pull = self._client.get(self._repository.path("/pulls/{n}", n=number), PullShape)
        return pull.head.sha, pull.base.ref, self._seen_since(pull.head.sha)

    def _seen_since(self, head: str) -> datetime:
        _trim(self._since)
        return self._since.setdefault(head, self._now())

    def _runs(self, head: str) -> tuple[list[CheckRunShape], bool]:
        """The runs that count, and whether there are more than were read."""
        path = self._repository.path("/commits/{sha}/check-runs", sha=head)
        found = self._client.pages(path, CheckRunsShape, {"filter": "latest"})
        runs = latest(chain.from_iterable(page.check_runs for page in found.pages))
        return [self._asked_again(run) for run in runs], found.is_cut

    def _asked_again(self, run: CheckRunShape) -> CheckRunShape:
        """GitHub shows the old result until the new run is there."""
        if not self._reruns.is_asked(run):
            return run
        return msgspec.structs.replace(run, status="queued", conclusion=None)

    def _has_statuses_perhaps(self, head: str, runs: Iterable[CheckRunShape], required: Iterable[Required]) -> bool:
        """Whether statuses are worth asking for while the runs alone do not pass: most repositories have none."""
        names = {run.name for run in runs}
        is_needed = not names or any(one.context not in names for one in required)
        return is_needed or self._has_statuses or head not in self._asked

    def _statuses(self, head: str) -> tuple[tuple[StatusShape, ...], bool]:
        """The statuses, and whether there are more than were read."""
        path = self._repository.path("/commits/{sha}/status", sha=head)
        pages = self._client.pages(path, StatusesShape)
        _trim(self._asked)
        self._asked[head] = None
        found = tuple(chain.from_iterable(page.statuses for page in pages.pages))
        self._has_statuses = self._has_statuses or bool(found)
        return found, pages.is_cut

    def _evidence(self, run: CheckRunShape, runs: Sequence[CheckRunShape]) -> Evidence:
        failing = [one.id for one in runs if is_failing(one)]
        if run.id not in failing[:_MOST_READ]:
            return Evidence()
        key = (run.id, run.conclusion, run.completed_at)
        if (kept := self._read.get(key)) is not None:
            return kept
        found = self._logs.of(run)
        if not found.is_whole and not self._is_log_late(run, runs):
            found = msgspec.structs.replace(found, is_whole=True)
        if found.is_whole:
            _trim(self._read)
            self._read[key] = found
        return found

    def _is_log_late(self, run: CheckRunShape, runs: Sequence[CheckRunShape]) -> bool:
        """Whether the log may still come: there is none before the whole workflow run has ended, and for some seconds."""
        _trim(self._unread)
        waited = self._now() - self._unread.setdefault(run.id, self._now())
        is_under_way = any(is_job(one) and one.check_suite == run.check_suite and _is_pending(one) for one in runs)
        return waited < (_LOG_WAIT if is_under_way else _LOG_LAG)


def _is_pending(run: CheckRunShape) -> bool:
    return run.status != "completed"


def _is_unknown_commit(error: NotFoundError | ForgeError) -> bool:
    """Whether GitHub does not have the commit: 422 by its reference, 404 on some servers."""
    return isinstance(error, NotFoundError) or error.evidence.get("status") == _UNPROCESSABLE


def _lagging(head: str, age_secs: float) -> ChecksSeen:
    again_secs = next((secs for until, secs in _LAG if age_secs < until), 60.0)
    note = f"GitHub does not have the commit {head[:10]} yet"
    return ChecksSeen(head=head, verdict=Verdict.PENDING, note=note, again_secs=again_secs)


def _trim(kept: dict[K, V]) -> None:
    """Forget the oldest of too much."""
    while len(kept) > _MOST_KEPT:
        kept.pop(next(iter(kept)), None)
