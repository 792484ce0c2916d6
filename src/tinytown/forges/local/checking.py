"""A host's turns at the checks: those of one commit are claimed, run, and what came of it is stored."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import structlog

from tinytown.domain.errors import GitError
from tinytown.forges.local.checks import CheckRunner
from tinytown.store.checks import CheckStore

log = structlog.get_logger("tinytown.checks")


class Checking:
    """One host's turns; for the one thread that takes them."""

    def __init__(self, store: CheckStore, runner: CheckRunner, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._runner = runner
        self._clock = clock

    def turn(self, host_id: str, stop: threading.Event) -> bool:
        """Run the checks that have waited longest; False when none wait or `stop` was set.

        Those that cannot be run are put off, so that they do not keep others waiting.

        Raises:
            LeaseLostError: the host was released.
        """
        job = self._store.claim(host_id, at=self._clock())
        if job is None:
            return False
        try:
            runs = self._runner.run(job, stop)
        except (GitError, OSError) as error:
            reason = error.message if isinstance(error, GitError) else str(error)
            log.warning("checks put off", action="check_put_off", target=job.url, reason=reason)
            self._store.put_off(job, reason, at=self._clock())
            return True
        if stop.is_set() and not runs:
            return False  # the host ends; with its release the job goes back to the queue
        self._store.finish(job, runs, at=self._clock())
        return True
