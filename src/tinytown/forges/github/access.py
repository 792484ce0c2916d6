"""Who we are to GitHub: a token from the environment or from `gh`, or an App's installation.

Tokens are in memory only, and in no message: what is shown of a credential is whose it is.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Lock
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from tinytown.domain.errors import ForgeError
from tinytown.forges.github.address import is_loopback, web_host

_USUAL = ("GITHUB_TOKEN", "GH_TOKEN")
_OF_COMPANIES = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
_GH_SECS = 10.0


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A token and whose it is."""

    token: str
    identity: str
    """Whose quota is used: part of keys in Redis, no secret."""
    expires_at: datetime | None = None

    @property
    def mark(self) -> str:
        """What this very token is known by where answers that are valid for it alone are kept."""
        return hashed(self.token)

    def __repr__(self) -> str:
        return f"Credential({self.identity})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("identity", self.identity)]


class Access(Protocol):
    """Where credentials come from. Thread-safe."""

    def credential(self, now: datetime) -> Credential:
        """The credential to ask with.

        Raises:
            ForgeError: there is none, or it cannot be had; says what to do. ForgeUnavailableError: not just now.
        """
        ...

    def renew(self, refused: Credential, now: datetime) -> bool:
        """Get another credential in place of one that GitHub refused; whether there is another one now.

        Raises:
            ForgeError, ForgeUnavailableError: as `credential`.
        """
        ...

    def app_login(self) -> str | None:
        """The login by which an App acts; None: the token is no App's.

        Raises:
            ForgeError, ForgeUnavailableError: as `credential`.
        """
        ...


class TokenAccess:
    """A person's token, looked up when first needed, and again when it is refused."""

    def __init__(self, api_url: str, look_up: Callable[[], str]) -> None:
        self._api_url = api_url
        self._look_up = look_up
        self._lock = Lock()
        self._found: Credential | None = None

    def credential(self, now: datetime) -> Credential:  # noqa: ARG002  such a token's end is not known
        """The token's credential."""
        with self._lock:
            if self._found is None:
                self._found = self._fresh()
            return self._found

    def renew(self, refused: Credential, now: datetime) -> bool:  # noqa: ARG002  as above
        """Whether another token is to be found now than the one refused, e.g. after `gh auth refresh`."""
        with self._lock:
            if self._found is None or self._found.token == refused.token:
                self._found = self._fresh()
            return self._found.token != refused.token

    def app_login(self) -> str | None:
        """None: it is a person's."""
        return None

    def _fresh(self) -> Credential:
        token = self._look_up()
        return Credential(token=token, identity=hashed(f"{urlsplit(self._api_url).netloc}\n{token}"))


def token_access(api_url: str, environ: Mapping[str, str]) -> TokenAccess:
    """Access by GITHUB_TOKEN or GH_TOKEN (a company's server: by GH_ENTERPRISE_TOKEN), else by `gh auth token`."""
    return TokenAccess(api_url, lambda: find_token(api_url, environ))


def find_token(api_url: str, environ: Mapping[str, str]) -> str:
    """The token for an API.

    Raises:
        ForgeError: there is none, or it cannot be one; says what to do.
    """
    host, source = web_host(api_url), token_variable(api_url, environ)
    if source is not None:
        return checked_token(environ[source].strip(), source)
    return checked_token(_ask_gh(host, environ), "`gh auth token`")


def token_variable(api_url: str, environ: Mapping[str, str]) -> str | None:
    """The variable that has the token for an API; None: `gh` is asked for it."""
    return next((name for name in _variables(web_host(api_url)) if environ.get(name, "").strip()), None)


def _variables(host: str) -> tuple[str, ...]:
    """Which variables may have a host's token: settings are in the repository, and must not send GitHub's elsewhere."""
    if host == "github.com" or host.endswith(".ghe.com"):
        return _USUAL
    return (*_OF_COMPANIES, *_USUAL) if is_loopback(host) else _OF_COMPANIES


def hashed(text: str) -> str:
    """What a secret is known by: nobody gets from it back to the secret."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _ask_gh(host: str, environ: Mapping[str, str]) -> str:
    usual = _USUAL[0]
    named = usual if usual in _variables(host) else f"{_OF_COMPANIES[0]} ({usual} is for github.com only)"
    advice = f"set {named}, or log in with `gh auth login --hostname {host}`"
    argv = ("gh", "auth", "token", "--hostname", host)
    try:
        done = subprocess.run(
            argv, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, timeout=_GH_SECS, check=False
        )
    except FileNotFoundError as error:
        raise ForgeError(f"there is no token for {host}; {advice}") from error
    except subprocess.TimeoutExpired:
        # Not chained: it holds what gh has printed so far.
        raise ForgeError(f"`gh auth token` did not answer within {_GH_SECS:g} s; {advice}") from None
    except OSError as error:
        raise ForgeError(f"`gh` cannot be run ({(error.strerror or str(error)).lower()}); {advice}") from error
    token = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode != 0 or not token:
        raise ForgeError(f"there is no token for {host}; {advice}")
    return token


def checked_token(token: str, source: str) -> str:
    """The token, when it can stand in a header; one with a line break in it would be shown by what refuses it.

    Raises:
        ForgeError: it cannot.
    """
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ForgeError(f"what {source} says is not a token; set it anew")
    return token
