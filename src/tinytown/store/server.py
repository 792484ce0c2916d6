"""The town's own Redis server: started on demand on a unix socket, one a town, surviving whoever started it.

Everything lies in the town's `.tt` folder (mode 700): the socket `redis.sock`, the lock under which it is started and
stopped `server.lock`, and in `redis/` the append-only files, the pid file, the log, and `running.lock`: that one the
server itself holds from its first moment to its last, because two on the same append-only files would destroy them.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from tinytown.domain.errors import ServerError, StoreUnavailableError
from tinytown.store.connection import connect
from tinytown.store.disk import is_full
from tinytown.store.socket_path import release

if TYPE_CHECKING:
    import psutil

START_TIMEOUT_SECS = 10.0
_STOP_TIMEOUT_SECS = 10.0
_GRACE_SECS = 1.0
_POLL_SECS = 0.005
_START_TRIES = 3
_PASSED_ON = ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""All that the server sees of the environment: tokens and keys in it are none of its business."""
_LOG_PREFIX = re.compile(r"^\d+:[A-Z] .*? [.*#-] ")
_LOG_TAIL_LINES = 3


class _Places(msgspec.Struct, frozen=True):
    root: Path

    @property
    def home(self) -> Path:
        return self.root / ".tt"

    @property
    def socket(self) -> Path:
        return self.home / "redis.sock"

    @property
    def lock(self) -> Path:
        return self.home / "server.lock"

    @property
    def data(self) -> Path:
        return self.home / "redis"

    @property
    def running(self) -> Path:
        return self.data / "running.lock"

    @property
    def pid(self) -> Path:
        return self.data / "redis.pid"

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}"


def server_url(root: Path) -> str:
    """The URL at which the server of the town in `root` listens when it runs."""
    return _Places(root.resolve()).url


def ensure_server(root: Path, *, binary: Path | None = None) -> str:
    """Start the server of the town in `root` unless it runs, wait until it answers, return its URL.

    Any number of processes may call this at once: one starts it, the others wait for it.

    Args:
        root: the town's folder.
        binary: the program to start instead of the one found by itself.

    Raises:
        ServerError: it cannot be started, or does not answer within 10 s.
    """
    places = _Places(root.resolve())
    with _locked(places):
        if _answers(places, START_TIMEOUT_SECS):
            return places.url
        program = binary or _find_binary()
        with _claim(places) as claim:
            if claim is not None:
                _end_lost()
                _start(places, program, claim)
    return places.url


def server_data(root: Path) -> Path:
    """The folder of the data of the town in `root`."""
    return _Places(root.resolve()).data


def stop_server(root: Path) -> bool:
    """Stop the server of the town in `root`, its data on disk; False when none ran.

    Raises:
        ServerError: the lock cannot be taken, or the process is not ours to stop.
    """
    places = _Places(root.resolve())
    had_lost = _end_lost(places.data)
    if not places.data.is_dir():
        return had_lost
    with _locked(places):
        with _opened(places.running) as claim:
            if _is_free(claim):
                return had_lost
            _end_servers(places, claim)
        release(str(places.socket))
        return True


def _end_lost(data: Path | None = None) -> bool:
    """End servers whose folder was removed, all or those whose data was in the folder; whether there were any."""
    from tinytown.store.server_lost import end_lost_servers  # with psutil, as below

    return end_lost_servers(lambda lost: data is None or lost == data) > 0


def server_pid(root: Path) -> int | None:
    """The process id of the server of the town in `root`, None when it does not run."""
    return _pid(_Places(root.resolve()))


@contextmanager
def _locked(places: _Places) -> Iterator[None]:
    """Hold the town's server lock; it ends with the process that has it, and nobody has it for much over 10 s."""
    with _advised(places.home):
        places.home.mkdir(mode=0o700, exist_ok=True)  # a town's folder that was removed is not made again
        places.data.mkdir(mode=0o700, exist_ok=True)
        places.home.chmod(0o700)
        places.data.chmod(0o700)
    with _opened(places.lock) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextmanager
def _opened(lock: Path) -> Iterator[int]:
    with _advised(lock):
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _advised(place: Path) -> Iterator[None]:
    """Turn an error of the file system into one line that says what to do."""
    try:
        yield
    except OSError as error:
        raise ServerError(
            f"the town's server cannot use {error.filename or place}: {(error.strerror or str(error)).lower()};"
            " make room or allow writing there, or set REDIS_URL to a running server"
        ) from error


def _answers(places: _Places, timeout_secs: float) -> bool:
    """Whether a server answers on the socket; one that still reads its files is waited for."""
    try:
        connect(places.url, timeout_secs=timeout_secs).close()
    except StoreUnavailableError as error:
        if isinstance(error.__cause__, (ConnectionError, FileNotFoundError)):
            return False
        raise ServerError(f"the town's server is there but does not answer: {error.message}") from error
    return True


@contextmanager
def _claim(places: _Places) -> Iterator[int | None]:
    """The lock that a new server is to hold, taken; None when one that was just starting answers by now.

    A server that lives but does not come to answer has lost its socket: it is ended first.
    """
    with _opened(places.running) as claim:
        deadline = time.monotonic() + _GRACE_SECS
        while not _is_free(claim):
            if _answers(places, START_TIMEOUT_SECS):
                yield None
                return
            if time.monotonic() > deadline:
                _end_servers(places, claim)
                break
            time.sleep(_POLL_SECS)
        yield claim


def _find_binary() -> Path:
    from tinytown.store.server_binary import find_binary  # 5 ms, not needed while the server answers

    return find_binary()


def _is_free(claim: int) -> bool:
    """Take the lock; whether that was possible."""
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(places: _Places, binary: Path, claim: int) -> None:
    """Start it and wait until it answers; one that somebody kills meanwhile is started again."""
    seen = places.log.stat().st_size if places.log.exists() else 0
    for _ in range(_START_TRIES):
        code = _exit_code(places, _launch(places, binary, claim))
        if code is None:
            return
        if code != -signal.SIGKILL:
            break
    raise ServerError(f"the town's server ended as it started: {_log_tail(places, seen)}; see {places.log}")


def _launch(places: _Places, binary: Path, claim: int) -> subprocess.Popen[bytes]:
    if is_full(places.data):
        raise ServerError(f"the disk of {places.data} is full: free some space, the town's server needs it")
    with _advised(places.home), places.log.open("ab") as log:
        process = subprocess.Popen(
            _arguments(binary),
            cwd=places.data,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=0o077,
            pass_fds=(claim,),
        )
    # It outlives this process; should it end before, somebody has to collect it.
    threading.Thread(target=process.wait, name="server-reaper", daemon=True).start()
    return process


def _exit_code(places: _Places, process: subprocess.Popen[bytes]) -> int | None:
    """None once it answers, its exit code when it ends before."""
    deadline = time.monotonic() + START_TIMEOUT_SECS
    while not _answers(places, START_TIMEOUT_SECS):
        if (code := process.poll()) is not None:
            return code
        if time.monotonic() > deadline:
            raise ServerError(f"the town's server did not answer within {START_TIMEOUT_SECS:g} s; see {places.log}")
        time.sleep(_POLL_SECS)
    return None


def _arguments(binary: Path) -> list[str]:
    """Relative paths, from the data folder: the name of a socket is limited to about 100 bytes."""
    settings = {
        "port": "0",
        "unixsocket": "../redis.sock",
        "unixsocketperm": "700",
        "daemonize": "no",
        "pidfile": "redis.pid",
        "logfile": "",
        "save": "",  # the append-only files hold everything
        "appendonly": "yes",
        "appendfsync": "no",  # who writes forces it to disk (forcing.py); `everysec` puts writes off, and loses them
        "aof-load-truncated": "yes",
        "auto-aof-rewrite-min-size": "16mb",
        "maxmemory-policy": "noeviction",
    }
    return [str(binary), *(part for name, value in settings.items() for part in (f"--{name}", value))]


def _log_tail(places: _Places, offset: int) -> str:
    with places.log.open("rb") as log:
        log.seek(offset)
        lines = log.read().decode(errors="replace").splitlines()
    said = [_LOG_PREFIX.sub("", line).strip() for line in lines if line.strip()]
    return " | ".join(said[-_LOG_TAIL_LINES:]) or "it said nothing"


def _pid(places: _Places) -> int | None:
    """The pid in the pid file, if that process is a server on this folder: numbers are used again by other processes."""
    import psutil  # 20 ms, not needed while the server answers

    try:
        process = psutil.Process(int(places.pid.read_text()))
    except (OSError, ValueError, psutil.Error):
        return None
    return process.pid if _is_server(process, places) else None


def _is_server(process: psutil.Process, places: _Places) -> bool:
    import psutil  # as above

    try:
        is_alive = process.status() != psutil.STATUS_ZOMBIE
        return is_alive and process.name().endswith("-server") and Path(process.cwd()) == places.data
    except psutil.Error:
        return False


def _is_holder(process: psutil.Process, places: _Places) -> bool:
    """Whether it is a server on these files, or was started to become one and holds the lock already."""
    import psutil  # as above

    if _is_server(process, places):
        return True
    try:
        is_there = process.pid != os.getpid() and Path(process.cwd()) == places.data
        return is_there and str(places.running) in {file.path for file in process.open_files()}
    except (psutil.Error, OSError):
        return False


def _end_servers(places: _Places, claim: int) -> None:
    """End every server on these files and wait for the lock it held.

    They get time to write what they have; the files survive killing one that takes too long.
    """
    import psutil  # as above

    for number in (signal.SIGTERM, signal.SIGKILL):
        signalled: set[psutil.Process] = set()
        deadline = time.monotonic() + _STOP_TIMEOUT_SECS
        while time.monotonic() < deadline:
            holders = [process for process in psutil.process_iter() if _is_holder(process, places)]
            for process in holders:
                if process not in signalled:  # what has just been forked is seen a moment later
                    signalled.add(process)
                    _send(process, number)
            if _is_free(claim):
                return
            time.sleep(_POLL_SECS)
    raise ServerError(f"some process still has {places.running} locked; stop it, then try again")


def _send(process: psutil.Process, number: int) -> None:
    import psutil  # as above

    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
    except psutil.Error as error:
        raise ServerError(f"the town's server, process {process.pid}, is not ours to stop: ask its owner") from error
