"""`townhall` as a process: starting, stopping, and what it refuses."""

from __future__ import annotations

import signal
import socket

import pytest
from tests.acceptance.conftest import TownCalls
from tests.townhall_process import TownhallProcess, refused, serving, settle


def test_it_says_where_it_listens_and_answers_there(townhall: TownhallProcess) -> None:
    assert townhall.url.startswith("http://127.0.0.1:")

    assert townhall.client.get("/health").json()["status"] == "ok"
    assert townhall.client.get("/v1/town").json()["name"] == "shop-main"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_when_it_is_told_to_stop(townhall: TownhallProcess, number: signal.Signals) -> None:
    townhall.client.get("/v1/status").raise_for_status()

    assert townhall.end(number) == 0
    assert "Traceback" not in townhall.log()


def test_a_port_that_is_taken_is_one_line_that_says_so(town: TownCalls) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = refused(town.root, town.env, "rest", "--port", str(port))

    assert done.returncode == 2
    assert done.stderr == (
        f"error: cannot listen on 127.0.0.1 port {port}: address already in use; give another with --bind and --port,"
        " or in [townhall] of tinytown.toml\n"
    )


@pytest.mark.parametrize("bind", ["no-such-name.invalid", "192.0.2.1"])
def test_an_address_that_is_not_this_machines_is_one_line_that_says_so(town: TownCalls, bind: str) -> None:
    _allow_others(town)

    done = refused(town.root, town.env, "--bind", bind, "--port", "0")

    assert done.returncode == 2
    assert bind in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104  it must not bind them
def test_it_refuses_an_address_that_others_reach_when_nobody_is_asked_who_they_are(town: TownCalls, bind: str) -> None:
    done = refused(town.root, town.env, "--bind", bind, "--port", "0")

    assert done.returncode == 2
    assert done.stderr.startswith(f"error: refusing to listen on {bind}, which other machines reach, without auth")
    assert "tt auth gen-key" in done.stderr


@pytest.mark.parametrize("bind", ["localhost", "127.0.0.2"])
def test_every_name_of_this_machine_will_do_without_authentication(town: TownCalls, bind: str) -> None:
    with serving(town.root, town.env, "--bind", bind) as townhall:
        assert townhall.url.startswith(f"http://{bind}:")
        assert townhall.client.get("/v1/town").status_code == 200


def test_the_settings_say_where_it_listens_and_flags_win(town: TownCalls) -> None:
    settle(town.root, "townhall", 'bind = "127.0.0.3"', "rest_port = 1")

    with serving(town.root, town.env) as townhall:
        assert townhall.url.startswith("http://127.0.0.3:")
        assert townhall.port > 1


def test_the_help_names_its_commands(town: TownCalls) -> None:
    done = refused(town.root, town.env, "--help")

    assert done.returncode == 0
    assert "rest" in done.stdout


def test_outside_a_town_it_says_what_to_do(town: TownCalls) -> None:
    done = refused(town.root.parent, town.env, "--port", "0")

    assert done.returncode == 2
    assert "tt init" in done.stderr


def _allow_others(town: TownCalls) -> None:
    settle(town.root, "townhall.auth", 'mode = "oidc"')
    settle(town.root, "townhall.auth.oidc", 'issuer = "https://issuer.example"', 'audience = "town"')
