"""Keys are made, and added to a tinytown.toml that keeps all it said."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import argon2
import pytest

from tinytown.config import load_settings
from tinytown.config.townhall import AuthSettings
from tinytown.domain.access import Scope, name_in_key
from tinytown.domain.errors import AlreadyExistsError, ConfigError, InvalidInputError
from tinytown.services.api_keys import NewKey, key_file, make_key, write_key

NOW = datetime(2030, 1, 1, tzinfo=UTC)
TOWN = '# mine\n[town]\nname = "demo"\n'

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes tinytown.toml and returns the town's root."""

    def write_it(text: str) -> Path:
        (tmp_path / "tinytown.toml").write_bytes(text.encode())
        return tmp_path

    return write_it


def text_of(root: Path) -> str:
    return (root / "tinytown.toml").read_bytes().decode()


def auth_of(root: Path) -> AuthSettings:
    return load_settings(root, environ={}).townhall.auth


def make(root: Path, name: str | None = "ci", **changes: Any) -> NewKey:
    usual: dict[str, Any] = {"scopes": (Scope.TOWN_READ,), "expires_at": None, "now": NOW, "random": os.urandom}
    file = root / "tinytown.toml"
    return make_key(load_settings(root, environ={}), file, name=name, **{**usual, **changes})


def test_a_key_is_made_with_the_lines_that_let_it_in(write: Write) -> None:
    root = write(TOWN)

    made = make(root, scopes=(Scope.ADMIN, Scope.TOWN_READ, Scope.ADMIN), expires_at=NOW + timedelta(days=1.00001))
    write(TOWN + made.lines)

    auth = auth_of(root)
    key = auth.api_keys["ci"]
    assert name_in_key(made.key) == "ci"
    assert argon2.PasswordHasher().verify(key.hash, made.key)
    assert key.hash.startswith("$argon2id$")
    assert (auth.mode, key.scopes, key.expires_at) == (
        "api_key",
        (Scope.ADMIN, Scope.TOWN_READ),
        NOW + timedelta(days=1),
    )
    assert made.is_taken
    assert made.key not in made.lines


def personal(root: Path, text: str) -> dict[str, str]:
    """The environment of somebody with settings of their own for all towns."""
    file = root / "home" / ".tt" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return {"HOME": str(root / "home")}


def test_keys_of_the_repository_let_nobody_in_where_a_person_says_who_is(write: Write) -> None:
    planted = '[townhall.auth]\nmode = "none"\n[townhall.auth.api_keys.planted]\nhash = "x"\nscopes = ["admin"]\n'
    root = write(TOWN + "[townhall]\nrest_port = 9000\n" + planted)
    mine = '[townhall.auth]\nmode = "api_key"\n[townhall.auth.api_keys.mine]\nhash = "y"\n'

    townhall = load_settings(root, environ=personal(root, mine)).townhall

    assert (townhall.auth.mode, list(townhall.auth.api_keys), townhall.rest_port) == ("api_key", ["mine"], 9000)
    others = load_settings(root, environ=personal(root, "[townhall]\nrest_port = 1\n")).townhall
    assert (others.auth.mode, list(others.auth.api_keys), others.rest_port) == ("none", ["planted"], 9000)


def test_a_key_is_added_to_a_persons_file_that_nobody_else_can_read(write: Write) -> None:
    root = write(TOWN)
    home = root / "home"
    home.mkdir()
    environ = {"HOME": str(home)}
    for name in ("ci", "deploy"):
        settings = load_settings(root, environ=environ)
        file = key_file(settings, environ, is_personal=True)
        made = make_key(settings, file, name=name, scopes=(Scope.ADMIN,), expires_at=None, now=NOW, random=os.urandom)
        assert made.is_taken
        assert write_key(file, made, may_create=True) == home / ".tt" / "config.toml"
    auth = load_settings(root, environ=environ).townhall.auth
    assert (auth.mode, list(auth.api_keys)) == ("api_key", ["ci", "deploy"])
    assert text_of(root) == TOWN
    assert (home / ".tt" / "config.toml").stat().st_mode & 0o777 == 0o600


def test_a_key_goes_only_where_it_counts_and_makes_no_others_worthless(write: Write) -> None:
    root = write(TOWN)
    environ = personal(root, '[townhall.auth]\nmode = "api_key"\n')
    with pytest.raises(ConfigError, match="give --user"):
        key_file(load_settings(root, environ=environ), environ, is_personal=False)

    root = write(TOWN + '[townhall.auth]\nmode = "api_key"\n')
    environ = personal(root, "")
    with pytest.raises(ConfigError, match="would count no more"):
        key_file(load_settings(root, environ=environ), environ, is_personal=True)
    with pytest.raises(ConfigError, match="HOME"):
        key_file(load_settings(root, environ={}), {}, is_personal=True)


def test_two_keys_are_never_the_same(write: Write) -> None:
    root = write(TOWN)

    assert make(root).key != make(root).key


def test_a_key_without_a_name_gets_a_free_one(write: Write) -> None:
    root = write(TOWN)

    for expected in ("key", "key-2", "key-3"):
        made = make(root, name=None)
        assert made.name == expected
        write_key(root / "tinytown.toml", made)


@pytest.mark.parametrize(
    "text",
    [
        TOWN,
        TOWN.replace("\n", "\r\n"),
        TOWN + "[townhall]\nrest_port = 9",
        TOWN + '[townhall.auth]\nmode = "api_key"\n',
        TOWN + '[townhall.auth.api_keys."a.b"]\nhash = "h"\n# the end',
        TOWN + '[townhall.auth.oidc]\naudience = "town"\n[mission]\nauto_merge = true\n',
        "\ufeff" + TOWN,
    ],
)
def test_a_key_is_added_at_the_end_and_the_rest_stays_as_it_was(write: Write, text: str) -> None:
    root = write(text)
    before = auth_of(root)
    mode = (root / "tinytown.toml").stat().st_mode

    write_key(root / "tinytown.toml", make(root, name="c.d"))

    after = auth_of(root)
    assert text_of(root).startswith(text)
    assert ("\r\n" in text) == ("\r\n" in text_of(root))
    assert set(after.api_keys) == {*before.api_keys, "c.d"}
    assert after.mode == "api_key"
    assert (root / "tinytown.toml").stat().st_mode == mode


def test_another_mode_is_left_alone_and_told(write: Write) -> None:
    root = write(TOWN + '[townhall.auth]\nmode = "oidc"\n')

    made = make(root)
    write_key(root / "tinytown.toml", made)

    assert not made.is_taken
    assert auth_of(root).mode == "oidc"
    assert not make(write(TOWN + "[townhall.auth]\n")).is_taken


def test_a_name_that_is_taken_is_refused(write: Write) -> None:
    root = write(TOWN)
    first, second = make(root), make(root)
    write_key(root / "tinytown.toml", first)
    before = text_of(root)

    with pytest.raises(AlreadyExistsError, match="there is a key 'ci' already; choose another name"):
        make(root)
    with pytest.raises(AlreadyExistsError, match="there is a key 'ci' already; choose another name"):
        write_key(root / "tinytown.toml", second)
    assert text_of(root) == before


@pytest.mark.parametrize(
    "text", ["[townhall.auth]\napi_keys = {}\n", "[townhall]\nauth = {}\n", "[[townhall.auth.x]\n"]
)
def test_a_file_that_cannot_take_it_is_not_touched(write: Write, text: str) -> None:
    root = write(TOWN)
    made = make(root)
    write(TOWN + text)

    with pytest.raises(ConfigError, match=r"add it by hand|by hand"):
        write_key(root / "tinytown.toml", made)
    assert text_of(root) == TOWN + text


def test_a_file_that_cannot_be_written_is_told(write: Write) -> None:
    root = write(TOWN)
    made = make(root)
    (root / "tinytown.toml").unlink()

    with pytest.raises(
        ConfigError, match="no such file or directory; without --write it shows the lines to add by hand"
    ):
        write_key(root / "tinytown.toml", made)


@pytest.mark.parametrize("changes", [{"name": "a b"}, {"name": ""}, {"expires_at": NOW}])
def test_what_cannot_be_a_key_is_refused(write: Write, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        make(write(TOWN), **changes)


def test_keys_that_are_added_at_the_same_time_are_all_there(write: Write) -> None:
    root = write(TOWN)
    keys = [make(root, name=f"k{number}") for number in range(4)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda made: write_key(root / "tinytown.toml", made), keys))

    assert auth_of(root).mode == "api_key"
    assert set(auth_of(root).api_keys) == {"k0", "k1", "k2", "k3"}
