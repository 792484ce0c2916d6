"""Tokens of a real issuer, good ones and all kinds of others."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc.jwk import OctKey
from tests.certificates import Authority
from tests.integration.gate.issuers import AsymmetricKey, Issuer, claims_of, make_key, running_issuer, sign

from tinytown.config.townhall import OidcSettings
from tinytown.domain.access import Principal, Scope
from tinytown.domain.errors import MissingScopeError, TinytownError, UnauthenticatedError, UnavailableError
from tinytown.gate import issuer as reading
from tinytown.gate import issuer_keys
from tinytown.gate.oidc import Oidc

ADA = Principal(name="oidc:ada", scopes=frozenset({Scope.TOWN_READ, Scope.TOWN_WRITE}))


class Clock:
    """The time of the machine, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def oidc(clock: Clock) -> Oidc:
    return Oidc(clock)


@pytest.fixture(scope="module")
def rsa() -> AsymmetricKey:
    return make_key("RS256")


@pytest.fixture
def issuer(rsa: AsymmetricKey) -> Iterator[Issuer]:
    with running_issuer() as running:
        running.add(rsa, kid="k1")
        yield running


Token = Callable[..., str]


@pytest.fixture
def token(issuer: Issuer, rsa: AsymmetricKey) -> Token:
    """Signs claims that let in, with some changed."""

    def make(header: dict[str, Any] | None = None, **changes: Any) -> str:
        return sign(rsa, claims_of(issuer, **changes), **{"kid": "k1", **(header or {})})

    return make


def settings_of(issuer: Issuer, **changes: Any) -> OidcSettings:
    return msgspec.structs.replace(
        OidcSettings(issuer=issuer.url, audience="town", jwks_url=f"{issuer.url}/keys"), **changes
    )


def found(oidc: Oidc, token: str, settings: OidcSettings) -> Principal | TinytownError:
    """Who it is, or why nobody."""
    try:
        return asyncio.run(oidc.recognise(token, settings))
    except TinytownError as error:
        return error


def reason(oidc: Oidc, token: str, settings: OidcSettings) -> str:
    error = found(oidc, token, settings)
    assert isinstance(error, UnauthenticatedError)
    assert error.is_offered
    return error.message


@pytest.mark.parametrize(
    "alg", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
)
def test_a_token_of_each_asymmetric_algorithm_lets_in(issuer: Issuer, oidc: Oidc, alg: str) -> None:
    key = make_key(alg)
    issuer.add(key, kid="other", alg=alg, use="sig")

    assert found(oidc, sign(key, claims_of(issuer), alg, kid="other"), settings_of(issuer)) == ADA
    assert issuer.asked == ["/keys"]


def test_the_keys_are_where_the_discovery_document_says(issuer: Issuer, oidc: Oidc, token: Token) -> None:
    assert found(oidc, token(), settings_of(issuer, jwks_url=None)) == ADA
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize(
    "discovery", [{"issuer": "https://evil.example"}, {"jwks_uri": "http://evil.example/keys"}, {"jwks_uri": 3}]
)
def test_a_discovery_document_that_leads_elsewhere_is_not_believed(
    issuer: Issuer, oidc: Oidc, token: Token, discovery: dict[str, Any]
) -> None:
    issuer.discovery |= discovery

    assert isinstance(found(oidc, token(), settings_of(issuer, jwks_url=None)), UnavailableError)
    assert issuer.asked == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"iss": "https://other.example"}, "is of another issuer"),
        ({"iss": None}, "is of another issuer"),
        ({"aud": "shop"}, "is made out for another audience"),
        ({"aud": ["shop", "bank"]}, "is made out for another audience"),
        ({"aud": None}, "is made out for another audience"),
        ({"exp": None}, "never expires"),
        ({"exp": 1}, "has expired"),
        ({"exp": "9999999999"}, "has a exp that is no time"),
        ({"exp": float("nan")}, "has a exp that is no time"),
        ({"exp": float("inf")}, "has a exp that is no time"),
        ({"exp": 10**400}, "has a exp that is no time"),
        ({"exp": True}, "has a exp that is no time"),
        ({"nbf": 99_999_999_999}, "is not valid yet"),
        ({"iat": 99_999_999_999}, "is not valid yet"),
        ({"sub": None}, "names no subject that could be shown"),
        ({"sub": ""}, "names no subject that could be shown"),
        ({"sub": "a\nb"}, "names no subject that could be shown"),
        ({"sub": "a" * 256}, "names no subject that could be shown"),
        ({"sub": 7}, "names no subject that could be shown"),
    ],
)
def test_a_token_from_or_for_somebody_else_or_of_another_time_lets_nobody_in(
    issuer: Issuer, oidc: Oidc, token: Token, changes: dict[str, Any], why: str
) -> None:
    assert reason(oidc, token(**changes), settings_of(issuer)) == f"the token {why}"


def test_the_issuers_clock_may_be_off_a_little(issuer: Issuer, oidc: Oidc, token: Token) -> None:
    now = int(datetime.now(UTC).timestamp())
    settings = settings_of(issuer, clock_skew_secs=60)

    assert found(oidc, token(exp=now - 50), settings) == ADA
    assert found(oidc, token(nbf=now + 50, iat=now + 50), settings) == ADA
    assert reason(oidc, token(exp=now - 70), settings) == "the token has expired"
    assert reason(oidc, token(nbf=now + 70), settings) == "the token is not valid yet"


def test_scopes_are_those_of_the_token_that_a_town_knows(issuer: Issuer, oidc: Oidc, token: Token) -> None:
    def scopes(settings: OidcSettings, **changes: Any) -> frozenset[Scope]:
        who = found(oidc, token(**changes), settings)
        assert isinstance(who, Principal)
        return who.scopes

    assert scopes(settings_of(issuer), scope="admin root town.read") == {Scope.ADMIN, Scope.TOWN_READ}
    assert scopes(settings_of(issuer), scope=["agent.manage", 3]) == {Scope.AGENT_MANAGE}
    assert scopes(settings_of(issuer, scopes_claim="roles"), roles=["town.write"]) == {Scope.TOWN_WRITE}
    assert scopes(settings_of(issuer), scope=None) == frozenset()
    assert scopes(settings_of(issuer), scope={"admin": True}) == frozenset()


def test_who_lacks_a_required_scope_is_told_which(issuer: Issuer, oidc: Oidc, token: Token) -> None:
    settings = settings_of(issuer, required_scopes=("openid", "towns"))

    error = found(oidc, token(), settings)

    assert isinstance(error, MissingScopeError)
    assert error.scopes == ("towns",)
    assert found(oidc, token(scope="openid towns town.read town.write"), settings) == ADA


def _unsigned(claims: dict[str, Any], signature: str = "") -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'kid': 'k1'})}.{part(claims)}.{signature}"


def test_a_token_that_nobody_signed_lets_nobody_in(issuer: Issuer, oidc: Oidc, rsa: AsymmetricKey) -> None:
    settings = settings_of(issuer)

    assert reason(oidc, _unsigned(claims_of(issuer)), settings) == "this is no signed token (JWT)"
    assert reason(oidc, _unsigned(claims_of(issuer), "AAAA"), settings).startswith("the token's algorithm is not taken")
    pem = rsa.as_pem(private=False)
    for secret in (pem, pem.strip(), rsa.as_bytes(encoding="DER", private=False)):
        forged = sign(
            OctKey.import_key(base64.urlsafe_b64encode(secret).rstrip(b"=").decode()),
            claims_of(issuer),
            "HS256",
            kid="k1",
        )
        assert reason(oidc, forged, settings).startswith("the token's algorithm is not taken")
    assert issuer.asked == []


def test_a_changed_token_lets_nobody_in(issuer: Issuer, oidc: Oidc, token: Token) -> None:
    header, payload, signature = token().split(".")
    other = token(sub="eve").split(".")[1]

    for changed in (
        f"{header}.{other}.{signature}",
        f"{header}.{payload}.{signature[:-4]}",
        f"{header}.{payload}.AAAA",
    ):
        assert reason(oidc, changed, settings_of(issuer)) == "the token's signature is not its issuer's"


def test_a_key_that_the_token_brings_along_is_not_used(issuer: Issuer, oidc: Oidc) -> None:
    mine = make_key("RS256")

    for header in ({"jwk": mine.as_dict(private=False)}, {"jku": f"{issuer.url}/mine"}):
        forged = sign(mine, claims_of(issuer), kid="k1", **header)
        assert reason(oidc, forged, settings_of(issuer)) == "the token's signature is not its issuer's"
    assert issuer.asked == ["/keys"]


@pytest.mark.parametrize(
    "header",
    [{"typ": "logout+jwt"}, {"typ": "secevent+jwt"}, {"crit": ["exp"]}, {"b64": True}, {"typ": "JWE"}],
)
def test_a_token_of_another_kind_lets_nobody_in(
    issuer: Issuer, oidc: Oidc, token: Token, header: dict[str, Any]
) -> None:
    assert reason(oidc, token(header), settings_of(issuer)) == "the token is of a kind that lets nobody in"


@pytest.mark.parametrize("kind", ["JWT", "at+jwt", "application/at+JWT"])
def test_access_tokens_may_say_that_they_are_some(issuer: Issuer, oidc: Oidc, token: Token, kind: str) -> None:
    assert found(oidc, token({"typ": kind}), settings_of(issuer)) == ADA


def _header(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode() + ".e30.AAAA"


@pytest.mark.parametrize(
    "garbage",
    [
        "abc",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "..",
        "é.b.c",
        _header(b"[]"),
        _header(b"{}"),
        _header(b'{"alg": 3}'),
        _header(b'{"alg": "RS256", "kid": 3}'),
        _header(b'{"alg": "RS256", "typ": ' + b"[" * 3000),
        _header(b'{"alg": "RS256", "x": ' + b"[" * 2000 + b"]" * 2000 + b"}"),
    ],
)
def test_garbage_lets_nobody_in(issuer: Issuer, oidc: Oidc, garbage: str) -> None:
    assert isinstance(found(oidc, garbage, settings_of(issuer)), UnauthenticatedError)


@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"},
        {"alg": "RS512"},
        {"key_ops": ["sign"]},
        {"kty": "oct", "k": "AAAA"},
        {"n": "AQAB"},
        {"n": "é"},
        {"e": 3},
    ],
)
def test_a_key_that_is_for_something_else_checks_nothing(
    issuer: Issuer, oidc: Oidc, token: Token, members: dict[str, Any]
) -> None:
    issuer.keys = []
    issuer.add(make_key("ES256"), kid="good")
    issuer.keys.append({**make_key("RS256").as_dict(private=False), "kid": "k1", **members})

    assert reason(oidc, token(), settings_of(issuer)) == "the token is signed with a key that its issuer does not have"


def test_a_key_of_another_type_checks_nothing(issuer: Issuer, oidc: Oidc) -> None:
    key = make_key("ES384")
    issuer.add(key, kid="e")

    forged = sign(make_key("ES256"), claims_of(issuer), "ES256", kid="e")
    assert "does not have" in reason(oidc, forged, settings_of(issuer))


def test_a_token_without_a_keys_name_needs_an_issuer_with_one_such_key(
    issuer: Issuer, oidc: Oidc, rsa: AsymmetricKey, clock: Clock
) -> None:
    issuer.add(make_key("ES256"), kid="e")
    nameless = sign(rsa, claims_of(issuer))
    assert found(oidc, nameless, settings_of(issuer)) == ADA

    issuer.add(make_key("RS256"), kid="k2")
    clock.ahead = timedelta(minutes=1)
    assert "does not have" in reason(oidc, nameless, settings_of(issuer, jwks_cache_secs=30))


def test_a_new_key_is_found_and_an_old_one_ends_while_the_server_runs(
    issuer: Issuer, oidc: Oidc, token: Token, clock: Clock
) -> None:
    settings = settings_of(issuer)
    assert found(oidc, token(), settings) == ADA
    new = make_key("ES256")
    issuer.keys = []
    issuer.add(new, kid="k2")
    rotated = sign(new, claims_of(issuer), "ES256", kid="k2")

    assert "does not have" in reason(oidc, rotated, settings)  # it was asked a moment ago
    assert issuer.asked == ["/keys"]
    clock.ahead = issuer_keys.PAUSE
    assert found(oidc, rotated, settings) == ADA
    assert issuer.asked == ["/keys", "/keys"]
    assert "does not have" in reason(oidc, token(), settings)


def test_unknown_names_of_keys_ask_the_issuer_once_in_a_while(
    issuer: Issuer, oidc: Oidc, token: Token, clock: Clock
) -> None:
    async def all_at_once() -> list[Any]:
        tokens = [token({"kid": f"x{number}"}) for number in range(20)]
        tasks = (oidc.recognise(each, settings_of(issuer)) for each in tokens)
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert all(isinstance(each, UnauthenticatedError) for each in asyncio.run(all_at_once()))
    assert len(issuer.asked) == 1
    clock.ahead = issuer_keys.PAUSE
    asyncio.run(all_at_once())
    assert len(issuer.asked) == 2


def test_keys_keep_working_for_a_day_while_the_issuer_is_away(
    issuer: Issuer, oidc: Oidc, token: Token, clock: Clock, rsa: AsymmetricKey
) -> None:
    settings = settings_of(issuer, jwks_cache_secs=60, clock_skew_secs=10**6)
    assert found(oidc, token(), settings) == ADA
    issuer.status = 500

    clock.ahead = timedelta(hours=23)
    assert found(oidc, token(), settings) == ADA
    assert len(issuer.asked) == 2
    assert found(oidc, token(), settings) == ADA
    assert len(issuer.asked) == 2
    unknown = found(oidc, token({"kid": "k2"}), settings)
    assert isinstance(unknown, UnavailableError)

    clock.ahead = timedelta(hours=25)
    error = found(oidc, token(), settings)
    assert isinstance(error, UnavailableError)
    assert error.evidence["retry_after_secs"] == 10

    issuer.status = 200
    clock.ahead = timedelta(hours=25, minutes=1)
    assert found(oidc, token(), settings) == ADA


@pytest.mark.parametrize(
    "change",
    [
        lambda issuer: setattr(issuer, "status", 404),
        lambda issuer: issuer.__dict__.update(status=302, headers={"Location": f"{issuer.url}/elsewhere"}),
        lambda issuer: setattr(issuer, "body", b"x" * (reading.MAX_BYTES + 1)),
        lambda issuer: setattr(issuer, "body", b"not json"),
        lambda issuer: setattr(issuer, "body", b'{"keys": {}}'),
        lambda issuer: setattr(issuer, "body", b'{"keys": []}'),
        lambda issuer: setattr(issuer, "body", b"[" * 100_000),
        lambda issuer: setattr(issuer, "body", b"\xff\xfe"),
    ],
)
def test_an_issuer_without_usable_keys_lets_nobody_in_and_says_when_to_try_again(
    issuer: Issuer, oidc: Oidc, token: Token, change: Callable[[Issuer], object]
) -> None:
    change(issuer)

    error = found(oidc, token(), settings_of(issuer))

    assert isinstance(error, UnavailableError)
    assert error.evidence["retry_after_secs"] == 10
    assert issuer.asked == ["/keys"]


def test_an_issuer_that_says_nothing_is_not_waited_for_long(
    issuer: Issuer, oidc: Oidc, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "TIMEOUT_SECS", 0.2)
    issuer.may_answer.clear()

    assert isinstance(found(oidc, token(), settings_of(issuer)), UnavailableError)


def test_an_issuer_that_nobody_answers_for_is_away(issuer: Issuer, oidc: Oidc, token: Token) -> None:
    settings = settings_of(issuer, jwks_url="http://127.0.0.1:1/keys")

    assert isinstance(found(oidc, token(), settings), UnavailableError)


def test_another_issuer_in_the_settings_forgets_the_keys_of_the_former(
    issuer: Issuer, oidc: Oidc, token: Token
) -> None:
    assert found(oidc, token(), settings_of(issuer)) == ADA
    with running_issuer() as other:
        key = make_key("ES256")
        other.add(key, kid="k1")

        assert found(oidc, sign(key, claims_of(other), "ES256", kid="k1"), settings_of(other)) == ADA
        assert isinstance(found(oidc, token(iss=other.url), settings_of(other)), UnauthenticatedError)


def test_an_issuer_is_believed_over_https_when_its_authority_is_trusted(
    tmp_path: Path, clock: Clock, rsa: AsymmetricKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, others = Authority(tmp_path / "ours"), Authority(tmp_path / "others")
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.file))
    for authority, is_believed in ((ours, True), (others, False)):
        with running_issuer(authority.server()) as secure:
            secure.add(rsa, kid="k1")
            who = found(Oidc(clock), sign(rsa, claims_of(secure), kid="k1"), settings_of(secure, jwks_url=None))

        assert (who == ADA) == is_believed
        assert is_believed or isinstance(who, UnavailableError)


def test_keys_on_this_machine_are_read_without_a_proxy(
    issuer: Issuer, oidc: Oidc, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    assert found(oidc, token(), settings_of(issuer)) == ADA
