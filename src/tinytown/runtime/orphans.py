"""Finding and stopping what a dead host left running.

A process is ours when its pid and start time are those on record, when it is in a session proven to be ours, or when
its environment carries the id of the run, or of any run of a town that has no host. A session is proven by its leader's start time or by a marked member, never
by its number alone: numbers are used again, and daemons everywhere live in sessions whose leader is gone.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import msgspec
import psutil

from tinytown.runtime.environment import RUN_MARKER, TOWN_MARKER
from tinytown.runtime.ladder import Ladder, climb, drive, is_living, lineage, stop_all

__all__ = ["ChildIdentity", "find_orphans", "session_members", "started_in", "stop_all", "stop_orphans"]

START_TOLERANCE_SECS = 2.0
"""Start times are worked out from the boot time, which moves a little when the clock is adjusted."""


class ChildIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What tells a started CLI from every other process, also for a later host."""

    pid: int
    start_time: float
    """Seconds since the epoch, as the system tells."""
    session_id: int
    run_id: str
    folder: str = ""
    """The worktree it was started in; empty when nobody said."""


def find_orphans(
    identities: Iterable[ChildIdentity], run_ids: Collection[str] = (), *, town: Path | None = None
) -> list[psutil.Process]:
    """Every living process of these children and runs; never ourselves, an ancestor of ours, or a look-alike.

    Args:
        identities: children on record.
        run_ids: runs whose children may not have come on record.
        town: root folder of a town that has no host now, so that any run of it is left over.
    """
    known = tuple(identities)
    wanted = {run_id for run_id in (*run_ids, *(identity.run_id for identity in known)) if run_id}
    leaders = [leader for identity in known if (leader := _leader(identity))]
    marked = list(_marked(wanted, town)) if wanted or town else []
    ours = {identity.session_id for identity in known}
    proven = {leader.pid for leader in leaders if leader.pid in ours}
    proven |= {session for process in marked if (session := _session(process.pid)) in ours}
    # children in other sessions count only when marked: a server that the agent's `tt` started outlives the run
    found = {*leaders, *marked, *session_members(proven)}
    kept = lineage()
    return sorted((p for p in found if p.pid not in kept and is_living(p)), key=lambda p: p.pid)


def stop_orphans(
    identities: Iterable[ChildIdentity], run_ids: Collection[str], ladder: Ladder, *, town: Path | None = None
) -> list[psutil.Process]:
    """Find and stop them, also those that they start meanwhile; return the ones that could not be stopped."""
    known = tuple(identities)
    return drive(climb(lambda: find_orphans(known, run_ids, town=town), ladder))


def started_in(process: psutil.Process, identities: Iterable[ChildIdentity]) -> Path | None:
    """The worktree that the process of one of these children belongs to, else the folder it is in; None when unknown."""
    try:
        run_id = process.environ().get(RUN_MARKER)
    except (psutil.Error, OSError, UnicodeError):
        run_id = None
    session = _session(process.pid)
    for child in identities:
        if child.folder and (process.pid == child.pid or session == child.session_id or run_id == child.run_id):
            return Path(child.folder)
    try:
        return Path(process.cwd())
    except (psutil.Error, OSError):
        return None


def session_members(sessions: Collection[int]) -> list[psutil.Process]:
    """The living processes of these sessions."""
    if not sessions:
        return []
    pids = [pid for pid in psutil.pids() if _session(pid) in sessions]
    return [process for pid in pids if (process := _process(pid)) and is_living(process)]


def _leader(identity: ChildIdentity) -> psutil.Process | None:
    process = _process(identity.pid)
    if process is None or abs(process.create_time() - identity.start_time) > START_TOLERANCE_SECS:
        return None
    return process


def _marked(run_ids: Collection[str], town: Path | None) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            environ = process.environ()
            run_id = environ.get(RUN_MARKER)
            if run_id and (run_id in run_ids or (town is not None and environ.get(TOWN_MARKER) == str(town))):
                yield process
        except (psutil.Error, OSError, UnicodeError):
            continue  # another user's, or gone: not ours to see


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None
