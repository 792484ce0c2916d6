"""How a real `townhall` ends, and the dispatcher that may run beside it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.acceptance.conftest import TownCalls
from tests.townhall_process import TownhallProcess, serving
from tests.waiting import wait_until

BODY = b'{"description": "Sweep the floor"}'


@contextmanager
def half_sent(townhall: TownhallProcess) -> Iterator[socket.socket]:
    """A request of which the last byte is still to come."""
    head = (
        "POST /v1/backlog HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", townhall.port), timeout=30) as opened:
        opened.sendall(head.encode() + BODY[:-1])
        townhall.client.get("/health")
        yield opened


def is_listening(townhall: TownhallProcess) -> bool:
    try:
        socket.create_connection(("127.0.0.1", townhall.port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_requests_under_way_are_answered_and_no_new_ones_are_taken(townhall: TownhallProcess, town: TownCalls) -> None:
    with half_sent(townhall) as opened:
        townhall.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not is_listening(townhall), "it has stopped listening")
        assert townhall.process.poll() is None

        opened.sendall(BODY[-1:])
        answered = opened.makefile("rb").read()

    assert answered.startswith(b"HTTP/1.1 201 ")
    assert townhall.process.wait(timeout=30) == 0
    assert "Sweep the floor" in town.ok("backlog", "list")


def test_a_second_signal_ends_it_at_once(townhall: TownhallProcess) -> None:
    with half_sent(townhall):
        townhall.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not is_listening(townhall), "it has stopped listening")
        townhall.process.send_signal(signal.SIGTERM)

        assert townhall.process.wait(timeout=10) == -signal.SIGTERM


def test_readers_of_events_are_let_go(townhall: TownhallProcess) -> None:
    with townhall.client.stream("GET", "/v1/events") as stream:
        assert stream.status_code == 200
        chunks = stream.iter_raw()
        next(chunks)  # it is open
        townhall.process.send_signal(signal.SIGTERM)

        assert b"Traceback" not in b"".join(chunks)
        assert townhall.process.wait(timeout=10) == 0


def test_a_dispatcher_runs_in_the_same_process_and_leaves_in_order(town: TownCalls) -> None:
    with serving(town.root, town.env, "--with-dispatcher") as townhall:
        wait_until(lambda: townhall.client.get("/ready").json()["dispatcher"] == "running", "it dispatches")
        (dispatcher,) = town.json("status", "--deep")["dispatchers"]
        assert dispatcher["pid"] == townhall.process.pid

        assert townhall.end() == 0
        assert "dispatcher_slow" not in townhall.log()

    assert town.json("status", "--deep")["dispatchers"] == []


def test_without_the_flag_nobody_dispatches(townhall: TownhallProcess) -> None:
    assert townhall.client.get("/ready").json()["dispatcher"] == "stopped"


def test_a_dispatcher_that_cannot_go_on_is_started_anew_and_the_server_goes_on(town: TownCalls) -> None:
    with serving(town.root, town.env) as townhall:
        key = f"tt:{town.json('status')['name']}:mission:due"
        _redis(town, "SET", key, "of another kind")
        with serving(town.root, town.env, "--with-dispatcher") as broken:
            wait_until(lambda: "dispatcher_ended" in broken.log(), "the log says that it ended")
            assert broken.client.get("/ready").json()["dispatcher"] == "stopped"
            assert broken.client.get("/v1/town").status_code == 200

            _redis(town, "DEL", key)
            wait_until(lambda: broken.client.get("/ready").json()["dispatcher"] == "running", "it dispatches again")
        assert townhall.process.poll() is None


def test_a_bug_that_ends_the_dispatcher_is_logged_with_its_trace_and_the_server_goes_on(town: TownCalls) -> None:
    prefix = f"tt:{town.json('status')['name']}"
    _redis(town, "HSET", f"{prefix}:agents", "ada", "a-1")
    _redis(town, "HSET", f"{prefix}:agent:a-1", "spec", "{}", "state", "idle")  # nothing here writes such a record

    with serving(town.root, town.env, "--with-dispatcher") as townhall:
        wait_until(lambda: "dispatcher_died" in townhall.log(), "the log says that it died")
        assert "Traceback" in townhall.log()
        assert townhall.client.get("/ready").json()["dispatcher"] == "stopped"

        _redis(town, "DEL", f"{prefix}:agents", f"{prefix}:agent:a-1")
        wait_until(lambda: townhall.client.get("/ready").json()["dispatcher"] == "running", "it dispatches again")


def _redis(town: TownCalls, *command: str) -> None:
    from tinytown.store.connection import connect  # the store as others may have left it
    from tinytown.store.server import server_url

    opened = connect(server_url(town.root))
    try:
        opened.execute(*command)
    finally:
        opened.close()
