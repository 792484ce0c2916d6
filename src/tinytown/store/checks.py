"""The queue of checks of local pull requests, and their results."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from tinytown.domain.pull import CheckRun
from tinytown.domain.workitem import Verdict
from tinytown.store import scripts
from tinytown.store.codec import at_text, decode, encode, to_ms
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

MOST_TRIES = 5
"""How often checks are given to a host without an outcome, be it that they cannot be run or that their host dies."""

WAIT = timedelta(seconds=20)
"""After which checks that could not be run are tried again."""


class CheckJob(msgspec.Struct, frozen=True, kw_only=True):
    """The checks of one commit, claimed by one host."""

    number: int
    """Of the pull request."""
    url: str
    branch: str
    head: str
    """The commit to be checked."""
    host: str
    """Id of the host that has them."""


class CheckStore:
    """The checks of one town's local pull requests."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def request(self, number: int, *, at: datetime, again: bool = False) -> None:
        """Queue the checks of the pull request's head, unless they are queued, running or (but for `again`) done."""
        self._run("queue_check", {"number": str(number), "again": again} | _time(at))

    def results(self, number: int, head: str) -> tuple[CheckRun, ...]:
        """The results for a commit, by name; none while they are not all there."""
        flat = self._connection.execute("HVALS", self._keys("check", number, head))
        runs = (decode(one, CheckRun) for one in flat)
        return tuple(sorted(runs, key=lambda run: run.name))

    def queued(self) -> int:
        """How many commits wait to be checked."""
        return int(self._connection.execute("ZCARD", self._keys("checks", "queued")))

    def claim(self, host: str, *, at: datetime) -> CheckJob | None:
        """The checks that have waited longest, now the host's; what it has already goes first. None when none wait.

        Those that were given MOST_TRIES times without an outcome are given up, with that as their outcome.

        Raises:
            LeaseLostError: the host was released.
        """
        reply = self._run("claim_check", {"host": host, "most": MOST_TRIES} | _time(at), may_repeat=True)
        if reply is None:
            return None
        number, head, branch, url = (part.decode() for part in reply)
        return CheckJob(number=int(number), head=head, branch=branch, url=url, host=host)

    def finish(self, job: CheckJob, runs: tuple[CheckRun, ...], *, at: datetime) -> None:
        """Keep the results and end the claim; without results only the claim ends, and nobody repeats the checks.

        Raises:
            LeaseLostError: the claim went to another host.
        """
        failed = [run.name for run in runs if run.verdict is not Verdict.PASSED]
        args = {
            "number": str(job.number),
            "head": job.head,
            "host": job.host,
            "runs": {run.name: encode(run) for run in runs},
            "text": f"failed: {', '.join(failed)}" if failed else "passed",
        }
        self._run("finish_check", args | _time(at), may_repeat=True)

    def put_off(self, job: CheckJob, reason: str, *, at: datetime) -> None:
        """Give back checks that could not be run, with the reason; they are tried again a while later.

        Raises:
            LeaseLostError: the claim went to another host.
        """
        args = {"number": str(job.number), "head": job.head, "host": job.host, "reason": reason}
        self._run("put_off_check", args | {"later_ms": to_ms(at + WAIT)} | _time(at), may_repeat=True)

    def release(self, host: str, *, at: datetime) -> int:
        """Put what the host was checking back into the queue; how many commits that were."""
        return int(self._run("release_checks", {"host": host} | _time(at)))

    def _run(self, script: str, args: dict[str, Any], *, may_repeat: bool = False) -> Any:
        return self._connection.run(scripts.load(script), self._keys.prefix, args, may_repeat=may_repeat)


def _time(at: datetime) -> dict[str, Any]:
    return {"at": at_text(at), "ms": to_ms(at)}
