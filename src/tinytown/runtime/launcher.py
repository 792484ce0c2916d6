"""Starting the machine's host when none runs. The file lock `.tt/host.lock` is held by the one that does."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path

from tinytown.domain.errors import ConfigError
from tinytown.runtime.environment import service_environment

LOCK = "host.lock"


@contextmanager
def host_lock(state: Path, *, inherited: int | None = None) -> Iterator[bool]:
    """Hold the host's lock for as long as the block runs; gives False when another process has it.

    Args:
        state: the town's `.tt` folder.
        inherited: descriptor of the lock that the starter took for us; it is held until the process ends.
    """
    if inherited is not None:
        os.set_inheritable(inherited, False)  # the agents' CLIs must not keep the lock
        _sign(inherited, os.getpid())  # the starter may have been killed before it did
        yield True
        return
    with _opened(state) as file:
        if not _take(file, state):
            yield False
            return
        _sign(file.fileno(), os.getpid())
        yield True


@contextmanager
def _opened(state: Path) -> Iterator[BufferedRandom]:
    """The lock's file.

    Raises:
        ConfigError: it cannot be used.
    """
    try:
        state.mkdir(mode=0o700, exist_ok=True)
        file = os.fdopen(os.open(state / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")
    except OSError as error:
        raise ConfigError(
            f"cannot use {state / LOCK}: {(error.strerror or str(error)).lower()}; make room or allow writing there"
        ) from error
    with file:
        yield file


def _take(file: BufferedRandom, state: Path) -> bool:
    """Take the lock unless a host has it; somebody who only looks has it for a moment."""
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if is_host_running(state):
                return False
        else:
            return True


def _sign(lock: int, pid: int | None) -> None:
    """Write down who has the lock; the starter and the host may both do so, in any order."""
    os.ftruncate(lock, 0)
    if pid is not None:
        os.pwrite(lock, str(pid).encode(), 0)


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
    """Start a host process in the background unless one runs; returns whether it did.

    The new process gets the lock from us, so that it counts as running from its first moment: who stops the town right
    now finds it.
    """
    if is_host_running(state):
        return False
    with _opened(state) as lock:
        if not _take(lock, state):
            return False
        _sign(lock.fileno(), None)  # what is there is of a host that is dead
        logs = state / "logs"
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (logs / "host.log").open("ab") as log:
            host = subprocess.Popen(
                [sys.executable, "-m", "tinytown.cli", "host", "--lock", str(lock.fileno())],
                cwd=root,
                env={**service_environment(environ), "TINYTOWN_TOWN": str(root)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(lock.fileno(),),
            )
        _sign(lock.fileno(), host.pid)
    # It outlives this process; should it end before, somebody has to collect it.
    threading.Thread(target=host.wait, name="host-reaper", daemon=True).start()
    return True
