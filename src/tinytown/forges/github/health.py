"""What GitHub says of our access to a repository, found out by asking; nothing is changed there.

https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from tinytown.domain.errors import ForgeError, TinytownError
from tinytown.domain.finding import Finding, fine, problem, warning
from tinytown.forges.github.access import Access, token_variable
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.failures import clock_text, failure_of, server_time
from tinytown.forges.github.installation import AppAccess
from tinytown.forges.github.transport import Reply

AREA = "forge"
SKEW_SECS = 30.0
APP_SKEW_SECS = 60.0
"""What an App signs with a clock further ahead is refused."""
SOON = timedelta(days=7)
LOW = 0.1

_OK = 200
_NEEDED = {
    "contents": "write",
    "issues": "write",
    "pull_requests": "write",
    "checks": "read",
    "statuses": "read",
    "actions": "read",
    "metadata": "read",
}
_LEVELS = ("", "read", "write", "admin")
_SCOPES = "repo, workflow"
_FINE = "Contents, Issues, Pull requests: read and write; Commit statuses, Actions: read"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at."""

    api_url: str
    repository: Repository
    environ: Mapping[str, str]
    base: str | None = None
    """`[forge] default_branch`."""
    merge_method: str | None = None
    """`[forge] merge_method`."""


class _Permissions(msgspec.Struct, frozen=True):
    push: bool = False


class _Repository(msgspec.Struct, frozen=True):
    full_name: str
    default_branch: str = "main"
    private: bool = False
    archived: bool = False
    disabled: bool = False
    has_issues: bool = True
    permissions: _Permissions | None = None
    allow_merge_commit: bool | None = None
    allow_squash_merge: bool | None = None
    allow_rebase_merge: bool | None = None


def examine(client: GitHub, access: Access, subject: Subject, clock: Callable[[], datetime]) -> Iterator[Finding]:
    """Token, reachability, clock, quota, the repository and what may be done there."""
    try:
        token = access.credential(clock()).token
        yield fine(AREA, f"acts by {_source(access, subject)}")
        asked_at = clock()
        reply = client.probe(subject.repository.path())
    except ForgeError as error:
        yield problem(AREA, error.message, "see docs/github.md: tokens, proxies, [forge] api_url")
        return
    yield from _of_answer(reply, asked_at, is_app=isinstance(access, AppAccess))
    if reply.status != _OK:
        yield _refused(reply, subject, clock())
        return
    try:
        found = msgspec.json.decode(reply.body, type=_Repository)
    except (msgspec.DecodeError, UnicodeDecodeError):
        yield problem(AREA, f"{subject.api_url} answers something that is not GitHub's", "correct [forge] api_url")
        return
    yield from _of_repository(found, subject)
    yield from _rights(found, reply, access, token)
    yield from _readable(client, subject, found, clock)


def _source(access: Access, subject: Subject) -> str:
    if isinstance(access, AppAccess):
        return "a GitHub App (an installation token)"
    variable = token_variable(subject.api_url, subject.environ)
    return f"the token in {variable}" if variable else "the token of `gh auth token`"


def _of_answer(reply: Reply, asked_at: datetime, *, is_app: bool) -> Iterator[Finding]:
    """What any answer's headers tell."""
    if (there := server_time(reply.headers)) is not None:
        off = (asked_at - there).total_seconds()
        if abs(off) > (APP_SKEW_SECS if is_app else SKEW_SECS):
            text = f"this machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} GitHub's"
            yield (problem if is_app else warning)(AREA, text, "set it by NTP")
        else:
            yield fine(AREA, "this machine's clock agrees with GitHub's")
    yield from _quota(reply.headers, asked_at)
    yield from _expiry(reply.headers, asked_at)
    if reply.headers.get("x-github-sso", "").startswith("partial-results"):
        yield warning(
            AREA, "the token is not authorised for all organisations (single sign-on)", "authorise it in its settings"
        )


def _quota(headers: Mapping[str, str], now: datetime) -> Iterator[Finding]:
    try:
        left, limit = int(headers["x-ratelimit-remaining"]), int(headers["x-ratelimit-limit"])
        reset = datetime.fromtimestamp(int(headers["x-ratelimit-reset"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return  # a company's server may have no limit
    text = f"{left:,} of {limit:,} requests left until {clock_text(reset)}"
    wait = f"wait until then ({max(0, (reset - now).total_seconds()) / 60:.0f} min)"
    if left <= 0:
        yield problem(AREA, text, wait)
    elif left < LOW * limit:
        yield warning(AREA, text, f"{wait}, raise [mission] watch_interval_secs, or use a GitHub App, which has more")
    else:
        yield fine(AREA, text)


def _expiry(headers: Mapping[str, str], now: datetime) -> Iterator[Finding]:
    text = headers.get("github-authentication-token-expiration", "")
    try:
        end = datetime.strptime(text.removesuffix(" UTC")[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return
    if end - now < SOON:
        yield warning(AREA, f"the token ends on {end:%Y-%m-%d %H:%M} UTC", "make a new one in time")
    else:
        yield fine(AREA, f"the token is good until {end:%Y-%m-%d}")


def _refused(reply: Reply, subject: Subject, now: datetime) -> Finding:
    match reply.status:
        case 401:
            return problem(
                AREA, "GitHub refuses the token", "it ended or was taken back: make a new one, or `gh auth login`"
            )
        case 404:
            return problem(
                AREA,
                f"GitHub has no {subject.repository}, or the token may not see it",
                "correct origin or [forge] repository, or give the token access to it",
            )
        case _:
            return problem(AREA, str(failure_of(reply, str(subject.repository), now=now)), "see docs/github.md")


def _of_repository(found: _Repository, subject: Subject) -> Iterator[Finding]:
    kind = "private" if found.private else "public"
    yield fine(
        AREA, f"{found.full_name} ({kind}) can be read; pull requests go into {subject.base or found.default_branch}"
    )
    if found.full_name.lower() != str(subject.repository).lower():
        yield warning(AREA, f"{subject.repository} is called {found.full_name} now", "git remote set-url origin …")
    if found.archived or found.disabled:
        yield problem(
            AREA, f"{found.full_name} is {'archived' if found.archived else 'disabled'}", "nothing can be pushed"
        )
    if not found.has_issues:
        yield warning(
            AREA, f"{found.full_name} has its issues switched off", "switch them on in its settings, or use --doc"
        )
    yield from _methods(found, subject)


def _methods(found: _Repository, subject: Subject) -> Iterator[Finding]:
    said = {"merge": found.allow_merge_commit, "squash": found.allow_squash_merge, "rebase": found.allow_rebase_merge}
    if all(is_allowed is None for is_allowed in said.values()):
        return  # told only to those who may push
    allowed = [name for name, is_allowed in said.items() if is_allowed]
    wanted = subject.merge_method
    if not allowed:
        yield problem(AREA, "the repository allows no way of merging", "allow one in its settings")
    elif wanted is not None and wanted not in allowed:
        yield problem(
            AREA, f"[forge] merge_method is {wanted}, the repository allows {', '.join(allowed)}", "choose one of these"
        )
    else:
        yield fine(AREA, f"merges by {wanted or allowed[0]} (allowed: {', '.join(allowed)})")


def _rights(found: _Repository, reply: Reply, access: Access, token: str) -> Iterator[Finding]:
    """What the token may do, as far as that can be told without doing it."""
    if isinstance(access, AppAccess):
        yield from _of_app(access.permissions)
        return
    if found.permissions is not None and not found.permissions.push:
        yield problem(
            AREA, f"the token's user may not push to {found.full_name}", "have somebody give them write access"
        )
    scopes = reply.headers.get("x-oauth-scopes")
    if scopes is not None:
        yield from _of_scopes({scope.strip() for scope in scopes.split(",")}, is_private=found.private)
    elif token.startswith("github_pat_"):
        yield fine(AREA, f"a fine-grained token; it needs {_FINE}")
        if found.private:
            yield warning(
                AREA,
                "a fine-grained token cannot read check runs of a private repository",
                f"use a GitHub App, or a classic token with the scopes {_SCOPES}",
            )


def _of_scopes(scopes: set[str], *, is_private: bool) -> Iterator[Finding]:
    if "repo" not in scopes and (is_private or "public_repo" not in scopes):
        has = ", ".join(sorted(scopes - {""})) or "none"
        yield problem(AREA, f"the token lacks the scope repo (it has: {has})", f"give it the scopes {_SCOPES}")
    elif "workflow" not in scopes:
        yield warning(
            AREA,
            "the token lacks the scope workflow: changes of .github/workflows cannot be pushed",
            "add it if needed",
        )
    else:
        yield fine(AREA, f"the token has the scopes {', '.join(sorted(scopes))}")


def _of_app(permissions: Mapping[str, str]) -> Iterator[Finding]:
    def lacks(name: str, level: str) -> bool:
        has = permissions.get(name, "")
        return has not in _LEVELS or _LEVELS.index(has) < _LEVELS.index(level)

    if missing := [f"{name}: {level}" for name, level in _NEEDED.items() if lacks(name, level)]:
        yield problem(
            AREA,
            f"the App lacks permissions: {', '.join(missing)}",
            "add them in the App, then accept them where it is installed",
        )
    else:
        yield fine(AREA, "the App has the permissions it needs")
    if lacks("workflows", "write"):
        yield warning(
            AREA, "the App may not push changes of .github/workflows", "give it workflows: write if agents change them"
        )


def _readable(client: GitHub, subject: Subject, found: _Repository, clock: Callable[[], datetime]) -> Iterator[Finding]:
    """Whether each kind of thing that missions look at can be read."""
    here, base = subject.repository, subject.base or found.default_branch
    paths = {
        "pull requests": here.path("/pulls"),
        "issues": here.path("/issues") if found.has_issues else "",
        "check runs": here.path("/commits/{b}/check-runs", b=base),
        "commit statuses": here.path("/commits/{b}/status", b=base),
        "rules of branches": here.path("/rules/branches/{b}", b=base),
    }
    readable = []
    for what, path in paths.items():
        if not path:
            continue
        try:
            reply = client.probe(path)
        except TinytownError as error:
            yield problem(AREA, f"{what}: {error.message}", "try again")
            continue
        if reply.status == _OK:
            readable.append(what)
        else:
            yield _unreadable(what, reply, clock())
    if readable:
        yield fine(AREA, f"can read {', '.join(readable)}")


def _unreadable(what: str, reply: Reply, now: datetime) -> Finding:
    reason = str(failure_of(reply, what, now=now))
    if what == "rules of branches":
        return warning(AREA, reason, "required checks are then known only from what GitHub says of a merge")
    return problem(AREA, reason, "give the token the right to read it")
