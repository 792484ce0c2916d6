"""Where a Redis server is: `unix://`, `redis://` and `rediss://` URLs as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import msgspec

from tinytown.domain.errors import ConfigError

DEFAULT_PORT = 6379
_SCHEMES = ("unix", "redis", "rediss")
_TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OPTIONS = ("db", "username", "password", *_TLS_OPTIONS)
_CREDENTIALS = re.compile(r"(?<=://).*@|(?<=password=)[^&\s]*")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """One server and how to log in to it."""

    scheme: str
    """`unix`, `redis` or `rediss` (TLS)."""
    path: str = ""
    """The socket's path, of a unix address."""
    host: str = "localhost"
    port: int = DEFAULT_PORT
    username: str | None = None
    password: str | None = None
    db: int = 0
    ssl_ca_certs: str | None = None
    """A file of certificates to trust instead of the system's."""
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None

    def __str__(self) -> str:
        """The URL without user name, password and TLS options: fit for messages."""
        place = self.path if self.scheme == "unix" else f"{_bracketed(self.host)}:{self.port}"
        return f"{self.scheme}://{place}" + (f"?db={self.db}" if self.db else "")

    def __repr__(self) -> str:
        """As `str`: a password must not show up in a traceback."""
        return f"Address({self})"


def redacted(url: str) -> str:
    """The URL with its user name and password replaced by `***`."""
    return _CREDENTIALS.sub(lambda found: "***@" if found[0].endswith("@") else "***", url)


def parse_url(url: str) -> Address:
    """Read a Redis URL: `unix:///path[?db=N]`, `redis://[user[:password]@]host[:port][/N]`, `rediss://…` for TLS.

    Raises:
        ConfigError: it is none of these.
    """
    try:
        parts = urlsplit(url.strip())
        options = _options(parts.query)
        if parts.scheme == "unix":
            return _unix(parts, options)
        if parts.scheme in _SCHEMES:
            return _network(parts, options)
    except ValueError as error:
        raise ConfigError(f"the Redis URL {redacted(url)} is not valid: {error}") from error
    raise ConfigError(
        f"the Redis URL {redacted(url)} is not valid: it must begin with unix://, redis:// or rediss:// (TLS)"
    )


def _unix(parts: SplitResult, options: Mapping[str, str]) -> Address:
    if parts.hostname:
        raise ValueError("a unix URL has three slashes before an absolute path, as in unix:///run/redis.sock")
    if not parts.path.strip("/"):
        raise ValueError("it names no socket")
    if "\0" in unquote(parts.path):
        raise ValueError("a path cannot contain a NUL character")
    username, password = _login(parts, options)
    db = _db(options.get("db") or "0")
    return Address(scheme="unix", path=unquote(parts.path), username=username, password=password, db=db)


def _network(parts: SplitResult, options: Mapping[str, str]) -> Address:
    if parts.scheme == "redis" and any(name in options for name in _TLS_OPTIONS):
        raise ValueError("ssl_… options need rediss://")
    username, password = _login(parts, options)
    return Address(
        scheme=parts.scheme,
        host=_host(parts),
        port=_port(parts),
        username=username,
        password=password,
        db=_db(options.get("db") or parts.path.strip("/") or "0"),
        ssl_ca_certs=options.get("ssl_ca_certs"),
        ssl_certfile=options.get("ssl_certfile"),
        ssl_keyfile=options.get("ssl_keyfile"),
    )


def _options(query: str) -> dict[str, str]:
    options = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    if unknown := sorted(options.keys() - set(_OPTIONS)):
        raise ValueError(f"unknown option '{unknown[0]}'; known are {', '.join(_OPTIONS)}")
    return options


def _login(parts: SplitResult, options: Mapping[str, str]) -> tuple[str | None, str | None]:
    username = unquote(parts.username) if parts.username else options.get("username")
    password = unquote(parts.password) if parts.password else options.get("password")
    return username or None, password or None


def _host(parts: SplitResult) -> str:
    host = parts.hostname or "localhost"
    if not host.isascii():
        host.encode("idna")  # a name that cannot be looked up is told here
    return host


# What is wrong may be a part of a password with a slash in it: the two below do not repeat it.


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or DEFAULT_PORT
    except ValueError:
        raise ValueError(
            "the port must be a number up to 65535 (in a password, write '/' as %2F, '@' as %40, ':' as %3A)"
        ) from None


def _db(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("the database must be a number")
    return int(text)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
