"""The gate lets in who is recognised, and answers everybody else itself."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import argon2
import httpx2
import msgspec
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope
from structlog.testing import capture_logs
from tests.integration.gate.issuers import Issuer, claims_of, make_key, running_issuer, sign
from tests.waiting import wait_until

from tinytown.config.townhall import ApiKeySettings, AuthSettings, OidcSettings
from tinytown.domain.access import Scope, compose_key
from tinytown.domain.errors import ConfigError
from tinytown.gate.asking import is_still_let_in
from tinytown.gate.authentication import Authentication, check_settings

HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
KEY = compose_key("ci", b"\x01" * 32)
OTHER = compose_key("ci", b"\x02" * 32)
KEYS = AuthSettings(mode="api_key", api_keys={"ci": ApiKeySettings(hash=HASHER.hash(KEY), scopes=(Scope.TOWN_WRITE,))})
NONE = AuthSettings()
AWAY = OidcSettings(issuer="http://127.0.0.1:1", audience="town")


async def who_am_i(scope: AsgiScope, receive: Receive, send: Send) -> None:
    """The application behind the gate: tells whom it was told of."""
    principal = scope.get("state", {}).get("principal")
    body = {
        "name": principal and principal.name,
        "scopes": sorted(s.value for s in principal.scopes) if principal else [],
    }
    await JSONResponse(body)(scope, receive, send)


class Gate:
    """The middleware, with settings that a test changes while it serves."""

    def __init__(self, settings: AuthSettings, app: ASGIApp = who_am_i) -> None:
        self.settings = settings
        self.now = datetime.now(UTC)
        self.app = Authentication(app, lambda: self.settings, frozenset({"/health"}), lambda: self.now)

    def get(
        self, path: str = "/v1/town", client: str = "127.0.0.1", headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        async def ask() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=self.app, client=(client, 1))
            async with httpx2.AsyncClient(transport=transport, base_url="http://town") as http:
                return await http.get(path, headers=headers)

        return asyncio.run(ask())


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def refusal(answer: httpx2.Response, status: int = 401) -> str:
    """What a problem document says."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return str(answer.json()["detail"])


def test_without_authentication_whoever_is_on_this_machine_is_the_operator() -> None:
    gate = Gate(NONE)

    assert gate.get().json() == {"name": "operator", "scopes": ["admin"]}
    assert gate.get(client="::1").json()["name"] == "operator"
    assert gate.get(client="::ffff:127.0.0.1").json()["name"] == "operator"


@pytest.mark.parametrize("client", ["192.0.2.7", "::2", "::ffff:192.0.2.7", "", "localhost.evil.example"])
def test_without_authentication_nobody_from_elsewhere_passes(client: str) -> None:
    assert "only this machine may ask" in refusal(Gate(NONE).get(client=client))


@pytest.mark.parametrize(
    "headers", [bearer(KEY), {"X-API-Key": KEY}, {"authorization": f"bearer {KEY}", "X-API-Key": KEY}]
)
def test_a_key_lets_in_by_either_header(headers: dict[str, str]) -> None:
    answer = Gate(KEYS).get(headers=headers)

    assert answer.json() == {"name": "key:ci", "scopes": ["town.write"]}


@pytest.mark.parametrize(
    ("change", "may_stay"),
    [
        (KEYS, True),
        (NONE, False),  # then it is somebody else who is let in: the operator
        (AuthSettings(mode="api_key"), False),
        (AuthSettings(mode="api_key", api_keys={"other": KEYS.api_keys["ci"]}), False),
        (AuthSettings(mode="api_key", api_keys={"ci": ApiKeySettings(hash=HASHER.hash(OTHER))}), False),
        (AuthSettings(mode="api_key", api_keys={"ci": ApiKeySettings(hash=KEYS.api_keys["ci"].hash)}), False),
        (AuthSettings(mode="oidc", oidc=AWAY), False),
    ],
)
def test_whoever_was_let_in_may_stay_while_the_same_request_would_be_let_in_the_same(
    change: AuthSettings, *, may_stay: bool
) -> None:
    found: list[bool] = []

    async def staying(scope: AsgiScope, receive: Receive, send: Send) -> None:
        gate.settings = change
        found.append(await is_still_let_in(scope))
        await who_am_i(scope, receive, send)

    gate = Gate(KEYS, staying)

    with capture_logs():
        assert gate.get(headers=bearer(KEY)).status_code == 200
    assert found == [may_stay]


def test_whoever_has_a_key_that_has_an_end_may_stay_until_then() -> None:
    found: list[bool] = []

    async def staying(scope: AsgiScope, receive: Receive, send: Send) -> None:
        for later in (0, 30, 60):
            gate.now = start + timedelta(seconds=later)
            found.append(await is_still_let_in(scope))
        await who_am_i(scope, receive, send)

    start = datetime.now(UTC)
    ending = msgspec.structs.replace(KEYS.api_keys["ci"], expires_at=start + timedelta(seconds=60))
    gate = Gate(AuthSettings(mode="api_key", api_keys={"ci": ending}), staying)

    assert gate.get(headers=bearer(KEY)).status_code == 200
    assert found == [True, True, False]


def test_who_shows_nothing_is_asked_for_a_key() -> None:
    answer = Gate(KEYS).get()

    assert refusal(answer) == "give a key, as in Authorization: Bearer KEY, or X-API-Key: KEY"
    assert answer.json()["type"] == "urn:tinytown:problem:unauthenticated"
    assert answer.headers["www-authenticate"] == 'Bearer realm="tinytown"'


def test_a_wrong_key_is_told_as_such_and_not_repeated() -> None:
    with capture_logs() as logs:
        answer = Gate(KEYS).get(headers=bearer(OTHER))

    assert "is not known" in refusal(answer)
    assert answer.headers["www-authenticate"].startswith('Bearer realm="tinytown", error="invalid_token", error_desc')
    assert OTHER not in answer.text + str(answer.headers) + str(logs)


@pytest.mark.parametrize(
    "headers",
    [
        {**bearer(KEY), "X-API-Key": OTHER},
        {**bearer(OTHER), "X-API-Key": KEY},
        {"Authorization": f"Basic {KEY}"},
        {"Cookie": f"key={KEY}"},
    ],
)
def test_two_keys_and_other_schemes_let_nobody_in(headers: dict[str, str]) -> None:
    refusal(Gate(KEYS).get(headers=headers))


def test_a_key_in_the_address_lets_nobody_in() -> None:
    refusal(Gate(KEYS).get(f"/v1/town?access_token={KEY}"))


@given(
    header=st.sampled_from(["Authorization", "X-API-Key"]),
    value=st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=300).map(lambda junk: b"Bearer " + junk),
        st.from_regex(rb"Bearer tt_[a-c]{1,2}_[0-9A-Za-z]{49}", fullmatch=True),
        st.from_regex(rb"Bearer eyJ[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,40}", fullmatch=True),
    ),
    mode=st.sampled_from(["api_key", "oidc"]),
)
def test_whatever_is_shown_nobody_gets_through_who_has_no_key(header: str, value: bytes, mode: str) -> None:
    settings = KEYS if mode == "api_key" else AuthSettings(mode="oidc", oidc=AWAY)
    sent = [(header.lower().encode(), value)]
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/v1/town", "headers": sent, "client": None}
    answers: list[Message] = []

    async def send(message: Message) -> None:
        answers.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    asyncio.run(Gate(settings).app(scope, receive, send))

    assert answers[0]["status"] == 401
    assert "principal" not in scope["state"]


def test_open_paths_are_open_without_saying_who_asks() -> None:
    gate = Gate(KEYS)

    assert gate.get("/health").json() == {"name": None, "scopes": []}
    assert gate.get("/health", headers=bearer(OTHER)).json()["name"] is None
    for path in ("/health/", "/healthy", "//health", "/HEALTH", "/v1/health"):
        refusal(gate.get(path))


def test_what_another_put_into_the_state_does_not_count() -> None:
    gate = Gate(KEYS)

    async def outside(scope: AsgiScope, receive: Receive, send: Send) -> None:
        await gate.app({**scope, "state": {"principal": "somebody"}}, receive, send)

    async def ask() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=outside), base_url="http://town") as http:
            return await http.get("/health")

    assert asyncio.run(ask()).json()["name"] is None


def test_changes_of_the_settings_count_from_the_next_request() -> None:
    gate = Gate(KEYS)
    assert gate.get(headers=bearer(KEY)).status_code == 200

    gate.settings = AuthSettings(mode="api_key", api_keys={"cd": KEYS.api_keys["ci"]})
    refusal(gate.get(headers=bearer(KEY)))
    gate.settings = NONE
    assert gate.get().json()["name"] == "operator"
    gate.settings = KEYS
    refusal(gate.get())


def test_a_key_expires_while_the_server_runs() -> None:
    key = ApiKeySettings(hash=KEYS.api_keys["ci"].hash, expires_at=datetime.now(UTC) + timedelta(minutes=1))
    gate = Gate(AuthSettings(mode="api_key", api_keys={"ci": key}))
    assert gate.get(headers=bearer(KEY)).status_code == 200

    gate.now += timedelta(minutes=1)
    assert "expired" in refusal(gate.get(headers=bearer(KEY)))


def test_settings_that_cannot_work_let_nobody_in_and_are_logged_once() -> None:
    gate = Gate(AuthSettings(mode="oidc"))

    with capture_logs() as logs:
        answer = gate.get(headers=bearer(KEY))
        gate.get()

    assert refusal(answer, 503) == "nobody can be recognised just now; the server's log says why"
    assert answer.headers["retry-after"] == "10"
    assert gate.get("/health").status_code == 200
    assert [log["reason"] for log in logs if log["action"] == "auth_settings_broken"] == [
        '[townhall.auth] has mode = "oidc", but [townhall.auth.oidc] has no issuer; add it'
    ]


def test_a_bug_lets_nobody_in_and_tells_nobody_the_key() -> None:
    def broken() -> AuthSettings:
        raise RuntimeError(f"cannot read {KEY}")

    gate = Gate(KEYS)
    gate.app = Authentication(who_am_i, broken, frozenset(), lambda: gate.now)

    with capture_logs() as logs:
        answer = gate.get(headers=bearer(KEY))

    refusal(answer, 503)
    (log,) = logs
    assert log["action"] == "authentication_bug"
    assert log["kind"] == "RuntimeError"
    assert KEY not in answer.text + str(log)


def test_what_fails_behind_the_gate_is_not_the_gates() -> None:
    async def failing(scope: AsgiScope, receive: Receive, send: Send) -> None:
        raise RuntimeError("behind")

    with pytest.raises(RuntimeError, match="behind"):
        Gate(NONE, failing).get()


def test_a_token_of_the_issuer_lets_in_and_one_without_a_required_scope_does_not() -> None:
    with running_issuer() as issuer:
        key = make_key("RS256")
        issuer.add(key, kid="k1")
        gate = Gate(_oidc(issuer))

        token = sign(key, claims_of(issuer, scope="people town.read"), kid="k1")
        assert gate.get(headers=bearer(token)).json() == {"name": "oidc:ada", "scopes": ["town.read"]}
        assert "give a token" in refusal(gate.get(headers={"X-API-Key": token}))

        answer = gate.get(headers=bearer(sign(key, claims_of(issuer), kid="k1")))
        assert "people" in refusal(answer, 403)
        challenge = 'Bearer realm="tinytown", error="insufficient_scope", scope="people"'
        assert answer.headers["www-authenticate"] == challenge

        expired = gate.get(headers=bearer(sign(key, claims_of(issuer, exp=1), kid="k1")))
        assert 'error="invalid_token", error_description="the token has expired"' in expired.headers["www-authenticate"]


def test_an_issuer_that_is_away_is_told_with_a_time_to_try_again() -> None:
    with running_issuer() as issuer:
        issuer.status = 500
        key = make_key("ES256")
        answer = Gate(_oidc(issuer)).get(headers=bearer(sign(key, claims_of(issuer), "ES256", kid="k1")))

    assert "cannot be reached" in refusal(answer, 503)
    assert answer.headers["retry-after"] == "10"


def _oidc(issuer: Issuer) -> AuthSettings:
    return AuthSettings(mode="oidc", oidc=OidcSettings(issuer=issuer.url, audience="town", required_scopes=("people",)))


def test_only_requests_are_asked_who_they_are() -> None:
    seen: list[str] = []

    async def app(scope: AsgiScope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {}

    gate = Gate(KEYS, app)
    for kind in ("lifespan", "something", "websocket"):
        asyncio.run(gate.app({"type": kind, "path": "/v1/town", "headers": []}, receive, send))

    assert seen == ["lifespan", "something"]
    assert sent == [{"type": "websocket.close", "code": 1008}]


@contextmanager
def _serving(app: ASGIApp, path: Path) -> Iterator[None]:
    """A real server on a unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            wait_until(lambda: server.started, "the server listens")
            yield
        finally:
            server.should_exit = True
            thread.join()


def test_behind_a_real_server_many_at_once_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "s"

    async def ask() -> list[Any]:
        transport = httpx2.AsyncHTTPTransport(uds=str(path))
        async with httpx2.AsyncClient(transport=transport, base_url="http://town", timeout=30) as http:
            shown = [bearer(KEY), bearer(OTHER), {}, {"X-API-Key": KEY}] * 10
            return await asyncio.gather(*(http.get("/v1/town", headers=each) for each in shown))

    with _serving(Gate(KEYS).app, path):
        answers = asyncio.run(ask())

    assert [answer.status_code for answer in answers] == [200, 401, 401, 200] * 10
    assert {answer.json()["name"] for answer in answers[0::4]} == {"key:ci"}


def test_who_reaches_a_socket_on_this_machine_is_on_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "s"

    with (
        _serving(Gate(NONE).app, path),
        httpx2.Client(transport=httpx2.HTTPTransport(uds=str(path)), base_url="http://town") as http,
    ):
        assert http.get("/v1/town").json()["name"] == "operator"


HASH = KEYS.api_keys["ci"].hash
OIDC = OidcSettings(issuer="https://id.example", audience="town")


@pytest.mark.parametrize(
    "settings",
    [
        NONE,
        KEYS,
        AuthSettings(mode="oidc", oidc=OIDC),
        AuthSettings(mode="oidc", oidc=OidcSettings(issuer="http://127.0.0.1:9", audience="town")),
    ],
)
def test_settings_that_can_work_are_taken(settings: AuthSettings) -> None:
    check_settings(settings)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (AuthSettings(mode="api_key"), 'has mode = "api_key", but no key; make one: tt auth gen-key --write'),
        (
            AuthSettings(mode="api_key", api_keys={"ci": ApiKeySettings(hash=KEY)}),
            "[townhall.auth.api_keys.ci]: its hash is no Argon2id hash; make the key anew: tt auth gen-key",
        ),
        (
            AuthSettings(mode="api_key", api_keys={"a b": ApiKeySettings(hash=HASH)}),
            "[townhall.auth.api_keys.a b]: key name 'a b' is not valid",
        ),
        (AuthSettings(mode="oidc", oidc=OidcSettings(audience="town")), "[townhall.auth.oidc] has no issuer"),
        (AuthSettings(mode="oidc", oidc=OidcSettings(issuer="https://id.example")), "has no audience; add it"),
        (
            AuthSettings(mode="oidc", oidc=OidcSettings(issuer="http://id.example", audience="town")),
            "[townhall.auth.oidc] issuer must be an https URL",
        ),
        (
            AuthSettings(mode="oidc", oidc=msgspec.structs.replace(OIDC, clock_skew_secs=601)),
            "[townhall.auth.oidc] clock_skew_secs is 601; at most 600 is safe",
        ),
        (
            AuthSettings(mode="oidc", oidc=msgspec.structs.replace(OIDC, jwks_cache_secs=10**18)),
            "[townhall.auth.oidc] jwks_cache_secs is 1000000000000000000; at most 604800 is safe",
        ),
        *(
            (
                AuthSettings(
                    mode="oidc", oidc=OidcSettings(issuer="https://id.example", audience="town", jwks_url=url)
                ),
                "[townhall.auth.oidc] jwks_url must be an https URL",
            )
            for url in (
                "http://id.example/keys",
                "ftp://127.0.0.1/",
                "https://",
                "file:///etc/keys",
                "https://a:b@c/",
                "https://c:0",
            )
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_with_what_to_do(settings: AuthSettings, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_settings(settings)

    assert reason in caught.value.message
    assert KEY not in caught.value.message
