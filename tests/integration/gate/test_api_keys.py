"""Keys are recognised by their Argon2id hashes, once and not on each request."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import argon2
import pytest

from tinytown.config.townhall import ApiKeySettings
from tinytown.domain.access import Principal, Scope, compose_key
from tinytown.domain.errors import TinytownError, UnauthenticatedError, UnavailableError
from tinytown.gate import api_keys
from tinytown.gate.api_keys import ApiKeys, is_argon2id

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
KEY = compose_key("ci", b"\x01" * 32)
OTHER = compose_key("ci", b"\x02" * 32)
SETTINGS = ApiKeySettings(hash=HASHER.hash(KEY), scopes=(Scope.TOWN_READ, Scope.TOWN_WRITE))
KNOWN = {"ci": SETTINGS}


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The hashes against which something was computed, in order."""
    calls: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002  its name
        calls.append(str(hash))
        return verify(self, hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    return iter([calls])


def recognise(
    keys: ApiKeys, key: str = KEY, known: dict[str, ApiKeySettings] | None = None, now: datetime = NOW
) -> Principal | str:
    """Who it is, or why nobody."""
    try:
        return asyncio.run(keys.recognise(key, KNOWN if known is None else known, now))
    except TinytownError as error:
        return error.message


@pytest.fixture
def calls(hashed: Iterator[list[str]]) -> list[str]:
    return next(hashed)


def test_a_key_is_its_owners_with_the_scopes_that_the_settings_give() -> None:
    assert recognise(ApiKeys()) == Principal(name="key:ci", scopes=frozenset({Scope.TOWN_READ, Scope.TOWN_WRITE}))


def test_a_key_is_hashed_once_however_often_it_is_shown(calls: list[str]) -> None:
    keys = ApiKeys()

    assert recognise(keys) == recognise(keys)
    assert len(calls) == 1
    assert recognise(keys, now=NOW + timedelta(hours=1)) == recognise(keys)
    assert len(calls) == 2


def test_who_shows_a_key_at_the_same_time_waits_for_one_hash(calls: list[str]) -> None:
    keys = ApiKeys()

    async def all_at_once() -> list[Principal]:
        return await asyncio.gather(*(keys.recognise(KEY, KNOWN, NOW) for _ in range(50)))

    assert {who.name for who in asyncio.run(all_at_once())} == {"key:ci"}
    assert len(calls) == 1


def test_a_wrong_key_and_one_of_an_unknown_name_are_told_alike_and_cost_the_same(calls: list[str]) -> None:
    keys = ApiKeys()

    wrong = recognise(keys, OTHER)
    unknown = recognise(keys, compose_key("cd", b"\x01" * 32))

    assert wrong == unknown == "the key is not known; ask who runs the town for one (`tt auth gen-key`)"
    assert calls == [SETTINGS.hash, SETTINGS.hash]
    assert recognise(keys, OTHER) == wrong
    assert len(calls) == 2


def test_what_is_no_key_costs_nothing(calls: list[str]) -> None:
    assert recognise(ApiKeys(), KEY[:-1]) == "this is no key of a town, or it was not copied whole"
    assert calls == []


def test_changes_of_the_settings_count_at_once(calls: list[str]) -> None:
    keys = ApiKeys()
    recognise(keys)

    admin = ApiKeySettings(hash=SETTINGS.hash, scopes=(Scope.ADMIN,))
    assert recognise(keys, known={"ci": admin}) == Principal(name="key:ci", scopes=frozenset({Scope.ADMIN}))
    assert len(calls) == 1

    assert "not known" in str(recognise(keys, known={"cd": SETTINGS}))
    other = ApiKeySettings(hash=HASHER.hash(OTHER))
    assert "not known" in str(recognise(keys, known={"ci": other}))
    assert recognise(keys, OTHER, known={"ci": other}) == Principal(name="key:ci", scopes=frozenset({Scope.TOWN_READ}))
    assert recognise(keys) == Principal(name="key:ci", scopes=frozenset(SETTINGS.scopes))


def test_a_key_that_was_not_known_is_known_as_soon_as_it_is_added() -> None:
    keys = ApiKeys()

    assert "not known" in str(recognise(keys, known={}))
    assert recognise(keys) == Principal(name="key:ci", scopes=frozenset(SETTINGS.scopes))


def test_only_who_has_the_right_key_is_told_that_it_expired() -> None:
    keys = ApiKeys()
    until = NOW + timedelta(hours=1)
    known = {"ci": ApiKeySettings(hash=SETTINGS.hash, expires_at=until)}

    assert isinstance(recognise(keys, known=known), Principal)
    assert recognise(keys, known=known, now=until) == "the key expired at 2030-01-01T01:00:00+00:00"
    assert "not known" in str(recognise(keys, OTHER, known=known, now=until))


def test_more_different_keys_than_can_wait_are_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "WAITING", 2)
    may_go_on = threading.Event()
    verify = argon2.PasswordHasher.verify

    def held(self: argon2.PasswordHasher, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002  its name
        may_go_on.wait(10)
        return verify(self, hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", held)
    keys = ApiKeys()
    flood = [compose_key("ci", bytes([number]) * 32) for number in range(10, 30)]

    async def all_at_once() -> tuple[set[asyncio.Task[Principal]], list[asyncio.Task[Principal]]]:
        tasks = [asyncio.create_task(keys.recognise(key, KNOWN, NOW)) for key in flood]
        refused, held_back = await asyncio.wait(tasks, timeout=0.2)
        may_go_on.set()
        await asyncio.wait(held_back)
        return refused, list(held_back)

    refused, held_back = asyncio.run(all_at_once())

    errors = [task.exception() for task in refused]
    assert len(errors) == 16
    assert all(isinstance(error, UnavailableError) and error.evidence["retry_after_secs"] == 2 for error in errors)
    assert [type(task.exception()) for task in held_back] == [UnauthenticatedError] * 4
    assert isinstance(recognise(keys), Principal)


def test_who_goes_away_leaves_the_check_to_the_others() -> None:
    keys = ApiKeys()

    async def one_leaves() -> Principal:
        leaving = asyncio.create_task(keys.recognise(KEY, KNOWN, NOW))
        staying = asyncio.create_task(keys.recognise(KEY, KNOWN, NOW))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(one_leaves()).name == "key:ci"


def test_a_hash_that_cannot_be_checked_lets_nobody_in_and_is_no_verdict() -> None:
    keys = ApiKeys()
    broken = {"ci": ApiKeySettings(hash=SETTINGS.hash.replace("m=64", "m=1"))}

    assert recognise(keys, known=broken) == "keys cannot be checked just now; the server's log says why"
    assert isinstance(recognise(keys), Principal)


@pytest.mark.parametrize(
    "text",
    [
        "",
        KEY,
        "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo",
        "$argon2id$v=19$m=64,t=1,p=1$$",
        "$argon2id$v=19$m=64,t=1,p=1$é$é",
        "$2b$12$abcdefghijklmnopqrstuv",
        pytest.param(SETTINGS.hash + "\n", id="newline"),
    ],
)
def test_other_texts_are_no_hashes(text: str) -> None:
    assert is_argon2id(SETTINGS.hash)
    assert not is_argon2id(text)
