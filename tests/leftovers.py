"""Processes of a test's folder, found by what names it; as a program the guard that outlives pytest.

`python -m tests.leftovers FOLDER` waits until its input ends. When the last word was `done` it ends; else pytest
was killed, or gave up, and whatever it left below the folder is ended.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import psutil
from tests.waiting import wait_until

_DELETED = " (deleted)"


def naming(*texts: str) -> list[psutil.Process]:
    """Living processes whose working folder, arguments or environment has one of the texts; never us or our ancestors.

    The town's own server inherits nothing and has no arguments of ours: it is known by its working folder alone.
    """
    kept = {process.pid for process in (psutil.Process(), *psutil.Process().parents())}
    found = [process for process in psutil.process_iter() if process.pid not in kept]
    return [process for process in found if any(text in told for told in _told(process) for text in texts)]


def _told(process: psutil.Process) -> list[str]:
    """What can be read of a process; nothing of one that is gone, waits to be collected, or is somebody else's."""
    told: list[str] = []
    with contextlib.suppress(psutil.Error, OSError, UnicodeError):
        if process.status() == psutil.STATUS_ZOMBIE:
            return []
        told.append(f"{process.cwd().removesuffix(_DELETED)}/")
        told += process.cmdline()
        told += process.environ().values()
    return told


def is_gone(process: psutil.Process) -> bool:
    """Whether it runs no more; its entry may not have been collected yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def end(*texts: str) -> list[str]:
    """Kill all of them at once, and those that they started meanwhile; what there was, a line each."""
    told: dict[int, str] = {}
    while found := naming(*texts):
        for process in found:
            with contextlib.suppress(psutil.Error):
                told.setdefault(process.pid, f"{process.pid} {process.cmdline()} in {process.cwd()}")
                process.kill()
        wait_until(lambda found=found: all(map(is_gone, found)), f"{found} are gone")  # type: ignore[misc]  # a default
    return list(told.values())


def main(folder: Path) -> None:
    """Guard a folder."""
    said = sys.stdin.read().split()
    if said[-1:] != ["done"]:
        end(f"{folder}/")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
