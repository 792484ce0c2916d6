"""Requests to GitHub over HTTP: one connection pool for all threads, own redirects, limits of time and size; no JSON."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from ssl import create_default_context
from threading import Lock
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2
import msgspec

from tinytown.domain.errors import ForgeError, ForgeUnavailableError

CONNECTIONS = 8
"""At most so many requests at once; GitHub bears 100 for all of a token's processes."""

_CONNECT_SECS = 5.0
_KEEPALIVE_SECS = 4.0
"""Shorter than servers usually keep idle connections, so that they do not close them just as a request is sent."""
_MAX_BYTES = 20_000_000
_MAX_HOPS = 3
_FOLLOWED = frozenset({301, 302, 307, 308})
_KEEP_METHOD = frozenset({307, 308})
_READING = frozenset({"GET", "HEAD"})


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. `headers` may hold the token: it goes to the API's own origin only."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Request({self.method} {self.url})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("method", self.method), ("url", self.url)]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False
    """Whether only the end of a longer body is there."""
    elsewhere: str = ""
    """The other host that had a say in it; empty when all of it is the API's."""


class Transport:
    """Exchanges requests for replies with one API. Thread-safe; `close()` it."""

    def __init__(self, api_url: str, *, timeout_secs: float = 10.0, total_secs: float = 20.0) -> None:
        """Open nothing yet.

        Args:
            api_url: `[forge] api_url`; its origin is who may see the token.
            timeout_secs: how long the server may be silent.
            total_secs: how long an exchange may take, redirects included.
        """
        self.api_url = api_url
        self._origin = _origin(api_url)
        self._timeout_secs = timeout_secs
        self._total_secs = total_secs
        self._making = Lock()

    @property
    def total_secs(self) -> float:
        """How long an exchange may take."""
        return self._total_secs

    @property
    def host(self) -> str:
        """The API's host, for messages."""
        return urlsplit(self.api_url).netloc

    def exchange(self, request: Request, *, keep_last: int | None = None, deadline: float | None = None) -> Reply:
        """Send a request and read the whole answer, whatever its status.

        A GET is followed within the API's origin as it is, and where the end of a file is wanted, elsewhere without our
        headers. Other methods are followed within the origin, by the redirects that keep the method; others are answers.

        Args:
            request: its URL must be of the API's origin.
            keep_last: of a longer body, a file's, only so many bytes at its end are kept.
            deadline: when to give up, by the monotonic clock, before `total_secs` are over.

        Raises:
            ForgeUnavailableError: no complete answer came; for other methods than GET it may have been carried out.
            ForgeError: the URL is not the API's.
        """
        if _origin(request.url) != self._origin:
            raise ForgeError(
                f"GitHub at {self.host} points to {_shown(request.url)}, which is not its own; see `tt doctor`"
            )
        deadline = deadline or time.monotonic() + self._total_secs
        elsewhere, hops = "", 0
        while True:
            reply = self._once(request, keep_last, deadline)
            moved = self._redirected(request, reply, is_file=keep_last is not None)
            if moved is None or hops == _MAX_HOPS:
                return msgspec.structs.replace(reply, elsewhere=elsewhere)
            request, hops = moved, hops + 1
            elsewhere = elsewhere if _origin(request.url) == self._origin else _shown(request.url)

    def close(self) -> None:
        """Close all connections."""
        with self._making:
            if "_client" in self.__dict__:
                self._client.close()
                del self.__dict__["_client"]

    @cached_property
    def _client(self) -> httpx2.Client:
        """Made when first needed: reading the trusted certificates takes 40 ms."""
        verify = create_default_context() if self.api_url.startswith("https:") else False
        limits = httpx2.Limits(
            max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=_KEEPALIVE_SECS
        )
        return httpx2.Client(limits=limits, verify=verify, follow_redirects=False)

    def _once(self, request: Request, keep_last: int | None, deadline: float) -> Reply:
        with self._making:
            client = self._client
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._unavailable("no time left to ask")
        silence = min(self._timeout_secs, left)
        with self._said(request):
            sent = client.stream(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body or None,
                timeout=httpx2.Timeout(silence, connect=min(_CONNECT_SECS, silence), pool=left),
            )
            with sent as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                body, is_cut = self._read(response, keep_last, deadline)
                return Reply(status=response.status_code, headers=headers, body=body, is_cut=is_cut)

    def _read(self, response: httpx2.Response, keep_last: int | None, deadline: float) -> tuple[bytes, bool]:
        kept, seen = bytearray(), 0
        for chunk in response.iter_bytes():
            kept += chunk
            seen += len(chunk)
            if keep_last is not None and len(kept) > 2 * keep_last:
                del kept[:-keep_last]
            if seen > _MAX_BYTES:
                if keep_last is None:
                    raise ForgeUnavailableError(f"GitHub at {self.host} answered more than {_MAX_BYTES:,} bytes")
                break
            if time.monotonic() > deadline:
                raise self._unavailable("no complete answer in time")
        if keep_last is not None:
            del kept[:-keep_last]
        return bytes(kept), seen > len(kept)

    def _redirected(self, request: Request, reply: Reply, *, is_file: bool) -> Request | None:
        """The request that the reply sends us to, None when the reply is the answer."""
        if reply.status not in _FOLLOWED or "location" not in reply.headers:
            return None
        url = urljoin(request.url, reply.headers["location"])
        if _origin(url) == self._origin:
            may = request.method in _READING or reply.status in _KEEP_METHOD
            return msgspec.structs.replace(request, url=url) if may else None
        if not is_file or request.method not in _READING or urlsplit(url).scheme != self._origin[0]:
            return None  # nor from https to http, or from a test's http to an https that is not verified
        return Request(method=request.method, url=url, headers={"user-agent": request.headers.get("user-agent", "")})

    @contextmanager
    def _said(self, request: Request) -> Iterator[None]:
        """Trouble on the way in our words: the library's may hold headers or signed addresses."""
        where = _shown(request.url)
        try:
            yield
        except httpx2.TimeoutException as error:
            raise self._unavailable("no answer in time", where) from error
        except httpx2.ConnectError as error:
            raise self._unavailable(str(error).lower() or "no connection", where) from error
        except httpx2.TransportError as error:
            raise self._unavailable("the connection broke", where) from error
        except httpx2.DecodingError as error:
            raise self._unavailable("the answer is garbled", where) from error
        except httpx2.InvalidURL as error:
            raise self._unavailable("it names an address that is not valid", where) from error

    def _unavailable(self, reason: str, where: str | None = None) -> ForgeUnavailableError:
        return ForgeUnavailableError(f"GitHub at {where or self.host}: {reason}; it is tried again")


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        port = None
    return parts.scheme, parts.hostname or "", port


def _shown(url: str) -> str:
    """A URL's host alone: what follows may be a signature, what precedes a password."""
    return urlsplit(url).netloc.rpartition("@")[2]
