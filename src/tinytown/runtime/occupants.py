"""Who is in a worktree: a run that is given it must not meet what an earlier one left working there.

A process counts when it is known to have survived its run there, or when it works in the folder and nothing says that
it may: what a hook started for the worktree may, so may the processes of this host, of runs under way in other
worktrees, and people who look at it from a terminal. A run of this very worktree that is still being stopped is waited
for. What is not proven to be ours is not stopped; a person is told of it.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import psutil

from tinytown.domain.errors import WorktreeOccupiedError
from tinytown.repository.hooks import WORKTREE_VARIABLE
from tinytown.runtime.environment import RUN_MARKER
from tinytown.runtime.ladder import is_living, lineage
from tinytown.runtime.run_records import RunRecords
from tinytown.runtime.survivors import Survivor, Survivors

PATIENCE_SECS = 2.0
"""What is about to end, such as git clearing up behind a commit, is waited for."""
_POLL_SECS = 0.05


class Occupant(msgspec.Struct, frozen=True):
    """A process in a worktree that somebody else is to have."""

    survivor: Survivor
    is_under_way: bool = False
    """Whether it is of a run that has not ended, such as one that was taken back and is being stopped."""


class Occupants:
    """Looks for them on this machine. Its methods block: call them in a worker thread."""

    def __init__(self, survivors: Survivors, records: RunRecords, *, patience_secs: float = PATIENCE_SECS) -> None:
        self._survivors = survivors
        self._records = records
        self._patience_secs = patience_secs

    def refuse(self, folder: Path) -> None:
        """Return when nobody is in the worktree, or is soon gone.

        Raises:
            WorktreeOccupiedError: somebody stays; what is left of an earlier run is on record now.
        """
        deadline = time.monotonic() + self._patience_secs
        while found := self._find(folder):
            if time.monotonic() >= deadline:
                for one in found:
                    if not one.is_under_way:
                        self._survivors.note(one.survivor)
                raise _occupied(folder, found)
            time.sleep(_POLL_SECS)

    def _find(self, folder: Path) -> list[Occupant]:
        """The processes that keep the worktree from being given out."""
        place = folder.resolve()
        left = (one for one in self._survivors.living() if one.is_ours and one.folder == str(place))
        found = {one.pid: Occupant(one) for one in left}
        runs = {child.run_id: child for child in self._records.all()}
        for process in psutil.process_iter():
            try:
                if process.pid in found or not _is_within(process, place):
                    continue
                run = runs.get(process.environ().get(RUN_MARKER, ""))
                if run is None and _may_stay(process):
                    continue
                if run is not None and Path(run.folder).resolve() != place:
                    continue  # it looks at what others do, from a worktree of its own
                survivor = Survivor.of(process, folder=place, is_ours=False)
                found[process.pid] = Occupant(survivor, is_under_way=run is not None)
            except (psutil.Error, OSError, UnicodeError):
                continue  # another user's, or gone: not ours to see
        return [found[pid] for pid in sorted(found)]


def _may_stay(process: psutil.Process) -> bool:
    environ = process.environ()
    if RUN_MARKER in environ:
        return False
    if WORKTREE_VARIABLE in environ or process.terminal() is not None:
        return True
    own = psutil.Process().pid
    return process.pid in lineage() or any(parent.pid == own for parent in process.parents())


def _is_within(process: psutil.Process, place: Path) -> bool:
    return Path(process.cwd()).is_relative_to(place) and is_living(process)


def _occupied(folder: Path, found: list[Occupant]) -> WorktreeOccupiedError:
    who = ", ".join(one.survivor.words for one in found)
    still = "is still" if len(found) == 1 else "are still"
    if all(one.is_under_way for one in found):
        return WorktreeOccupiedError(
            f"{who} {still} in worktree {folder.name}, of a run that has not ended; it is waited for"
        )
    pids = " ".join(str(one.survivor.pid) for one in found if not one.is_under_way)
    return WorktreeOccupiedError(
        f"{who} {still} in worktree {folder.name}, left by an earlier run; it is held until that has ended: kill {pids}"
    )
