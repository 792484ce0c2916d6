"""Who is let in by a real `townhall`, with keys of `tt auth gen-key` and tokens of a real issuer."""

from __future__ import annotations

import re

import httpx2
from tests.acceptance.conftest import TownCalls
from tests.integration.gate.issuers import claims_of, make_key, running_issuer, sign
from tests.townhall_process import refused, serving
from tests.waiting import wait_until

SETTINGS = "tinytown.toml"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def append(town: TownCalls, text: str) -> None:
    with (town.root / SETTINGS).open("a") as file:
        file.write(text)


def test_a_key_lets_in_as_far_as_its_scopes_go_and_until_it_is_taken_out(town: TownCalls) -> None:
    key = town.json("auth", "gen-key", "ci", "--write")["key"]

    with serving(town.root, town.env) as townhall:
        http = townhall.client
        assert http.get("/v1/town", headers=bearer(key)).status_code == 200
        assert http.get("/v1/town", headers={"X-API-Key": key}).status_code == 200
        assert http.get("/health").status_code == 200
        nothing = http.get("/v1/town")
        assert (nothing.status_code, nothing.headers["www-authenticate"]) == (401, 'Bearer realm="tinytown"')
        refusal = http.post("/v1/backlog", headers=bearer(key), json={"description": "x"})
        assert refusal.status_code == 403
        assert 'error="insufficient_scope", scope="town.write"' in refusal.headers["www-authenticate"]

        other = town.json("auth", "gen-key", "other", "--scope", "admin", "--write")["key"]
        assert http.get("/v1/town", headers=bearer(other)).status_code == 200
        text = (town.root / SETTINGS).read_text()
        (town.root / SETTINGS).write_text(re.sub(r"\[townhall\.auth\.api_keys\.ci\]\n(.+\n)+", "", text))
        assert http.get("/v1/town", headers=bearer(key)).status_code == 401
        assert http.get("/v1/town", headers=bearer(other)).status_code == 200

        wait_until(lambda: "principal=key:other" in townhall.log(), "the access log tells who asked")
        assert key not in townhall.log()
        assert other not in townhall.log()


def test_a_token_of_the_issuer_lets_in_and_its_keys_may_change_meanwhile(town: TownCalls) -> None:
    first, second = make_key("RS256"), make_key("ES256")
    with running_issuer() as issuer:
        issuer.add(first, kid="k1")
        append(
            town,
            f'[townhall.auth]\nmode = "oidc"\n[townhall.auth.oidc]\nissuer = "{issuer.url}"\naudience = "town"\n',
        )
        with serving(town.root, town.env) as townhall:

            def status(token: str) -> int:
                return townhall.client.get("/v1/town", headers=bearer(token)).status_code

            issuer.add(second, kid="k2")
            assert status(sign(second, claims_of(issuer), "ES256", kid="k2")) == 200
            assert status(sign(first, claims_of(issuer), kid="k1")) == 200
            assert status(sign(make_key("RS256"), claims_of(issuer), kid="k1")) == 401
            assert status(sign(first, claims_of(issuer, scope="openid"), kid="k1")) == 403
            assert status(sign(first, claims_of(issuer, exp=1), kid="k1")) == 401
            wait_until(lambda: "principal=oidc:ada" in townhall.log(), "the access log tells who asked")


def test_settings_that_let_nobody_in_are_one_line_before_it_listens(town: TownCalls) -> None:
    append(town, '[townhall.auth]\nmode = "api_key"\n')

    done = refused(town.root, town.env, "--port", "0")

    assert done.returncode == 2
    assert done.stderr == (
        'error: [townhall.auth] has mode = "api_key", but no key; make one: tt auth gen-key --write\n'
    )


def test_mcp_over_http_asks_as_well(town: TownCalls) -> None:
    town.json("auth", "gen-key", "ci", "--write")

    with serving(town.root, town.env) as townhall:
        answer: httpx2.Response = townhall.client.post("/mcp", json={})
        assert answer.status_code == 401
