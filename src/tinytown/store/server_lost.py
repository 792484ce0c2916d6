"""Servers whose folder was removed: nobody can find them any more, and they would run for ever.

A removed folder has no links left, which tells it from another folder that has got its name since. Only Linux shows the
folder of another process so; elsewhere nothing is found.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import psutil

PATIENCE_SECS = 5.0
"""How long such a server may take to end before it is killed; its files are gone, so nothing is lost by that."""
_MARK = "../redis.sock"
"""Of the servers that we start; it is in the title that the server gives itself."""
_DATA = (".tt", "redis")
_DELETED = " (deleted)"


def end_lost_servers(is_meant: Callable[[Path], bool] = lambda _: True) -> int:
    """End our servers whose data folder was removed; how many there were.

    Args:
        is_meant: told where the data was.
    """
    found = [process for process in psutil.process_iter() if (data := _lost(process)) is not None and is_meant(data)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in found:
            try:
                process.send_signal(number)
            except psutil.Error:  # it has ended
                continue
        if not psutil.wait_procs(found, PATIENCE_SECS)[1]:
            break
    return len(found)


def _lost(process: psutil.Process) -> Path | None:
    """Where the data of one of our servers was, if it is one and its folder is gone."""
    link = Path("/proc", str(process.pid), "cwd")
    try:
        if not process.name().endswith("-server") or link.stat().st_nlink > 0:
            return None
        data = Path(str(link.readlink()).removesuffix(_DELETED))
        is_ours = data.parts[-2:] == _DATA and any(_MARK in part for part in process.cmdline())
    except (psutil.Error, OSError):
        return None
    return data if is_ours else None
