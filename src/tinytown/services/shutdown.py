"""Stopping all of a town that runs on this machine: dispatchers, agents with their host, then the server."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil

from tinytown.domain.errors import ConflictError
from tinytown.forges.local.checks import stop_left_checks
from tinytown.runtime.ladder import Ladder, stop_all
from tinytown.runtime.launcher import host_lock, host_pid, is_host_running
from tinytown.runtime.orphans import find_orphans, stop_orphans
from tinytown.runtime.run_records import RunRecords
from tinytown.store.dispatchers import Dispatcher

# No wait between INT and TERM: started in the background by a shell, a process may not see the first.
DISPATCHER_LADDER = Ladder(int_secs=0.0, term_secs=20.0)
HOST_LADDER = Ladder(int_secs=0.0, term_secs=40.0)
"""A host gives its runs time to end before it does."""
ORPHAN_LADDER = Ladder(int_secs=1.0, term_secs=2.0)
_POLL_SECS = 0.02
_RELEASE_SECS = 5.0
_START_TOLERANCE_SECS = 5.0
_COMMANDS = frozenset({"dispatch", "run", "demo"})
"""Commands of ours that dispatch."""


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """What was stopped."""

    dispatchers: tuple[int, ...] = ()
    """Process ids."""
    host: int | None = None
    """Process id."""
    leftovers: int = 0
    """Processes of agents and checks that a dead host had left."""
    had_server: bool = False
    """Whether the town's own server ran."""


class Shutdown:
    """Stops what runs of one town on this machine."""

    def __init__(
        self,
        state: Path,
        *,
        dispatchers: Callable[[], list[Dispatcher]],
        is_store_there: Callable[[], bool],
        stop_server: Callable[[], bool],
    ) -> None:
        self._state = state
        self._dispatchers = dispatchers
        self._is_store_there = is_store_there
        self._stop_server = stop_server

    def run(self) -> Stopped:
        """Stop everything, in the order in which nothing starts anything else again.

        Raises:
            ConflictError: a process cannot be stopped. ServerError: the server cannot be stopped.
        """
        dispatchers = self._stop_dispatchers() if self._is_store_there() else ()
        host = self._stop_host()
        leftovers = self._stop_leftovers()
        return Stopped(dispatchers=dispatchers, host=host, leftovers=leftovers, had_server=self._stop_server())

    def _stop_dispatchers(self) -> tuple[int, ...]:
        here = socket.gethostname()
        records = [record for record in self._dispatchers() if record.machine == here and record.pid != os.getpid()]
        found = [process for record in records if (process := _dispatcher(record)) is not None]
        _must_end(found, DISPATCHER_LADDER, "dispatcher")
        return tuple(process.pid for process in found)

    def _stop_host(self) -> int | None:
        pid = host_pid(self._state)
        if pid is None:
            return None
        try:
            host = psutil.Process(pid)
        except psutil.NoSuchProcess:
            return None
        _must_end([host], HOST_LADDER, "host")
        deadline = time.monotonic() + _RELEASE_SECS
        while is_host_running(self._state):
            if time.monotonic() > deadline:
                raise ConflictError(f"some process still holds {self._state / 'host.lock'}; stop it, then try again")
            time.sleep(_POLL_SECS)
        return pid

    def _stop_leftovers(self) -> int:
        """Stop what hosts that were killed left running; the next host forgets them."""
        if not self._state.is_dir():
            return 0
        with host_lock(self._state) as is_alone:
            if not is_alone:
                raise ConflictError("a host was started meanwhile; stop the town again")
            known, town = RunRecords(self._state / "runs").all(), self._state.parent
            left = find_orphans(known, town=town)
            survivors = stop_orphans(known, [], ORPHAN_LADDER, town=town)
            checks = stop_left_checks(self._state)
        if survivors:
            raise ConflictError(f"processes of agents cannot be stopped: {', '.join(str(p.pid) for p in survivors)}")
        return len(left) + checks


def _dispatcher(record: Dispatcher) -> psutil.Process | None:
    """The process of a dispatcher, if it is still that one: numbers are used again."""
    try:
        process = psutil.Process(record.pid)
        is_old_enough = process.create_time() <= record.started_at.timestamp() + _START_TOLERANCE_SECS
        arguments = process.cmdline()
    except psutil.Error:
        return None
    return process if is_old_enough and _is_ours(arguments) else None


def _is_ours(arguments: list[str]) -> bool:
    names = {os.path.basename(argument) for argument in arguments[:2]}  # noqa: PTH119  names of other people's programs
    is_tt = "tt" in names or "tinytown.cli" in arguments[:3]
    return is_tt and not _COMMANDS.isdisjoint(arguments)


def _must_end(processes: list[psutil.Process], ladder: Ladder, what: str) -> None:
    survivors = stop_all(processes, ladder)
    if survivors:
        pids = ", ".join(str(process.pid) for process in survivors)
        raise ConflictError(f"the {what} (process {pids}) cannot be stopped; ask its owner, then try again")
