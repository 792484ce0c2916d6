from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from tests.waiting import wait_until

from tinytown.domain.errors import (
    AlreadyExistsError,
    ConflictError,
    IllegalTransitionError,
    InvalidInputError,
    LeaseLostError,
    NotFoundError,
    StaleError,
    StoreError,
    StoreUnavailableError,
    TinytownError,
)
from tinytown.store.connection import Connection, connect
from tinytown.store.keys import Keys
from tinytown.store.scripts import Script
from tinytown.store.server import ensure_server, server_pid, stop_server
from tinytown.store.server_binary import find_binary

LIBRARY = resources.files("tinytown.store") / "lua" / "_lib.lua"


def script(body: str) -> Script:
    text = LIBRARY.read_bytes() + body.encode()
    return Script("test", text, hashlib.sha1(text, usedforsecurity=False).hexdigest())


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A folder whose server is stopped afterwards."""
    yield tmp_path
    stop_server(tmp_path)


def kill_server(root: Path) -> None:
    pid = server_pid(root)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(pid), "the server is gone, and its end of each socket closed")


def test_replies_are_bytes_numbers_lists_and_none(connection: Connection, keys: Keys) -> None:
    assert connection.execute("SET", keys("a"), "é") == b"OK"
    assert connection.execute("GET", keys("a")) == "é".encode()
    assert connection.execute("GET", keys("b")) is None
    assert connection.execute("RPUSH", keys("l"), 1, 2.5, b"\x00") == 3
    assert connection.execute("LRANGE", keys("l"), 0, -1) == [b"1", b"2.5", b"\x00"]


def test_large_values_come_back_whole(connection: Connection, keys: Keys) -> None:
    value = os.urandom(5_000_000)
    connection.execute("SET", keys("big"), value)
    assert connection.execute("GET", keys("big")) == value


def test_many_commands_are_one_round_trip_in_order(connection: Connection, keys: Keys) -> None:
    commands = [("INCR", keys("n")) for _ in range(2000)]
    assert connection.execute_many(commands) == list(range(1, 2001))
    assert connection.execute_many([]) == []


def test_first_error_of_many_is_raised_and_the_connection_stays_in_step(connection: Connection, keys: Keys) -> None:
    connection.execute("SET", keys("text"), "x")
    with pytest.raises(StoreError, match="not an integer"):
        connection.execute_many([("INCR", keys("text")), ("NONSENSE",), ("SET", keys("done"), 1)])
    assert connection.execute("GET", keys("done")) == b"1"


def test_script_gets_prefix_and_arguments(connection: Connection, keys: Keys) -> None:
    found = connection.run(
        script("return {T, A.text, A.list[2], A.none == nil and 1}"),
        keys.prefix,
        {"text": "x", "list": [1, 2], "none": None},
    )
    assert found == [keys.prefix.encode(), b"x", 2, 1]


def test_script_is_sent_whole_when_the_server_forgot_it(connection: Connection, keys: Keys) -> None:
    count = script("return redis.call('INCR', key('n'))")
    assert connection.run(count, keys.prefix, {}) == 1
    assert connection.run(count, keys.prefix, {}) == 2
    connection.execute("SCRIPT", "FLUSH")
    assert connection.run(count, keys.prefix, {}) == 3


def test_what_is_read_beside_a_script_is_of_the_moment_after_it(connection: Connection, keys: Keys) -> None:
    connection.execute("SCRIPT", "FLUSH")
    count = script("return redis.call('INCR', key('count'))")
    for expected in (1, 2):  # sent whole, then known
        replies = connection.run_and_read(count, keys.prefix, {}, [("GET", keys("count")), ("HVALS", keys("none"))])
        assert replies == [expected, str(expected).encode(), []]


def test_refusal_of_a_script_is_raised_although_something_was_read_beside_it(
    connection: Connection, keys: Keys
) -> None:
    refusal = script("return refuse('STALE', 'it moved on')")
    with pytest.raises(StaleError, match="it moved on"):
        connection.run_and_read(refusal, keys.prefix, {}, [("GET", keys("count"))])
    assert connection.execute("PING") == b"PONG"


def test_wrong_command_beside_a_script_keeps_the_script_from_running(connection: Connection, keys: Keys) -> None:
    count = script("return redis.call('INCR', key('count'))")
    with pytest.raises(StoreError, match="unknown command"):
        connection.run_and_read(count, keys.prefix, {}, [("NONSENSE",)])
    assert connection.execute("GET", keys("count")) is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("STALE", StaleError),
        ("LEASE", LeaseLostError),
        ("NOTFOUND", NotFoundError),
        ("EXISTS", AlreadyExistsError),
        ("ILLEGAL", IllegalTransitionError),
        ("CONFLICT", ConflictError),
        ("INVALID", InvalidInputError),
        ("OTHER", StoreError),
    ],
)
def test_refusal_of_a_script_is_the_error_of_its_code(
    connection: Connection, keys: Keys, code: str, expected: type[TinytownError]
) -> None:
    for body in (f"return refuse('{code}', 'because')", f"error(refuse('{code}', 'because'))"):
        with pytest.raises(TinytownError) as caught:
            connection.run(script(body), keys.prefix, {})
        assert type(caught.value) is expected
        assert caught.value.message == ("because" if code != "OTHER" else "Redis refused: OTHER because")


def test_refusal_without_a_text_says_what_its_class_says(connection: Connection, keys: Keys) -> None:
    with pytest.raises(NotFoundError, match=r"^There is no such thing\.$"):
        connection.run(script("return redis.error_reply('NOTFOUND')"), keys.prefix, {})


def test_error_of_a_command_in_a_script_is_told_without_its_address(connection: Connection, keys: Keys) -> None:
    connection.execute("SET", keys("text"), "x")
    with pytest.raises(StoreError) as caught:
        connection.run(script("return redis.call('HGET', key('text'), 'a')"), keys.prefix, {})
    assert caught.value.message.startswith("Redis refused: WRONGTYPE ")
    assert "user_script" not in caught.value.message


def test_blocking_command_may_take_longer_than_the_timeout(redis_url: str, keys: Keys) -> None:
    waiting, sending = connect(redis_url, timeout_secs=0.05), connect(redis_url)
    timer = threading.Timer(0.3, lambda: sending.execute("XADD", keys("s"), "*", "a", "b"))
    timer.start()
    began = time.monotonic()
    (stream,) = waiting.wait(("XREAD", "BLOCK", 5000, "STREAMS", keys("s"), "0"), timeout_secs=5)
    assert stream[0] == keys("s").encode()
    assert time.monotonic() - began < 3
    timer.join()
    assert waiting.wait(("XREAD", "BLOCK", 50, "STREAMS", keys("s"), "$"), timeout_secs=0.05) is None
    sending.execute("DEL", keys("s"))
    waiting.close()
    sending.close()


def test_closed_connection_opens_itself_again(connection: Connection) -> None:
    connection.close()
    connection.close()
    assert connection.execute("PING") == b"PONG"


def test_connection_that_the_server_closed_while_idle_is_opened_again(connection: Connection, keys: Keys) -> None:
    other = connect(f"unix://{quote(connection.address.path)}")
    connection.execute("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert other.execute("INCR", keys("n")) == 1
    other.close()


def test_server_that_was_killed_is_revived_and_the_script_runs_once(root: Path) -> None:
    revived: list[str] = []

    def revive() -> str:
        revived.append(ensure_server(root))
        return revived[-1]

    connection = connect(ensure_server(root), revive=revive)
    count = script("return redis.call('INCR', key('n'))")
    assert connection.run(count, "tt:x", {}) == 1
    kill_server(root)
    assert connection.run(count, "tt:x", {}) == 2
    assert len(revived) == 1
    connection.close()


def test_nobody_there_is_told_in_one_line_without_the_password(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(StoreUnavailableError) as caught:
            connect(f"redis://ada:hush@127.0.0.1:{taken.getsockname()[1]}")
    assert "connection refused; check that the server runs" in caught.value.message
    assert "hush" not in caught.value.message
    assert "\n" not in caught.value.message
    with pytest.raises(StoreUnavailableError, match="no such file or directory"):
        connect(f"unix://{quote(str(tmp_path))}/none.sock")


@pytest.fixture
def peer() -> Iterator[Callable[[list[bytes | None]], str]]:
    """Serves connections with canned replies, one for each request; None closes the connection instead."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(replies: list[bytes | None]) -> None:
        talk: socket.socket | None = None
        for reply in replies:
            talk = talk or listener.accept()[0]
            talk.recv(65536)
            if reply is None:
                talk.close()
                talk = None
            else:
                talk.sendall(reply)
        if talk is not None:
            talk.recv(65536)
            talk.close()

    def start(replies: list[bytes | None]) -> str:
        threads.append(threading.Thread(target=serve, args=(replies,), daemon=True))
        threads[-1].start()
        return f"redis://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    listener.close()
    for thread in threads:
        thread.join(10)


def test_reading_is_repeated_when_the_connection_breaks_under_it(peer: Callable[[list[bytes | None]], str]) -> None:
    connection = connect(peer([b"+PONG\r\n", None, b"+PONG\r\n", b"$1\r\nx\r\n"]))
    assert connection.execute("get", "a") == b"x"
    connection.close()


def test_what_may_have_been_executed_is_not_sent_again(peer: Callable[[list[bytes | None]], str]) -> None:
    connection = connect(peer([b"+PONG\r\n", None, b"+PONG\r\n", b":7\r\n"]))
    with pytest.raises(StoreUnavailableError, match="the connection broke before the answer came"):
        connection.execute("INCR", "a")
    assert connection.execute("INCR", "b") == 7
    connection.close()


def test_reading_that_breaks_twice_is_told(peer: Callable[[list[bytes | None]], str]) -> None:
    connection = connect(peer([b"+PONG\r\n", None, b"+PONG\r\n", None]))
    with pytest.raises(StoreUnavailableError, match="the connection broke twice"):
        connection.execute("GET", "a")


def test_server_that_dies_while_it_is_greeted_is_revived(
    peer: Callable[[list[bytes | None]], str], redis_url: str
) -> None:
    connection = connect(peer([None]), revive=lambda: redis_url)
    assert connection.execute("PING") == b"PONG"
    assert connection.address.scheme == "unix"
    connection.close()


def test_peer_that_is_no_redis_is_told(peer: Callable[[list[bytes | None]], str]) -> None:
    with pytest.raises(StoreError, match="is not Redis; check the URL"):
        connect(peer([b"HTTP/1.1 400 Bad Request\r\n\r\n"]))


def test_server_that_still_loads_its_files_is_waited_for(peer: Callable[[list[bytes | None]], str]) -> None:
    loading = b"-LOADING Redis is loading the dataset in memory\r\n"
    connection = connect(peer([loading, loading, b"+PONG\r\n", b":1\r\n"]))
    assert connection.execute("INCR", "a") == 1
    connection.close()


def test_server_that_does_not_answer_is_told_and_the_connection_starts_afresh(
    peer: Callable[[list[bytes | None]], str],
) -> None:
    connection = connect(peer([b"+PONG\r\n", b"$5\r\nhal", None]), timeout_secs=0.2)
    with pytest.raises(StoreUnavailableError, match=r"no answer within 0\.2 s"):
        connection.execute("GET", "a")
    connection.close()


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (
            b"-MISCONF Errors writing to the AOF file: No space left on device\r\n",
            "No space left on device; the server cannot write to its disk; free some",
        ),
        (b"-OOM command not allowed when used memory > 'maxmemory'.\r\n", "maxmemory'.; the server has reached"),
        (b"-READONLY You can't write against a read only replica.\r\n", "this server is a replica"),
    ],
)
def test_server_that_takes_no_writes_is_waited_for_and_told_with_what_to_do(
    peer: Callable[[list[bytes | None]], str], reply: bytes, told: str
) -> None:
    connection = connect(peer([b"+PONG\r\n", reply]))
    with pytest.raises(StoreUnavailableError, match=told):
        connection.execute("SET", "a", 1)
    connection.close()


def test_interrupt_while_waiting_leaves_the_connection_usable(connection: Connection, keys: Keys) -> None:
    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            connection.wait(("BLPOP", keys("queue"), 20), timeout_secs=20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert connection.execute("PING") == b"PONG"


@pytest.fixture
def tcp_server(tmp_path: Path) -> Iterator[int]:
    """A server on a TCP port that asks for a password."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    settings = ("--port", str(port), "--bind", "127.0.0.1", "--requirepass", "hush", "--save", "")
    process = subprocess.Popen([find_binary(), *settings], cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: _is_open(port), "the server listens")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_tcp_with_password_and_database(tcp_server: int) -> None:
    connection = connect(f"redis://:hush@127.0.0.1:{tcp_server}/3")
    connection.execute("SET", "a", 1)
    named = connect(f"redis://default:hush@localhost:{tcp_server}?db=3")
    assert named.execute("GET", "a") == b"1"
    with pytest.raises(StoreError, match="check the user name and password in the Redis URL"):
        connect(f"redis://:wrong@127.0.0.1:{tcp_server}")
    with pytest.raises(StoreError, match="give a password in the Redis URL"):
        connect(f"redis://127.0.0.1:{tcp_server}")
    connection.close()
    named.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for localhost, its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate to test TLS with")
    path = tmp_path / "localhost.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", str(tmp_path / "cert.pem")]
    subprocess.run([*argv, *more], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + (tmp_path / "cert.pem").read_bytes())
    return path


def test_tls_is_spoken_and_checked(certificate: Path, redis_url: str, keys: Keys) -> None:
    """The server has no TLS: a terminator in front of it stands for one that has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    path = redis_url.removeprefix("unix://")

    def relay() -> None:
        with (
            context.wrap_socket(listener.accept()[0], server_side=True) as outer,
            socket.socket(socket.AF_UNIX) as inner,
        ):
            inner.connect(path)
            while data := outer.recv(65536):
                inner.sendall(data)
                outer.sendall(inner.recv(65536))

    thread = threading.Thread(target=relay, daemon=True)
    thread.start()
    connection = connect(f"rediss://localhost:{port}?ssl_ca_certs={quote(str(certificate))}")
    assert connection.execute("SET", keys("a"), 1) == b"OK"
    assert connection.execute("DEL", keys("a")) == 1
    connection.close()
    thread.join(10)
    listener.close()


def test_tls_certificate_that_is_not_trusted_is_refused(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        with listener.accept()[0] as plain, pytest.raises(OSError):  # noqa: PT011  the client's alert, whatever it is
            context.wrap_socket(plain, server_side=True)

    thread = threading.Thread(target=refuse, daemon=True)
    thread.start()
    with pytest.raises(StoreUnavailableError, match="certificate verify failed"):
        connect(f"rediss://localhost:{listener.getsockname()[1]}")
    thread.join(10)
    listener.close()
