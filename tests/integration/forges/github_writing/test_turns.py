from __future__ import annotations

import threading

import pytest

from tinytown.domain.errors import ForgeUnavailableError
from tinytown.forges.github.turns import Turns
from tinytown.store.connection import Connection, connect
from tinytown.store.keys import Keys


def turns(redis_url: str, keys: Keys, *, wait_secs: float = 0.0, held_ms: int = 60_000) -> Turns:
    return Turns(lambda: connect(redis_url), keys, wait_secs=wait_secs, held_ms=held_ms)


def test_two_do_not_merge_into_one_base_at_once(redis_url: str, keys: Keys, connection: Connection) -> None:
    one, other = turns(redis_url, keys), turns(redis_url, keys)
    with one.at("main"):
        with pytest.raises(ForgeUnavailableError, match="something else is being merged into main"), other.at("main"):
            pass
        with other.at("next"):
            pass
    with other.at("main"):
        assert 0 < connection.execute("PTTL", keys("forge", "merging", "main")) <= 60_000
    assert connection.execute("EXISTS", keys("forge", "merging", "main")) == 0
    one.close()
    other.close()


@pytest.mark.usefixtures("connection")
def test_a_turn_is_waited_for(redis_url: str, keys: Keys) -> None:
    one, other = turns(redis_url, keys), turns(redis_url, keys, wait_secs=10.0)
    order: list[str] = []

    def second() -> None:
        with other.at("main"):
            order.append("second")

    thread = threading.Thread(target=second)
    with one.at("main"):
        thread.start()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    one.close()
    other.close()


def test_who_died_with_it_holds_nobody_up_and_a_late_one_takes_nobodys(
    redis_url: str, keys: Keys, connection: Connection
) -> None:
    late, other = turns(redis_url, keys, held_ms=1), turns(redis_url, keys, wait_secs=10.0)
    with late.at("main"):
        mine = other.at("main")
        mine.__enter__()
    assert connection.execute("EXISTS", keys("forge", "merging", "main")) == 1
    mine.__exit__(None, None, None)
    late.close()
    other.close()
