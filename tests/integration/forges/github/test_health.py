"""What a check-up says of GitHub: each thing that can be wrong with token, quota, clock and repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from tests.integration.forges.github.conftest import Clock, Peer
from tests.peers.exchange import Answer, refused, said

from tinytown.domain.finding import Finding, Health
from tinytown.forges.github.access import Access, Credential, token_access
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.conditional import Conditional
from tinytown.forges.github.health import Subject, examine
from tinytown.forges.github.installation import AppAccess
from tinytown.forges.github.quota import Quota
from tinytown.forges.github.session import Session
from tinytown.forges.github.transport import Transport
from tinytown.store.keys import Keys

R = "/repos/octo/town"
HERE = Repository(host="github.com", owner="octo", name="town")
CLASSIC = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
GRAINED = "github_pat_0123456789abcdefghij"
READS = ("pulls", "issues", "commits/main/check-runs", "commits/main/status", "rules/branches/main")
NEEDED = {"contents": "write", "issues": "write", "pull_requests": "write", "metadata": "read", "checks": "read"}
ENOUGH = {**NEEDED, "statuses": "read", "actions": "read", "workflows": "write"}


class InstalledApp(AppAccess):
    """An App that is installed with these permissions."""

    def __init__(self, permissions: dict[str, str]) -> None:
        self.permissions = permissions

    def credential(self, now: object) -> Credential:  # noqa: ARG002  the signature is given
        return Credential(token="ghs_x", identity="app-1-2")


@pytest.fixture
def repository(peer: Peer, clock: Clock) -> Callable[..., None]:
    """Says what the repository is like, and with which headers that is answered."""

    def tell(headers: dict[str, str] | None = None, **fields: Any) -> None:
        body = {
            "full_name": "octo/town",
            "default_branch": "main",
            "permissions": {"push": True},
            "allow_merge_commit": True,
            "allow_squash_merge": True,
            "allow_rebase_merge": False,
        }
        usual = {
            "date": format_datetime(clock.now, usegmt=True),
            "x-oauth-scopes": "repo, workflow",
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": "4000",
            "x-ratelimit-reset": str(int(clock.now.timestamp()) + 600),
        }
        sent = {name: value for name, value in (usual | (headers or {})).items() if value}
        peer.on("GET", R, said(body | fields, headers=sent))
        for path in READS:
            peer.on("GET", f"{R}/{path}", said([]))

    tell()
    return tell


@pytest.fixture
def look(peer: Peer, clock: Clock, keys: Keys) -> Iterator[Callable[..., list[Finding]]]:
    """Looks at the tests' GitHub, by default with a classic token."""
    opened: list[GitHub] = []

    def run(token: str = CLASSIC, access: Access | None = None, **fields: Any) -> list[Finding]:
        environ = {"GITHUB_TOKEN": token, "PATH": "/nowhere"} if token else {"PATH": "/nowhere"}
        found = access or token_access(peer.url, environ)
        client = GitHub(Session(Transport(peer.url), found, Quota(None, keys), clock), Conditional(None))
        opened.append(client)
        subject = Subject(api_url=peer.url, repository=HERE, environ=environ, **fields)
        return list(examine(client, found, subject, clock))

    yield run
    for client in opened:
        client.close()


def bad(found: list[Finding]) -> list[tuple[Health, str]]:
    """What is not as it should be; everything has advice."""
    assert all(one.advice for one in found if one.health is not Health.OK)
    return [(one.health, one.text) for one in found if one.health is not Health.OK]


def test_all_is_well(repository: Callable[..., None], look: Callable[..., list[Finding]]) -> None:
    found = look()

    assert bad(found) == []
    said_so = " | ".join(one.text for one in found)
    for part in (
        "acts by the token in GITHUB_TOKEN",
        "this machine's clock agrees with GitHub's",
        "4,000 of 5,000 requests left until",
        "octo/town (public) can be read; pull requests go into main",
        "merges by merge (allowed: merge, squash)",
        "the token has the scopes repo, workflow",
        "can read pull requests, issues, check runs, commit statuses, rules of branches",
    ):
        assert part in said_so
    assert CLASSIC not in said_so


@pytest.mark.parametrize(
    ("fields", "health", "text"),
    [
        ({"archived": True}, Health.PROBLEM, "octo/town is archived"),
        ({"has_issues": False}, Health.WARNING, "octo/town has its issues switched off"),
        ({"full_name": "octo/city"}, Health.WARNING, "octo/town is called octo/city now"),
        ({"permissions": {"push": False}}, Health.PROBLEM, "the token's user may not push to octo/town"),
        (
            {"allow_merge_commit": False, "allow_squash_merge": False},
            Health.PROBLEM,
            "the repository allows no way of merging",
        ),
    ],
)
def test_what_is_wrong_with_the_repository_is_said(
    repository: Callable[..., None],
    look: Callable[..., list[Finding]],
    fields: dict[str, Any],
    health: Health,
    text: str,
) -> None:
    repository(**fields)

    assert bad(look()) == [(health, text)]


def test_a_merge_method_that_is_not_allowed_is_said(
    repository: Callable[..., None], look: Callable[..., list[Finding]]
) -> None:
    text = "[forge] merge_method is rebase, the repository allows merge, squash"
    assert bad(look(merge_method="rebase")) == [(Health.PROBLEM, text)]
    assert bad(look(merge_method="squash")) == []


@pytest.mark.parametrize(
    ("scopes", "is_private", "expected"),
    [
        ("public_repo, workflow", False, []),
        ("public_repo", True, [(Health.PROBLEM, "the token lacks the scope repo (it has: public_repo)")]),
        ("gist", False, [(Health.PROBLEM, "the token lacks the scope repo (it has: gist)")]),
        (" ", False, [(Health.PROBLEM, "the token lacks the scope repo (it has: none)")]),
    ],
)
def test_scopes_that_lack_are_named(
    repository: Callable[..., None],
    look: Callable[..., list[Finding]],
    scopes: str,
    *,
    is_private: bool,
    expected: list[tuple[Health, str]],
) -> None:
    repository({"x-oauth-scopes": scopes}, private=is_private)

    assert bad(look()) == expected


def test_a_token_that_cannot_push_workflows_is_a_warning(
    repository: Callable[..., None], look: Callable[..., list[Finding]]
) -> None:
    repository({"x-oauth-scopes": "repo"})

    ((health, text),) = bad(look())
    assert health is Health.WARNING
    assert "lacks the scope workflow" in text


def test_a_fine_grained_token_cannot_read_checks_of_a_private_repository(
    repository: Callable[..., None], look: Callable[..., list[Finding]]
) -> None:
    repository({"x-oauth-scopes": ""}, private=True)
    assert [health for health, _ in bad(look(GRAINED))] == [Health.WARNING]

    repository({"x-oauth-scopes": ""})
    assert bad(look(GRAINED)) == []


def test_permissions_that_an_app_lacks_are_named(
    repository: Callable[..., None], look: Callable[..., list[Finding]]
) -> None:
    assert bad(look(access=InstalledApp(ENOUGH))) == []

    lacking = {**ENOUGH, "contents": "read", "workflows": "read"}
    del lacking["checks"]
    assert bad(look(access=InstalledApp(lacking))) == [
        (Health.PROBLEM, "the App lacks permissions: contents: write, checks: read"),
        (Health.WARNING, "the App may not push changes of .github/workflows"),
    ]


@pytest.mark.parametrize(
    ("secs", "expected"),
    [
        (0, []),
        (20, []),
        (90, [(Health.WARNING, "this machine's clock is 90 s ahead of GitHub's")]),
        (-90, [(Health.WARNING, "this machine's clock is 90 s behind GitHub's")]),
    ],
)
def test_a_clock_that_is_off_is_said(
    repository: Callable[..., None],
    look: Callable[..., list[Finding]],
    clock: Clock,
    secs: int,
    expected: list[tuple[Health, str]],
) -> None:
    repository({"date": format_datetime(clock.now - timedelta(seconds=secs), usegmt=True)})

    assert bad(look()) == expected


def test_with_a_clock_that_is_off_an_app_cannot_sign(
    repository: Callable[..., None], look: Callable[..., list[Finding]], clock: Clock
) -> None:
    repository({"date": format_datetime(clock.now - timedelta(minutes=5), usegmt=True)})

    expected = [(Health.PROBLEM, "this machine's clock is 300 s ahead of GitHub's")]
    assert bad(look(access=InstalledApp(ENOUGH))) == expected


@pytest.mark.parametrize(("left", "health"), [("0", Health.PROBLEM), ("100", Health.WARNING)])
def test_a_quota_that_runs_out_is_said(
    repository: Callable[..., None], look: Callable[..., list[Finding]], left: str, health: Health
) -> None:
    repository({"x-ratelimit-remaining": left})

    ((found, text),) = bad(look())
    assert found is health
    assert text.startswith(f"{left} of 5,000 requests left until ")


@pytest.mark.parametrize("value", ["", "lots"])
def test_a_server_without_a_quota_is_fine(
    repository: Callable[..., None], look: Callable[..., list[Finding]], value: str
) -> None:
    repository({"x-ratelimit-remaining": value})

    assert bad(look()) == []


def test_a_token_that_ends_soon_is_said(
    repository: Callable[..., None], look: Callable[..., list[Finding]], clock: Clock
) -> None:
    name = "github-authentication-token-expiration"
    repository({name: f"{clock.now + timedelta(days=2):%Y-%m-%d %H:%M:%S} UTC"})
    ((health, text),) = bad(look())
    assert (health, text[:17]) == (Health.WARNING, "the token ends on")

    repository({name: f"{clock.now + timedelta(days=90):%Y-%m-%d %H:%M:%S} UTC"})
    assert bad(look()) == []
    repository({name: "some day"})
    assert bad(look()) == []


def test_single_sign_on_is_said(
    repository: Callable[..., None], look: Callable[..., list[Finding]], peer: Peer
) -> None:
    repository({"x-github-sso": "partial-results; organizations=1,2"})
    assert [health for health, _ in bad(look())] == [Health.WARNING]

    url = "https://github.com/orgs/octo/sso?x=1"
    peer.on("GET", R, refused(403, "Resource protected", headers={"x-github-sso": f"required; url={url}"}))
    ((health, text),) = bad(look())
    assert health is Health.PROBLEM
    assert url in text


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (refused(401, "Bad credentials"), "GitHub refuses the token"),
        (refused(404, "Not Found"), "GitHub has no octo/town, or the token may not see it"),
        (refused(451, "Blocked"), "GitHub may not show octo/town for legal reasons: Blocked"),
        (refused(502, "x"), "GitHub cannot answer for octo/town just now (502: x); it is tried again"),
        (Answer(200, b"<html>", {"content-type": "text/html"}), "answers something that is not GitHub's"),
    ],
)
def test_an_answer_without_a_repository_is_the_problem(
    look: Callable[..., list[Finding]], peer: Peer, answer: Answer, text: str
) -> None:
    peer.on("GET", R, answer)

    ((health, told),) = bad(look())
    assert health is Health.PROBLEM
    assert text in told


def test_what_cannot_be_read_is_named_with_what_the_token_needs(
    repository: Callable[..., None], look: Callable[..., list[Finding]], peer: Peer
) -> None:
    needs = {"x-accepted-github-permissions": "checks=read"}
    refusal = refused(403, "Resource not accessible by personal access token", headers=needs)
    peer.on("GET", f"{R}/commits/main/check-runs", refusal)
    peer.on("GET", f"{R}/rules/branches/main", refused(404, "Not Found"))

    (checks, rules) = bad(look())

    assert checks[0] is Health.PROBLEM
    assert "check runs" in checks[1]
    assert "checks=read" in checks[1]
    assert rules[0] is Health.WARNING


def test_without_a_token_it_says_where_to_put_one(look: Callable[..., list[Finding]], peer: Peer) -> None:
    ((health, text),) = bad(look(""))

    assert health is Health.PROBLEM
    assert "set GITHUB_TOKEN" in text
    assert peer.asked == []


def test_a_server_that_is_away_is_the_problem(look: Callable[..., list[Finding]], peer: Peer) -> None:
    peer.server.stop()

    ((health, text),) = bad(look())

    assert health is Health.PROBLEM
    assert "connection refused" in text
