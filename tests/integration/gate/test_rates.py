"""Rates before an application, counted in a real store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.types import ASGIApp
from structlog.testing import capture_logs
from tests.asgi import answering, ask

from tinytown.config.townhall import RateLimitSettings, TownhallSettings
from tinytown.domain.access import Principal
from tinytown.gate.asking import network_of
from tinytown.gate.rates import RateKeeper, Rates, per_address, per_principal
from tinytown.store.connection import Connection, connect
from tinytown.store.keys import Keys
from tinytown.store.rates import RateStore

CI = Principal(name="key:ci", scopes=frozenset())


@pytest.fixture
def keeper(connection: Connection, keys: Keys) -> RateKeeper:
    @contextmanager
    def lend() -> Iterator[RateStore]:
        yield RateStore(connection, keys)

    return RateKeeper(lend)


def limited(keeper: RateKeeper, **limits: int) -> ASGIApp:
    settings = TownhallSettings(rate_limit=RateLimitSettings(**limits))
    inner = Rates(answering(), keeper, "principal", per_principal(lambda: settings))
    return Rates(inner, keeper, "address", per_address(lambda: settings))


def test_beyond_the_rate_an_address_is_told_when_to_come_again(keeper: RateKeeper) -> None:
    app = limited(keeper, per_address=1, burst=2)

    first, _, third = ask(app), ask(app), ask(app)

    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("2", "1")
    assert first.headers["ratelimit-reset"] == "60"
    assert (third.status, third.problem) == (429, "too-many-requests")
    assert third.headers["retry-after"] == "60"
    assert third.headers["ratelimit-remaining"] == "0"


def test_another_address_is_not_concerned(keeper: RateKeeper) -> None:
    app = limited(keeper, per_address=1, burst=1)

    assert [ask(app, client=(f"192.0.2.{n}", 1)).status for n in (1, 2, 1)] == [200, 200, 429]


def test_a_principal_has_its_rate_wherever_it_asks_from(keeper: RateKeeper) -> None:
    app = limited(keeper, per_address=1000, per_principal=1, burst=2)

    answered = [ask(app, state={"principal": CI}, client=(f"192.0.2.{n}", 1)) for n in range(3)]

    assert [one.status for one in answered] == [200, 200, 429]
    assert answered[0].headers["ratelimit-remaining"] == "1"
    assert answered[2].json()["detail"] == "too many requests from one principal; wait 60 s"


def test_who_was_not_recognised_has_the_addresss_rate_only(keeper: RateKeeper) -> None:
    app = limited(keeper, per_address=1000, per_principal=1, burst=1)

    assert ask(app).status == 200


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_probes_are_not_limited(keeper: RateKeeper, path: str) -> None:
    app = limited(keeper, per_address=1, burst=1)

    assert [ask(app, path=path).status for _ in range(3)] == [200] * 3


def test_a_limit_of_0_is_none(keeper: RateKeeper) -> None:
    app = limited(keeper, per_address=0, per_principal=0, burst=1)

    answered = [ask(app, state={"principal": CI}) for _ in range(3)]

    assert [one.status for one in answered] == [200] * 3
    assert "ratelimit-limit" not in answered[0].headers


def test_while_the_store_is_away_everybody_passes_and_the_log_says_so_once() -> None:
    @contextmanager
    def lend() -> Iterator[RateStore]:
        yield RateStore(connect("redis://127.0.0.1:1", timeout_secs=0.5), Keys.of("nowhere"))

    app = limited(RateKeeper(lend), per_address=1, burst=1)
    with capture_logs() as logged:
        statuses = [ask(app).status for _ in range(5)]

    assert statuses == [200] * 5
    assert [line["action"] for line in logged] == ["rates_away"]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("local", "local"),
    ],
)
def test_a_network_of_64_bits_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_what_a_proxy_says_of_addresses_is_not_believed(keeper: RateKeeper) -> None:
    app = limited(keeper, per_address=1, burst=1)

    statuses = [ask(app, headers={"host": "localhost", "x-forwarded-for": f"192.0.2.{n}"}).status for n in range(2)]

    assert statuses == [200, 429]
