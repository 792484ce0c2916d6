"""`tt auth`: keys are made, shown once, and let in by the gate over what tinytown.toml says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from tests.acceptance.conftest import TownCalls

from tinytown.config import load_settings
from tinytown.gate.authentication import Authentication, check_settings

SETTINGS = "tinytown.toml"


async def _who(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(scope["state"]["principal"].name)(scope, receive, send)


def who(town: TownCalls, key: str) -> str:
    """Whom the gate takes the key for, by the town's settings."""
    auth = load_settings(town.root, environ={}).townhall.auth
    check_settings(auth)
    gate = Authentication(_who, lambda: auth, frozenset(), lambda: datetime.now(UTC))

    async def ask() -> str:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=gate), base_url="http://town") as http:
            answer = await http.get("/v1/town", headers={"Authorization": f"Bearer {key}"})
            return answer.text if answer.status_code == 200 else str(answer.status_code)

    return asyncio.run(ask())


def test_what_is_shown_lets_in_once_it_is_pasted_into_the_settings(town: TownCalls) -> None:
    before = (town.root / SETTINGS).read_text()

    out = town.ok("auth", "gen-key", "ci", "--scope", "town.read", "--scope", "town.write", "--expires", "90d")

    head, _, key, _, add, _, *lines = out.splitlines()
    assert head == "🔑 Key ci (town.read, town.write), shown this once:"
    assert add == "Add to tinytown.toml:"
    assert (town.root / SETTINGS).read_text() == before
    with (town.root / SETTINGS).open("a") as file:
        file.write("\n" + "\n".join(lines) + "\n")
    assert who(town, key) == "key:ci"
    assert who(town, key[:-1]) == "401"


def test_a_key_can_be_written_and_is_listed_without_its_hash(town: TownCalls) -> None:
    first = town.json("auth", "gen-key", "--write")
    second = town.json("auth", "gen-key", "deploy", "--scope", "admin", "--expires", "2h", "--write")

    assert (first["name"], first["scopes"], first["expires_at"]) == ("key", ["town.read"], None)
    assert first["written_to"] == str(town.root / SETTINGS)
    assert who(town, first["key"]) == "key:key"
    assert who(town, second["key"]) == "key:deploy"
    ends = datetime.fromisoformat(second["expires_at"])
    assert timedelta(minutes=110) < ends - datetime.now(UTC) <= timedelta(hours=2)

    listed = town.json("auth", "list")
    assert (listed["mode"], listed["count"]) == ("api_key", 2)
    assert listed["keys"][1] == {"name": "key", "scopes": ["town.read"], "expires_at": None, "is_expired": False}
    told = town.ok("auth", "list")
    assert [line.split()[0] for line in told.splitlines()[2:]] == ["deploy", "key"]
    assert "argon2" not in told + str(listed)
    assert first["key"] not in (town.root / SETTINGS).read_text()


def test_a_key_for_all_towns_of_a_person_is_the_only_kind_that_is_taken_then(town: TownCalls) -> None:
    before = (town.root / SETTINGS).read_text()

    made = town.json("auth", "gen-key", "ci", "--user", "--write")

    assert made["written_to"] == str(Path(town.env["HOME"]) / ".tt" / "config.toml")
    assert (town.root / SETTINGS).read_text() == before
    refused = town.tt("auth", "gen-key", "--write")
    assert (refused.returncode, "give --user" in refused.stderr) == (2, True)
    with (town.root / SETTINGS).open("a") as file:
        file.write('[townhall.auth.api_keys.planted]\nhash = "x"\nscopes = ["admin"]\n')
    assert [key["name"] for key in town.json("auth", "list")["keys"]] == ["ci"]


def test_without_keys_the_list_says_how_to_make_one(town: TownCalls) -> None:
    assert town.ok("auth", "list") == "🔑 Keys: 0 (mode none)\nno keys; make one: tt auth gen-key\n"


def test_another_mode_is_told(town: TownCalls) -> None:
    with (town.root / SETTINGS).open("a") as file:
        file.write('[townhall.auth]\nmode = "oidc"\n')

    done = town.tt("auth", "gen-key", "--write")

    assert done.returncode == 0
    assert done.stderr == (
        'no key is taken while mode is oidc: set mode = "api_key" under [townhall.auth] in tinytown.toml\n'
    )


@pytest.mark.parametrize(
    ("args", "code", "reason"),
    [
        (("key",), 1, "there is a key 'key' already"),
        (("a b",), 2, "key name 'a b' is not valid"),
        (("x", "--expires", "soon"), 2, "'soon' is no time"),
        (("x", "--expires", "2001-01-01"), 2, "would have expired at 2001-01-01T00:00:00+00:00"),
        (("x", "--scope", "root"), 2, "'root' is not one of"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(
    town: TownCalls, args: tuple[str, ...], code: int, reason: str
) -> None:
    town.ok("auth", "gen-key", "--write")
    before = (town.root / SETTINGS).read_text()

    done = town.tt("auth", "gen-key", *args, "--write")

    assert (done.returncode, done.stdout) == (code, "")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert (town.root / SETTINGS).read_text() == before


def test_agents_make_no_keys(town: TownCalls) -> None:
    done = town.tt("auth", "gen-key", TINYTOWN_AGENT_NAME="backend")

    assert done.returncode == 1
    assert "an agent may not make a key" in done.stderr


def test_no_server_is_started_for_it(town: TownCalls) -> None:
    town.ok("auth", "gen-key")
    town.ok("auth", "list")

    assert town.processes() == []
