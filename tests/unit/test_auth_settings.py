"""`[townhall.auth]` as it is read from files and variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tinytown.config import load_settings
from tinytown.config.townhall import ApiKeySettings, AuthSettings
from tinytown.domain.access import Scope
from tinytown.domain.errors import ConfigError

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes tinytown.toml and returns the town's root."""

    def write_it(text: str) -> Path:
        (tmp_path / "tinytown.toml").write_text(f'[town]\nname = "demo"\n{text}')
        return tmp_path

    return write_it


def auth(root: Path, environ: Mapping[str, str] | None = None) -> AuthSettings:
    return load_settings(root, environ=environ or {}).townhall.auth


def complaint(root: Path, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        auth(root, environ)
    return caught.value.message.replace(f"{root}/", "")


def test_several_keys_have_names_scopes_and_an_end(write: Write) -> None:
    root = write(
        '[townhall.auth]\nmode = "api_key"\n'
        '[townhall.auth.api_keys.ci]\nhash = "h1"\nscopes = ["town.read", "town.write"]\n'
        'expires_at = 2030-01-02T03:04:05Z\n[townhall.auth.api_keys."a.b"]\nhash = "h2"\n'
    )

    assert auth(root) == AuthSettings(
        mode="api_key",
        api_keys={
            "ci": ApiKeySettings(
                hash="h1",
                scopes=(Scope.TOWN_READ, Scope.TOWN_WRITE),
                expires_at=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
            ),
            "a.b": ApiKeySettings(hash="h2", scopes=(Scope.TOWN_READ,)),
        },
    )


def test_lists_and_keys_may_come_from_variables(write: Write) -> None:
    environ = {
        "TINYTOWN_TOWNHALL__AUTH__API_KEYS__CI__HASH": "h1",
        "TINYTOWN_TOWNHALL__AUTH__API_KEYS__CI__SCOPES": "town.read, admin",
        "TINYTOWN_TOWNHALL__AUTH__API_KEYS__CI__EXPIRES_AT": "2030-01-02T03:04:05+01:00",
        "TINYTOWN_TOWNHALL__AUTH__OIDC__REQUIRED_SCOPES": "tinytown,people",
    }

    found = auth(write(""), environ)

    assert found.api_keys["ci"].scopes == (Scope.TOWN_READ, Scope.ADMIN)
    assert found.api_keys["ci"].expires_at == datetime(2030, 1, 2, 2, 4, 5, tzinfo=UTC)
    assert found.oidc.required_scopes == ("tinytown", "people")


def test_a_layer_may_take_a_key_over_field_by_field(write: Write) -> None:
    root = write('[townhall.auth.api_keys.ci]\nhash = "h1"\nscopes = ["admin"]\n')

    found = auth(root, {"TINYTOWN_TOWNHALL__AUTH__API_KEYS__CI__HASH": "h2"})

    assert found.api_keys == {"ci": ApiKeySettings(hash="h2", scopes=(Scope.ADMIN,))}


_KEY = "[townhall.auth.api_keys.ci]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f'{_KEY}hash = "h"\nscopes = ["town.raed"]\n',
            (
                "tinytown.toml:5: townhall.auth.api_keys.ci.scopes: expected an array of town.read, town.write,"
                " agent.manage, admin, found an array"
            ),
        ),
        (
            f'{_KEY}hash = "h"\nscopes = "admin"\n',
            (
                "tinytown.toml:5: townhall.auth.api_keys.ci.scopes: expected an array of town.read, town.write,"
                ' agent.manage, admin, found the text "admin"'
            ),
        ),
        (
            f'{_KEY}hash = "h"\nexpires_at = 2030-01-02\n',
            (
                "tinytown.toml:5: townhall.auth.api_keys.ci.expires_at: expected a date and time with its zone, as in"
                " 2030-01-31T12:00:00Z, found a date or time: 2030-01-02"
            ),
        ),
        (
            f'{_KEY}hash = "h"\nexpires_at = 2030-01-02T00:00:00\n',
            (
                "tinytown.toml:5: townhall.auth.api_keys.ci.expires_at: expected a date and time with its zone, as in"
                " 2030-01-31T12:00:00Z, found a date or time: 2030-01-02 00:00:00"
            ),
        ),
        (
            f"{_KEY}hash = 3\n",
            "tinytown.toml:4: townhall.auth.api_keys.ci.hash: expected a text that is not empty, found 3",
        ),
        (
            f'{_KEY}key = "x"\n',
            "tinytown.toml:4: unknown key 'key' in [townhall.auth.api_keys.ci]; known are expires_at, hash, scopes",
        ),
        (_KEY, "tinytown.toml:3: [townhall.auth.api_keys.ci] has no hash; add it, or take the table out"),
        (
            f'{_KEY}scopes = ["admin"]\n',
            "tinytown.toml:3: [townhall.auth.api_keys.ci] has no hash; add it, or take the table out",
        ),
        (
            '[townhall.auth.api_keys]\nci = "hash"\n',
            "tinytown.toml:4: townhall.auth.api_keys.ci must be a table: [townhall.auth.api_keys.ci]",
        ),
        (
            "[townhall.auth.oidc]\nrequired_scopes = 3\n",
            "tinytown.toml:4: townhall.auth.oidc.required_scopes: expected an array of texts, found 3",
        ),
        (
            '[townhall.auth]\nmode = "basic"\n',
            'tinytown.toml:4: townhall.auth.mode: expected one of none, api_key, oidc, found the text "basic"',
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_is_expected(write: Write, text: str, expected: str) -> None:
    assert complaint(write(text)) == expected


def test_a_mistake_in_a_variable_names_it(write: Write) -> None:
    variable = "TINYTOWN_TOWNHALL__AUTH__API_KEYS__CI__SCOPES"

    assert complaint(write(""), {variable: "read"}) == (
        f"{variable}: townhall.auth.api_keys.ci.scopes: expected an array of town.read, town.write, agent.manage, admin,"
        ' found the text "read"'
    )
