"""Who we are to GitHub: variables, a real `gh` on PATH, an App with a real key."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.integration.forges.github.conftest import Clock, Peer
from tests.peers.described import github_described
from tests.peers.exchange import Answer, Request, refused, said

from tinytown.domain.errors import ConfigError, ForgeError, ForgeUnavailableError, NotFoundError
from tinytown.forges.github.access import find_token, token_access
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.installation import AppAccess
from tinytown.forges.github.opening import app_of, open_client
from tinytown.forges.github.transport import Transport
from tinytown.forges.github.viewer import Viewer
from tinytown.store.keys import Keys

PUBLIC = "https://api.github.com"
COMPANY = "https://git.corp.example/api/v3"
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
TOWN = Repository(host="github.com", owner="octo", name="town")


def gh(folder: Path, script: str) -> dict[str, str]:
    """An environment in which `gh` is that shell script."""
    file = folder / "gh"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize(
    ("api", "environ", "token"),
    [
        (PUBLIC, {"GITHUB_TOKEN": "a", "GH_TOKEN": "b"}, "a"),
        (PUBLIC, {"GITHUB_TOKEN": " ", "GH_TOKEN": " b\n"}, "b"),
        (PUBLIC, {"GH_ENTERPRISE_TOKEN": "e", "GITHUB_TOKEN": "a"}, "a"),
        (COMPANY, {"GH_ENTERPRISE_TOKEN": "e", "GITHUB_TOKEN": "a"}, "e"),
        (COMPANY, {"GITHUB_ENTERPRISE_TOKEN": "g"}, "g"),
        ("https://api.corp.ghe.com", {"GH_ENTERPRISE_TOKEN": "e", "GITHUB_TOKEN": "a"}, "a"),
        ("http://127.0.0.1:8080", {"GITHUB_TOKEN": "a"}, "a"),
        ("http://localhost:8080", {"GITHUB_ENTERPRISE_TOKEN": "g", "GITHUB_TOKEN": "a"}, "g"),
    ],
)
def test_variables_are_asked_in_order(api: str, environ: dict[str, str], token: str) -> None:
    assert find_token(api, environ) == token


@pytest.mark.parametrize(
    "api", [COMPANY, "https://github.com.evil.example", "https://evilghe.com", "https://127.0.0.1.evil"]
)
def test_another_server_is_not_given_the_token_of_github(tmp_path: Path, api: str) -> None:
    environ = {"GITHUB_TOKEN": "a", "GH_TOKEN": "b", "PATH": str(tmp_path)}
    with pytest.raises(
        ForgeError, match=r"set GH_ENTERPRISE_TOKEN \(GITHUB_TOKEN is for github\.com only\), or log in"
    ):
        find_token(api, environ)


def test_gh_is_asked_for_the_host(tmp_path: Path) -> None:
    environ = gh(tmp_path, 'echo "$@" > "$0.asked"; echo gho_abc')
    assert find_token(COMPANY, environ) == "gho_abc"
    assert (tmp_path / "gh.asked").read_text() == "auth token --hostname git.corp.example\n"


@pytest.mark.parametrize("script", ["echo no oauth token found >&2; exit 1", "exit 0", "echo; exit 0"])
def test_gh_without_a_login_says_how_to_get_one(tmp_path: Path, script: str) -> None:
    with pytest.raises(ForgeError, match=r"set GITHUB_TOKEN, or log in with `gh auth login --hostname github\.com`"):
        find_token(PUBLIC, gh(tmp_path, script))


def test_without_gh_it_says_how_to_get_a_token(tmp_path: Path) -> None:
    with pytest.raises(ForgeError, match="set GITHUB_TOKEN"):
        find_token(PUBLIC, {"PATH": str(tmp_path)})


def test_gh_that_cannot_be_run_is_said(tmp_path: Path) -> None:
    (tmp_path / "gh").write_text("not a program")
    (tmp_path / "gh").chmod(0o755)
    with pytest.raises(ForgeError, match="`gh` cannot be run"):
        find_token(PUBLIC, {"PATH": str(tmp_path)})


def test_gh_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinytown.forges.github.access._GH_SECS", 0.2)
    with pytest.raises(ForgeError, match=r"did not answer within 0\.2 s"):
        find_token(PUBLIC, gh(tmp_path, "echo gho_half; exec sleep 5"))


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "tökén", "tab\tin"])
def test_what_cannot_be_a_token_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(ForgeError, match="what GITHUB_TOKEN says is not a token") as caught:
        find_token(PUBLIC, {"GITHUB_TOKEN": token})
    assert token not in str(caught.value)


def test_gh_is_asked_once_and_again_when_the_token_is_refused(tmp_path: Path) -> None:
    environ = gh(tmp_path, 'echo x >> "$0.count"; echo "gho_$(wc -l < "$0.count" | tr -d " ")"')
    access = token_access(PUBLIC, environ)
    first = access.credential(NOW)
    assert access.credential(NOW) is first
    assert access.renew(first, NOW)
    second = access.credential(NOW)
    assert (first.token, second.token) == ("gho_1", "gho_2")
    assert access.renew(first, NOW)
    assert access.credential(NOW) is second


def test_token_of_the_environment_has_no_successor() -> None:
    access = token_access(PUBLIC, {"GITHUB_TOKEN": "ghp_x"})
    assert not access.renew(access.credential(NOW), NOW)


def test_credential_shows_whose_it_is_and_not_the_token() -> None:
    found = token_access(PUBLIC, {"GITHUB_TOKEN": "ghp_secret"}).credential(NOW)
    assert "ghp_secret" not in f"{found} {found!r} {found.__rich_repr__()} {found.identity} {found.mark}"
    other = token_access(COMPANY, {"GH_ENTERPRISE_TOKEN": "ghp_secret"}).credential(NOW)
    assert (len(found.identity), other.identity == found.identity) == (16, False)


# -- GitHub Apps


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def key_file(tmp_path: Path, key: rsa.RSAPrivateKey) -> Path:
    file = tmp_path / "app.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    return file


class Apps:
    """GitHub's side of an App: checks its signature, hands out tokens that live an hour."""

    def __init__(self, peer: Peer, key: rsa.RSAPrivateKey, clock: Clock) -> None:
        self.made = 0
        self._key = key
        self._clock = clock
        self.ahead = timedelta(0)
        peer.on("GET", "/repos/octo/town/installation", self.installation)
        peer.on("POST", "/app/installations/100/access_tokens", self.token)

    def installation(self, request: Request) -> Answer:
        return self.checked(request) or said({"id": 100, "app_id": 12})

    def token(self, request: Request) -> Answer:
        if (no := self.checked(request)) is not None:
            return no
        self.made += 1
        now = self._clock() + self.ahead
        made = {
            "token": f"ghs_{self.made}",
            "expires_at": (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "permissions": {"checks": "write"},
        }
        return said(made, 201, headers={"date": format_datetime(now, usegmt=True)})

    def checked(self, request: Request) -> Answer | None:
        try:
            said_by = jwt.decode(
                request.token, self._key.public_key(), algorithms=["RS256"], options={"verify_iat": False}
            )
        except jwt.PyJWTError:
            return refused(401, "A JSON web token could not be decoded")
        return None if said_by["iss"] == "12" else refused(401, "Integration not found")


@pytest.fixture
def apps(peer: Peer, key: rsa.RSAPrivateKey, clock: Clock) -> Apps:
    return Apps(peer, key, clock)


@pytest.fixture
def transport(peer: Peer) -> Iterator[Transport]:
    opened = Transport(peer.url)
    yield opened
    opened.close()


def access_of(transport: Transport, key_file: Path, clock: Clock, app_id: str = "12") -> AppAccess:
    return AppAccess(transport, app_id=app_id, key_file=key_file, repository=TOWN, clock=clock)


def test_app_acts_as_its_installation_in_the_repository(
    transport: Transport, apps: Apps, key_file: Path, clock: Clock
) -> None:
    access = access_of(transport, key_file, clock)
    found = access.credential(clock())
    assert (found.token, found.identity, found.expires_at) == (
        "ghs_1",
        "app-12-100",
        clock() + timedelta(hours=1),
    )
    assert access.permissions == {"checks": "write"}


def test_token_is_renewed_five_minutes_before_its_end(
    transport: Transport, peer: Peer, apps: Apps, key_file: Path, clock: Clock
) -> None:
    access = access_of(transport, key_file, clock)
    access.credential(clock())
    clock.advance(minutes=54, seconds=59)
    assert access.credential(clock()).token == "ghs_1"
    clock.advance(seconds=1)
    assert access.credential(clock()).token == "ghs_2"
    assert [r.method for r in peer.asked] == ["GET", "POST", "POST"]


def test_the_end_is_told_by_githubs_clock(transport: Transport, apps: Apps, key_file: Path, clock: Clock) -> None:
    apps.ahead = timedelta(minutes=-50)
    access = access_of(transport, key_file, clock)
    assert access.credential(clock()).expires_at == clock() + timedelta(hours=1)


def test_old_token_serves_while_a_new_one_cannot_be_had(
    transport: Transport, peer: Peer, apps: Apps, key_file: Path, clock: Clock
) -> None:
    access = access_of(transport, key_file, clock)
    access.credential(clock())
    peer.on("POST", "/app/installations/100/access_tokens", refused(502, "x"))
    clock.advance(minutes=57)
    assert access.credential(clock()).token == "ghs_1"
    clock.advance(minutes=4)
    with pytest.raises(ForgeUnavailableError):
        access.credential(clock())


def test_of_many_threads_one_renews(transport: Transport, apps: Apps, key_file: Path, clock: Clock) -> None:
    access = access_of(transport, key_file, clock)
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: access.credential(clock()).token, range(32))) == {"ghs_1"}
    refused_one = access.credential(clock())
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: access.renew(refused_one, clock()), range(8)))
    assert apps.made == 2


def test_app_that_is_not_installed_says_so(transport: Transport, key_file: Path, clock: Clock) -> None:
    with pytest.raises(ForgeError, match="the GitHub App 12 is not installed in octo/town"):
        access_of(transport, key_file, clock).credential(clock())


def test_app_that_is_refused_says_what_to_check(transport: Transport, apps: Apps, key_file: Path, clock: Clock) -> None:
    with pytest.raises(ForgeError, match="check \\[forge\\] app_id, app_key_file and this machine's clock"):
        access_of(transport, key_file, clock, app_id="13").credential(clock())


@pytest.mark.parametrize(
    "text", ["", "garbage", "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----"]
)
def test_broken_key_file_is_named_and_not_quoted(transport: Transport, tmp_path: Path, clock: Clock, text: str) -> None:
    file = tmp_path / "broken.pem"
    file.write_text(text)
    with pytest.raises(ForgeError, match=r"broken\.pem: not a private key in PEM form") as caught:
        access_of(transport, file, clock).credential(clock())
    assert caught.value.__cause__ is None
    assert "c2VjcmV0" not in str(caught.value)


def test_missing_key_file_is_named(transport: Transport, tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(ForgeError, match=r"no\.pem: cannot be read: no such file"):
        access_of(transport, tmp_path / "no.pem", clock).credential(clock())


@pytest.mark.parametrize("body", [b"<html>", b"{}", json.dumps({"token": 3}).encode()])
def test_odd_answer_for_a_token_is_an_outage(
    transport: Transport, peer: Peer, apps: Apps, key_file: Path, clock: Clock, body: bytes
) -> None:
    peer.on("POST", "/app/installations/100/access_tokens", Answer(201, body))
    with pytest.raises(ForgeUnavailableError):
        access_of(transport, key_file, clock).credential(clock())


def test_app_needs_id_and_key(tmp_path: Path) -> None:
    assert app_of(None, None, tmp_path) is None
    found = app_of("12", "key.pem", tmp_path)
    assert found is not None
    assert found.key_file == tmp_path / "key.pem"
    for app_id, key_file in (("12", None), (None, "key.pem")):
        with pytest.raises(ConfigError, match="go together"):
            app_of(app_id, key_file, tmp_path)


@pytest.fixture
def app_client(peer: Peer, apps: Apps, key_file: Path, clock: Clock, keys: Keys) -> Iterator[GitHub]:
    opened = open_client(
        api_url=peer.url,
        repository=TOWN,
        environ={},
        app=app_of("12", str(key_file), key_file.parent),
        connect=None,
        town=keys,
        clock=clock,
        pauses_secs=(0.0, 0.0),
    )
    yield opened
    opened.close()


def only(token: str) -> Callable[[Request], Answer]:
    """Answers whoever has that token, and 401 to others."""
    return lambda request: said({}) if request.token == token else refused(401, "Bad credentials")


def test_reading_goes_on_with_a_renewed_token(peer: Peer, app_client: GitHub) -> None:
    peer.on("GET", "/repos/octo/town", only("ghs_2"))
    assert app_client.get("/repos/octo/town", dict) == {}
    assert [r.token for r in peer.asked if r.path == "/repos/octo/town"] == ["ghs_1", "ghs_2"]


def test_changing_is_left_to_who_looks_for_its_footprint_when_the_token_was_renewed(
    peer: Peer, app_client: GitHub
) -> None:
    peer.on("POST", "/repos/octo/town/pulls", only("ghs_2"))
    with pytest.raises(ForgeUnavailableError, match="the token for GitHub was renewed"):
        app_client.do("POST", "/repos/octo/town/pulls", {})
    assert [r.token for r in peer.asked if r.path == "/repos/octo/town/pulls"] == ["ghs_1"]
    app_client.do("POST", "/repos/octo/town/pulls", {})


def test_app_whose_new_token_is_refused_too_is_told(peer: Peer, app_client: GitHub, apps: Apps) -> None:
    peer.on("GET", "/repos/octo/town", refused(401, "Bad credentials"))
    with pytest.raises(ForgeError, match="GitHub refuses the token"):
        app_client.get("/repos/octo/town", dict)
    assert apps.made == 2


def test_what_an_app_asks_is_in_githubs_description(
    transport: Transport, peer: Peer, apps: Apps, key_file: Path, clock: Clock
) -> None:
    access_of(transport, key_file, clock).credential(clock())
    described = github_described()
    assert [described.check(r.method, r.path, r.query) for r in peer.asked] == [
        "/repos/{owner}/{repo}/installation",
        "/app/installations/{installation_id}/access_tokens",
    ]


# -- what we are called


NO_GRAPHQL = [
    refused(404, "Not Found"),
    said({"data": None, "errors": [{"type": "FORBIDDEN", "message": "Resource not accessible"}]}),
]


def test_login_is_asked_for_once(peer: Peer, github: GitHub) -> None:
    peer.on("POST", "/graphql", said({"data": {"viewer": {"login": "octo"}}}))
    viewer = Viewer(github)
    assert [viewer.login(), viewer.login()] == ["octo", "octo"]
    assert len(peer.asked) == 1


@pytest.mark.parametrize("answer", NO_GRAPHQL)
def test_without_graphql_rest_tells_the_login_of_a_person(peer: Peer, github: GitHub, answer: Answer) -> None:
    peer.on("POST", "/graphql", answer)
    peer.on("GET", "/user", said({"login": "octo", "id": 1}))
    assert Viewer(github).login() == "octo"


@pytest.mark.parametrize("answer", NO_GRAPHQL)
def test_without_graphql_an_app_is_called_by_its_slug(
    peer: Peer, app_client: GitHub, apps: Apps, answer: Answer
) -> None:
    peer.on("POST", "/graphql", answer)
    peer.on("GET", "/app", lambda request: apps.checked(request) or said({"id": 12, "slug": "tt", "name": "TT"}))
    assert Viewer(app_client).login() == "tt[bot]"


def test_graphql_that_is_down_does_not_change_what_we_are_called(peer: Peer, github: GitHub) -> None:
    peer.on("POST", "/graphql", refused(502, "bad"))
    with pytest.raises(ForgeUnavailableError):
        Viewer(github).login()
    assert peer.count("GET") == 0


def test_server_without_graphql_is_told_in_a_sentence(peer: Peer, github: GitHub) -> None:
    with pytest.raises(NotFoundError, match="GitHub has no GraphQL, or"):
        github.graphql("query { x }", {}, dict[str, str])
