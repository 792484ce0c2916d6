"""Stopping all of a town that runs on this machine: dispatchers, agents with their host, then the server.

The locks and process ids in the town's `.tt` folder are all it needs: neither settings nor a store that answers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import psutil

from tinytown.domain.errors import ConflictError, TinytownError
from tinytown.forges.local.checks import stop_left_checks
from tinytown.runtime.ladder import Ladder, is_living, stop_all
from tinytown.runtime.launcher import host_lock, host_pid, is_host_running
from tinytown.runtime.orphans import find_orphans, stop_orphans
from tinytown.runtime.run_records import RunRecords
from tinytown.services.machine import STATE_FOLDER
from tinytown.services.presence import DISPATCHERS, Living, Presence
from tinytown.store.server import stop_server

T = TypeVar("T")

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
    problems: tuple[str, ...] = ()
    """What should have stopped and still runs; then the town's own server is left alone, as it would be started again."""


class Shutdown:
    """Stops what runs on this machine of the town in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._state = root / STATE_FOLDER
        self._problems: list[str] = []

    def run(self) -> Stopped:
        """Stop everything, in the order in which nothing starts anything else again; what cannot be is told."""
        dispatchers = self._stop_dispatchers()
        host = self._attempt(self._stop_host)
        leftovers = None if is_host_running(self._state) else self._attempt(lambda: stop_leftovers(self._state))
        had_server = None if self._problems else self._attempt(lambda: stop_server(self._root))
        return Stopped(
            dispatchers=dispatchers,
            host=host,
            leftovers=leftovers or 0,
            had_server=had_server or False,
            problems=tuple(self._problems),
        )

    def _attempt(self, stop: Callable[[], T]) -> T | None:
        try:
            return stop()
        except TinytownError as error:
            self._problems.append(error.message)
            return None

    def _stop_dispatchers(self) -> tuple[int, ...]:
        there = [one for one in Presence(self._state / DISPATCHERS).living() if one.pid != os.getpid()]
        found = {process.pid: process for one in there if (process := _dispatcher(one)) is not None}
        self._problems += [
            f"a dispatcher holds {one.file}, but its process is not to be seen from here; end it where it runs"
            for one in there
            if one.pid not in found and one.is_there()
        ]
        self._attempt(lambda: _must_end(list(found.values()), DISPATCHER_LADDER, "dispatcher"))
        return tuple(pid for pid, process in found.items() if not is_living(process))

    def _stop_host(self) -> int | None:
        pid = host_pid(self._state)
        if pid is None:
            return None
        try:
            host = psutil.Process(pid)
        except psutil.NoSuchProcess:
            host = None
        if host is not None:
            _must_end([host], HOST_LADDER, "host")
        deadline = time.monotonic() + _RELEASE_SECS
        while is_host_running(self._state):
            if time.monotonic() > deadline:
                raise ConflictError(f"some process still holds {self._state / 'host.lock'}; stop it, then try again")
            time.sleep(_POLL_SECS)
        return pid


def stop_leftovers(state: Path) -> int:
    """Stop what hosts that were killed left running; how many processes. The next host forgets them.

    Args:
        state: the town's `.tt`.

    Raises:
        ConflictError: a host runs, or some of them cannot be stopped.
    """
    if not state.is_dir():
        return 0
    with host_lock(state) as is_alone:
        if not is_alone:
            raise ConflictError("a host was started meanwhile; stop the town again")
        known, town = RunRecords(state / "runs").all(), state.parent
        left = find_orphans(known, town=town)
        survivors = stop_orphans(known, [], ORPHAN_LADDER, town=town)
        checks = stop_left_checks(state)
    if survivors:
        raise ConflictError(f"processes of agents cannot be stopped: {', '.join(str(p.pid) for p in survivors)}")
    return len(left) + checks


def _dispatcher(one: Living) -> psutil.Process | None:
    """The process of a dispatcher, if that is to be seen from here: in another container numbers mean other processes."""
    if one.pid is None:
        return None
    try:
        process = psutil.Process(one.pid)
        is_old_enough = process.create_time() <= one.since + _START_TOLERANCE_SECS
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
