"""Rates of requests in a real store."""

from __future__ import annotations

from tests.waiting import wait_until

from tinytown.store.connection import Connection, connect
from tinytown.store.keys import Keys
from tinytown.store.rates import Rate, RateStore

SLOW = Rate(per_minute=1, burst=3)


def test_as_many_as_the_burst_come_at_once_then_one_an_interval(connection: Connection, keys: Keys) -> None:
    store = RateStore(connection, keys)

    taken = [store.take("address", "192.0.2.1", SLOW) for _ in range(4)]

    assert [one.is_taken for one in taken] == [True, True, True, False]
    assert [one.remaining for one in taken] == [2, 1, 0, 0]
    assert 59 < taken[3].retry_secs <= 60
    assert 179 < taken[3].reset_secs <= 180
    assert taken[0].retry_secs == 0


def test_being_refused_costs_nothing(connection: Connection, keys: Keys) -> None:
    store = RateStore(connection, keys)
    refused = [store.take("address", "a", SLOW) for _ in range(50)][-1]

    assert refused.retry_secs <= 60


def test_each_has_a_rate_of_its_own(connection: Connection, keys: Keys) -> None:
    store = RateStore(connection, keys)
    one = Rate(per_minute=1, burst=1)

    assert store.take("address", "a", one).is_taken
    assert store.take("address", "b", one).is_taken
    assert store.take("principal", "a", one).is_taken
    assert not store.take("address", "a", one).is_taken


def test_servers_share_them(connection: Connection, keys: Keys, redis_url: str) -> None:
    other = connect(redis_url)
    try:
        assert RateStore(connection, keys).take("address", "a", SLOW).remaining == 2
        assert RateStore(other, keys).take("address", "a", SLOW).remaining == 1
    finally:
        other.close()


def test_what_was_taken_comes_back_with_time_and_is_forgotten_then(connection: Connection, keys: Keys) -> None:
    store = RateStore(connection, keys)
    fast = Rate(per_minute=6000, burst=1)  # one in 10 ms

    assert store.take("address", "a", fast).is_taken
    wait_until(lambda: connection.execute("KEYS", keys("rate", "*")) == [], "the key has expired")
    assert store.take("address", "a", fast).is_taken


def test_an_address_is_not_in_the_name_of_a_key(connection: Connection, keys: Keys) -> None:
    RateStore(connection, keys).take("principal", "oidc:somebody@example.org", SLOW)

    assert b"somebody" not in b"".join(connection.execute("KEYS", "*"))
