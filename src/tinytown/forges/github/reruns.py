"""Running failed checks again: Actions by their workflow run, other apps' by asking the app."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from tinytown.domain.errors import ConflictError, ForgeError, ForgeUnavailableError, NotFoundError
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.logs import is_job
from tinytown.forges.github.shapes import CheckRunShape, JobShape

_SHOWN_OLD = timedelta(minutes=5)
"""How long GitHub may show the old result after a rerun was asked for."""
_FOR_A_PERSON = "action_required"
_RUN_OF = re.compile(r"/actions/runs/(\d+)/")
_UNDER_WAY = ("already running", "in progress", "already queued", "already been requested")


class Reruns:
    """Runs checks again, and remembers which, as GitHub shows their old results for a while. Thread-safe."""

    def __init__(self, client: GitHub, repository: Repository, now: Callable[[], datetime]) -> None:
        self._client = client
        self._repository = repository
        self._now = now
        self._asked: dict[int, datetime] = {}

    def is_asked(self, run: CheckRunShape) -> bool:
        """Whether this run's result is of before a rerun that was asked for just now."""
        at = self._asked.get(run.id)
        return at is not None and self._now() - at < _SHOWN_OLD

    def again(self, failed: Sequence[CheckRunShape], runs: Sequence[CheckRunShape]) -> None:
        """Run what failed again.

        Args:
            failed: what to run again; what waits for a person is left alone.
            runs: all of the commit: a workflow that is under way is left alone.

        Raises:
            ForgeError: it can be run again by a person only; says what, with the link.
        """
        failed = [run for run in failed if run.conclusion != _FOR_A_PERSON and not self.is_asked(run)]
        jobs = [run for run in failed if is_job(run)]
        refusals = [self._jobs_again(jobs, runs)] if jobs else []
        refusals += [self._app_again(run) for run in failed if not is_job(run)]
        told = [text for text in refusals if text]
        if told and len(told) == len(refusals):
            raise ForgeError("; ".join(told))

    def _jobs_again(self, jobs: Sequence[CheckRunShape], runs: Sequence[CheckRunShape]) -> str:
        """Run the failed jobs of each workflow run again; why none could be, empty when one is."""
        busy = {run.check_suite for run in runs if is_job(run) and run.status != "completed"}
        by_run: dict[int, list[CheckRunShape]] = {}
        for job in jobs:
            if job.check_suite is None or job.check_suite not in busy:
                by_run.setdefault(self._workflow_run(job), []).append(job)
        if not by_run:
            return ""
        refusals = []
        for run_id, its in by_run.items():
            path = self._repository.path("/actions/runs/{id}/rerun-failed-jobs", id=run_id)
            refusals.append(self._ask(path, its))
        return "" if "" in refusals else "; ".join(refusals)

    def _app_again(self, run: CheckRunShape) -> str:
        return self._ask(self._repository.path("/check-runs/{id}/rerequest", id=run.id), [run])

    def _ask(self, path: str, runs: Sequence[CheckRunShape]) -> str:
        """Ask once; why not, empty when it is done or under way already."""
        try:
            self._client.send("POST", path, object)
        except ForgeUnavailableError:
            raise
        except (ForgeError, NotFoundError, ConflictError) as error:
            if not any(words in error.message.lower() for words in _UNDER_WAY):
                places = ", ".join(f"{run.name} ({run.html_url or run.details_url})" for run in runs)
                return f"run it again by hand: {places}; {error.message}"
        for run in runs:
            self._asked[run.id] = self._now()
        return ""

    def _workflow_run(self, job: CheckRunShape) -> int:
        """The workflow run of a job: its pages are below the run's, else it is asked for."""
        if found := _RUN_OF.search(job.details_url or job.html_url or ""):
            return int(found[1])
        return self._client.get(self._repository.path("/actions/jobs/{id}", id=job.id), JobShape).run_id
