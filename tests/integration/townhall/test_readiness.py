"""`/health`, `/ready` and everything else while the store is gone, hangs, and comes back."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import httpx2
import pytest
from tests.integration.store.stores import NOW, Stores
from tests.integration.townhall.served import RIGHTS, Served, problem, serving
from tests.waiting import wait_until

from tinytown.bootstrap import utc_now
from tinytown.runtime.launcher import host_lock
from tinytown.store.connection import connect
from tinytown.store.dispatchers import Dispatcher
from tinytown.store.keys import Keys
from tinytown.store.server import ensure_server, server_pid, stop_server

SOON_SECS = 1.0
BOUND_SECS = 6.5
"""Of any request while the store hangs."""
THREADS = 40
"""Of the server's, for routes."""


class Outage:
    """A town that is served, and its own server, which can be hurt."""

    def __init__(self, served: Served, root: Path) -> None:
        self.served = served
        self.root = root

    def hurt(self, number: signal.Signals) -> int:
        """Send the store's server a signal; its process id."""
        pid = server_pid(self.root)
        assert pid is not None
        os.kill(pid, number)
        if number is signal.SIGKILL:
            wait_until(lambda: server_pid(self.root) is None, "the server is gone")
        return pid

    def ready(self) -> httpx2.Response:
        """The answer of `/ready`, which must come within a second."""
        asked = perf_counter()
        answer = self.served.get("/ready")
        assert perf_counter() - asked < SOON_SECS
        return answer

    def is_ready(self) -> bool:
        """Whether `/ready` says so."""
        return self.ready().status_code == 200


def outage(tmp_path: Path, *, is_remote: bool, guard: None) -> Iterator[Outage]:
    """A town with a server of its own; as a remote one it is not the town's to start."""
    del guard
    home, root = tmp_path / "server", tmp_path / "shop"
    root.mkdir()
    home.mkdir()
    home = home if is_remote else root
    redis = f'[redis]\nurl = "{ensure_server(home)}"\n' if is_remote else ""
    (root / "tinytown.toml").write_text(f'[town]\nname = "shop"\n{redis}', encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    connection = connect(ensure_server(home))
    try:
        with host_lock(root / ".tt"), serving(root, environ, Stores(connection, Keys.of("shop"))) as served:
            yield Outage(served, home)
    finally:
        connection.close()
        if (pid := server_pid(home)) is not None:
            os.kill(pid, signal.SIGCONT)
        stop_server(home)


@pytest.fixture
def remote(tmp_path: Path, guard: None) -> Iterator[Outage]:
    yield from outage(tmp_path, is_remote=True, guard=guard)


@pytest.fixture
def embedded(tmp_path: Path, guard: None) -> Iterator[Outage]:
    yield from outage(tmp_path, is_remote=False, guard=guard)


def assert_not_ready(answer: httpx2.Response) -> None:
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not_ready",
        "redis": "disconnected",
        "dispatcher": "unknown",
        "town": "shop",
        "detail": "the store cannot be reached just now; try again in a moment",
    }


def test_ready_server_tells_the_time_that_its_store_takes(remote: Outage) -> None:
    found = remote.ready().json()
    assert 0 < found.pop("redis_latency_ms") < 1000
    assert found == {"status": "ready", "redis": "connected", "dispatcher": "stopped", "town": "shop"}


def test_health_and_readiness_are_open_to_all(remote: Outage) -> None:
    nobody = {RIGHTS: "none"}
    assert remote.served.client.get("/health", headers=nobody).json()["status"] == "ok"
    assert remote.served.client.get("/ready", headers=nobody).status_code == 200


def test_dispatcher_is_running_while_its_heartbeat_is_fresh(remote: Outage) -> None:
    dispatchers = remote.served.stores.dispatchers
    here = Dispatcher(id="d1", machine=socket.gethostname(), pid=os.getpid(), started_at=NOW)
    dispatchers.beat(here, utc_now())
    assert remote.ready().json()["dispatcher"] == "running"
    dispatchers.beat(here, NOW)
    assert remote.ready().json()["dispatcher"] == "stopped"


def test_remote_store_that_was_killed_is_told_and_its_return_is_seen(remote: Outage) -> None:
    assert remote.is_ready()
    remote.served.ok("GET", "/v1/town")
    remote.hurt(signal.SIGKILL)

    assert_not_ready(remote.ready())
    assert remote.served.ok("GET", "/health")["status"] == "ok"
    problem(remote.served.get("/v1/status"), 503, "store-unavailable")
    problem(remote.served.get("/api/scaling"), 503, "store-unavailable")
    text = remote.served.get("/metrics")
    assert (text.status_code, text.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert text.text == "the store cannot be reached just now; try again in a moment\n"
    assert server_pid(remote.root) is None  # nobody started what is not the town's

    ensure_server(remote.root)
    assert remote.is_ready()
    remote.served.ok("GET", "/v1/status")


def test_store_that_hangs_is_told_within_a_second_while_all_threads_wait_for_it(remote: Outage) -> None:
    served = remote.served
    served.ok("GET", "/v1/status")
    remote.hurt(signal.SIGSTOP)

    def answer(_: int) -> tuple[int, float]:
        with httpx2.Client(base_url=served.client.base_url, timeout=30, trust_env=False) as client:
            asked = perf_counter()
            return client.get("/v1/status").status_code, perf_counter() - asked

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [pool.submit(answer, number) for number in range(THREADS)]
        assert_not_ready(remote.ready())
        for _ in range(3):
            assert_not_ready(remote.ready())
            asked = perf_counter()
            assert served.ok("GET", "/health")["status"] == "ok"
            assert perf_counter() - asked < SOON_SECS
        assert not any(one.done() for one in answers)  # that is how busy it was
        found = [one.result() for one in answers]
    assert {status for status, _ in found} == {503}
    assert max(secs for _, secs in found) < BOUND_SECS

    remote.hurt(signal.SIGCONT)
    wait_until(remote.is_ready, "the store answers again")
    served.ok("GET", "/v1/status")


def test_towns_own_server_that_was_killed_is_brought_back_by_the_next_probe(embedded: Outage) -> None:
    assert embedded.is_ready()
    old = embedded.hurt(signal.SIGKILL)
    wait_until(embedded.is_ready, "the server was started again")
    assert server_pid(embedded.root) not in {None, old}
    embedded.served.ok("GET", "/v1/status")


def test_towns_own_server_that_hangs_is_told_and_not_replaced(embedded: Outage) -> None:
    assert embedded.is_ready()
    pid = embedded.hurt(signal.SIGSTOP)
    for _ in range(2):
        assert_not_ready(embedded.ready())
    embedded.hurt(signal.SIGCONT)
    wait_until(embedded.is_ready, "the store answers again")
    assert server_pid(embedded.root) == pid


def test_probes_at_the_same_time_share_one_look(remote: Outage) -> None:
    remote.hurt(signal.SIGSTOP)

    def ask(_: int) -> tuple[int, float]:
        with httpx2.Client(base_url=remote.served.client.base_url, timeout=30, trust_env=False) as client:
            asked = perf_counter()
            return client.get("/ready").status_code, perf_counter() - asked

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask, range(16)))
    remote.hurt(signal.SIGCONT)
    assert {status for status, _ in found} == {503}
    assert max(secs for _, secs in found) < 2 * SOON_SECS  # a client alone takes a while to be made
