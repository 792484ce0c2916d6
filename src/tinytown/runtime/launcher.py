"""Starting the machine's host when none runs. The file lock `.tt/host.lock` is held by the one that does."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tinytown.runtime.environment import service_environment

LOCK = "host.lock"


@contextmanager
def host_lock(state: Path) -> Iterator[bool]:
    """Hold the host's lock for as long as the block runs; gives False when another process has it."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state / LOCK).open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        file.truncate(0)
        file.write(str(os.getpid()).encode())
        file.flush()
        yield True


def is_host_running(state: Path) -> bool:
    """Whether some process holds the host's lock."""
    try:
        with (state / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True


def host_pid(state: Path) -> int | None:
    """The process id of the running host."""
    if not is_host_running(state):
        return None
    text = (state / LOCK).read_text(encoding="ascii").strip()
    return int(text) if text.isdecimal() else None


def start_host(root: Path, state: Path, environ: Mapping[str, str]) -> bool:
    """Start a host process in the background unless one runs; two starters at once do no harm, one host wins."""
    if is_host_running(state):
        return False
    logs = state / "logs"
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (logs / "host.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "tinytown.cli", "host"],
            cwd=root,
            env={**service_environment(environ), "TINYTOWN_TOWN": str(root)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return True
