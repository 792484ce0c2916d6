"""What was stored is on disk when the call returns, although the server does not wait for the disk."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tinytown.domain.errors import StoreUnavailableError
from tinytown.store.connection import connect
from tinytown.store.forcing import force_to_disk
from tinytown.store.scripts import load
from tinytown.store.server import ensure_server, server_data, stop_server

_CACHESTAT = 451
"""Number of the Linux system call that tells the pages of a file that are not on disk yet; since Linux 6.5."""
TT = Path(sys.executable).with_name("tt")
TT = Path(sys.executable).with_name("tt")
PREFIX = "tt:forcing"
MESSAGE = {"to": "conductor", "id": "m1", "message": "{}", "urgent": False, "sender": "a", "at": "2026-01-01T00:00:00Z"}


class _Range(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _Pages(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("cache", "dirty", "writeback", "evicted", "recently_evicted"))


def unwritten_pages(file: Path) -> int:
    """Pages of the file that a power cut would cost."""
    libc, pages, whole = ctypes.CDLL(None, use_errno=True), _Pages(), _Range(0, 0)
    with file.open("rb") as opened:
        code = libc.syscall(_CACHESTAT, opened.fileno(), ctypes.byref(whole), ctypes.byref(pages), 0)
    if code != 0:
        pytest.skip(f"this kernel does not tell: {os.strerror(ctypes.get_errno())}")
    return int(pages.dirty) + int(pages.writeback)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A town's folder; its server is stopped afterwards."""
    yield tmp_path
    stop_server(tmp_path)


@pytest.fixture
def unwritten(root: Path) -> Callable[[], int]:
    """Counts what a power cut would cost of the town's data."""

    def count() -> int:
        return sum(unwritten_pages(file) for file in (server_data(root) / "appendonlydir").glob("*.incr.aof"))

    return count


def test_a_transition_is_on_disk_when_the_call_returns(root: Path, unwritten: Callable[[], int]) -> None:
    plain = connect(ensure_server(root))
    plain.run(load("send_message"), PREFIX, MESSAGE)
    if unwritten() == 0:
        pytest.skip("this file system has no pages to be written, nothing can be seen on it")
    forcing = connect(ensure_server(root), force=partial(force_to_disk, server_data(root)))

    forcing.run(load("send_message"), PREFIX, MESSAGE)

    assert unwritten() == 0
    plain.close()
    forcing.close()


def test_a_command_has_forced_its_writes_to_disk_when_it_ends(root: Path, unwritten: Callable[[], int]) -> None:
    def tt(*argv: str) -> None:
        subprocess.run([TT, *argv], cwd=root, env=environ, check=True, capture_output=True)

    environ = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ} | {"HOME": str(root)}
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.invalid")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    subprocess.run(["git", *identity, "commit", "--quiet", "--allow-empty", "--message=Begin"], cwd=root, check=True)
    tt("init", "--name", "forcing")

    tt("send", "conductor", "hello")

    assert unwritten() == 0


def test_what_passes_soon_does_not_wait_for_the_disk(root: Path) -> None:
    forced: list[int] = []
    connection = connect(ensure_server(root), force=lambda: forced.append(1))
    connection.run(load("read_agents"), PREFIX, {})
    assert forced == []
    connection.run(load("send_message"), PREFIX, MESSAGE)
    assert forced == [1]
    connection.close()


def test_files_that_cannot_be_forced_are_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=r"may not be on disk: .*no such file"):
        force_to_disk(tmp_path)
