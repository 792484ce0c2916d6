"""Lock files that a killed git left behind: they would keep every later git from working, for ever.

git does not write down who holds a lock. A lock is taken to be stale when nobody can hold it: no git process that works
in this repository is as old as the lock. What is not git (an editor's own implementation) holds locks for milliseconds,
so a lock must also have lain there for a moment.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path

LEAST_AGE_SECS = 2.0
LONGEST_WAIT_SECS = 10.0
_POLL_SECS = 0.1
_CLOCK_SECS = 0.05
"""How much earlier than its process a file of it may seem to be made."""
_REFUSAL = re.compile(r"(?:Unable to create|could not lock config file) '?(?P<file>[^'\n]+?)(?:\.lock)?'?: File exists")


def blocking_lock(message: str, folder: Path) -> Path | None:
    """The lock file that git, run in `folder`, says is in its way."""
    found = _REFUSAL.search(message)
    return folder / f"{found['file']}.lock" if found else None


def wait_for(lock: Path, places: Iterable[Path]) -> bool:
    """Wait until the lock is gone, removing it when it is stale; False when somebody keeps it.

    Args:
        lock: the lock file.
        places: the folders of the repository and its working trees, whose processes may hold it.
    """
    deadline = time.monotonic() + LONGEST_WAIT_SECS
    while (made := _made(lock)) is not None:
        if time.time() - made >= LEAST_AGE_SECS and remove_stale(lock, places):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECS)
    return True


def remove_stale(lock: Path, places: Iterable[Path]) -> bool:
    """Remove the lock unless a process may hold it, however young it is; whether it is gone.

    Args:
        lock: the lock file.
        places: folders whose processes may hold it.
    """
    made = _made(lock)
    if made is None:
        return True
    if _may_be_held(made, tuple(place.resolve() for place in places)) or _made(lock) != made:
        return False
    lock.unlink(missing_ok=True)
    import structlog  # slow to import, hardly ever needed

    log = structlog.get_logger("tinytown.git")
    log.warning("removed a lock that a killed git left", action="stale_lock_removed", file=str(lock))
    return True


def _made(lock: Path) -> float | None:
    try:
        return lock.stat().st_mtime
    except OSError:
        return None


def _may_be_held(made: float, places: tuple[Path, ...]) -> bool:
    import psutil  # 20 ms, hardly ever needed

    for process in psutil.process_iter():
        try:
            if process.name().startswith("git") and process.create_time() <= made + _CLOCK_SECS:
                folder = Path(process.cwd())
                if any(folder == place or place in folder.parents for place in places):
                    return True
        except psutil.AccessDenied:
            return True
        except (psutil.Error, OSError):
            continue  # it is over: it holds nothing
    return False
