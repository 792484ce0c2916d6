"""Under which names the server may be asked."""

from __future__ import annotations

import pytest
from tests.asgi import answering, ask

from tinytown.config.townhall import TownhallSettings
from tinytown.gate.hosts import Hosts, host_name

APP = Hosts(answering(), lambda: TownhallSettings(allowed_hosts=("Town.example", "[fd00::7]:80")), "hall.internal")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8080",
        "localhost.:8080",
        "127.0.0.1:8080",
        "127.8.9.10",
        "[::1]:8080",
        "hall.internal:8080",
        "town.example",
        "TOWN.EXAMPLE:443",
        "[fd00::7]",
    ],
)
def test_names_of_this_machine_and_allowed_ones_pass(host: str) -> None:
    assert ask(APP, headers={"host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    ["rebound.example", "localhost.rebound.example", "127.0.0.1.rebound.example", "192.0.2.7", "", ":8080", "a b"],
)
def test_every_other_name_is_misdirected(host: str) -> None:
    answered = ask(APP, headers={"host": host})

    assert (answered.status, answered.problem) == (421, "wrong-host")


def test_the_address_that_the_connection_came_to_passes() -> None:
    assert ask(APP, headers={"host": "192.0.2.7:8080"}, server=("192.0.2.7", 8080)).status == 200
    assert ask(APP, headers={"host": "[fe80::1]"}, server=("fe80::1%eth0", 8080)).status == 200


@pytest.mark.parametrize("raw", [[], [(b"host", b"localhost"), (b"host", b"rebound.example")]])
def test_a_request_that_names_no_server_or_two_is_refused(raw: list[tuple[bytes, bytes]]) -> None:
    assert ask(APP, headers={}, raw_headers=raw).problem == "bad-host"


@pytest.mark.parametrize(("text", "name"), [("Town.Example.:80", "town.example"), ("[::1]:80", "::1"), ("::1", "::1")])
def test_the_name_is_what_comes_before_the_port(text: str, name: str) -> None:
    assert host_name(text) == name
