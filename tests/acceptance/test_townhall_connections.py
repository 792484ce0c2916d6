"""A real `townhall` with few descriptors, and many who connect and ask nothing."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import httpx2
from tests.acceptance.conftest import TownCalls
from tests.townhall_process import serving, settle
from tests.waiting import wait_until

IDLE = 400
FEW = ("sh", "-c", 'ulimit -n 120; exec "$@"', "sh")


def test_who_asks_is_answered_at_once_among_many_idle_connections(town: TownCalls) -> None:
    with ExitStack() as stack:
        townhall = stack.enter_context(serving(town.root, town.env, launcher=FEW))
        for _ in range(IDLE):
            stack.enter_context(socket.create_connection(("127.0.0.1", townhall.port), timeout=30))
        for _ in range(5):
            began = time.monotonic()
            assert httpx2.get(f"{townhall.url}/health", trust_env=False, timeout=30).status_code == 200
            assert time.monotonic() - began < 5
        assert townhall.client.get("/v1/town").status_code == 200
        assert "few_descriptors" in townhall.log()
        assert "connection_refused" not in townhall.log()


def test_a_connection_beyond_the_settings_is_closed_while_others_are_in_use(town: TownCalls) -> None:
    settle(town.root, "townhall", "max_connections_per_address = 2")
    with ExitStack() as stack:
        townhall = stack.enter_context(serving(town.root, town.env))
        for _ in range(2):
            client = stack.enter_context(httpx2.Client(base_url=townhall.url, trust_env=False, timeout=30))
            stack.enter_context(client.stream("GET", "/v1/events"))
        with socket.create_connection(("127.0.0.1", townhall.port), timeout=30) as one_more:
            assert one_more.recv(1) == b""
        wait_until(lambda: "connection_refused" in townhall.log(), "it is told")
