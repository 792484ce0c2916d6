"""Whose sessions are open: nobody has all of them, and who asks nothing gives way.

The SDK keeps the sessions and closes one that was idle for long; this counts them by what is answered, and closes one as
its client would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tinytown.domain.access import OPERATOR, Principal
from tinytown.gate.asking import principal_of
from tinytown.gate.problems import problem

SESSION_ID = "mcp-session-id"
PROTOCOL = "mcp-protocol-version"
RETRY_SECS = 10
_OK, _NOT_FOUND = 200, 404


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions there may be, and for how long."""

    total: int = 200
    """So many clients at once; another is refused with 503."""
    each: int = 50
    """So many of one principal; another closes its idlest one. Where nobody is asked who they are, all are one's."""
    idle_secs: float = 1800.0
    """A session that nobody asked anything for so long is closed."""
    unasked_secs: float = 60.0
    """A session that was never asked anything for so long gives way when there is no room."""


class _Session:
    """One that is open, or about to be."""

    def __init__(self, owner: str, now: float) -> None:
        self.id = ""
        self.owner = owner
        self.begun = now
        self.used = now
        self.under_way = 0
        self.was_asked = False


class Sessions:
    """ASGI: has each session belong to whoever began it, and bounds how many there are.

    Args:
        app: the SDK's.
        limits: of this server.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._open: list[_Session] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse to open one more."""
        principal = principal_of(scope)
        headers = Headers(scope=scope)
        found = self._session(headers, principal)
        if found is None and _opens(headers):
            if not await self._has_room(principal):
                await self._refuse(scope, receive, send)
                return
            found = self._begin(principal)
        scope = {**scope, **_user(_owner(principal))}
        if found is None:
            await self._app(scope, receive, send)
            return
        with self._using(found):
            await self._app(scope, receive, self._watching(found, scope["method"], send))

    def _session(self, headers: Headers, principal: Principal | None) -> _Session | None:
        wanted, owner = headers.get(SESSION_ID), _owner(principal)
        return next((one for one in self._open if wanted and one.id == wanted and one.owner == owner), None)

    def _begin(self, principal: Principal | None) -> _Session:
        made = _Session(_owner(principal), _now())
        self._open.append(made)
        return made

    async def _has_room(self, principal: Principal | None) -> bool:
        """Make room if need be, and tell whether the principal may have another one."""
        now = _now()
        self._open = [one for one in self._open if one.under_way or now - one.used < self._limits.idle_secs]
        if principal is not None and principal != OPERATOR:
            mine = [one for one in self._open if one.owner == principal.name]
            if len(mine) >= self._limits.each and not await self._close_idlest(
                one for one in mine if not one.under_way
            ):
                return False
        if len(self._open) >= self._limits.total:
            early = now - self._limits.unasked_secs
            await self._close_idlest(one for one in self._open if not one.was_asked and one.begun <= early)
        return True

    async def _close_idlest(self, among: Iterable[_Session]) -> bool:
        """Close one as its client would; false: there is none that is known by its id."""
        idlest = min((one for one in among if one.id), key=lambda one: one.used, default=None)
        if idlest is None:
            return False
        self._forget(idlest)
        headers = [(SESSION_ID.encode(), idlest.id.encode())]
        scope: Scope = {"type": "http", "method": "DELETE", "path": "/", "query_string": b"", "headers": headers}
        await self._app({**scope, **_user(idlest.owner)}, _nothing_more, _unheard)
        return True

    @contextmanager
    def _using(self, session: _Session) -> Iterator[None]:
        session.under_way += 1
        try:
            yield
        finally:
            session.under_way -= 1
            session.used = _now()
            if not session.id:  # none was opened
                self._forget(session)

    def _watching(self, session: _Session, method: str, send: Send) -> Send:
        """See what becomes of the session."""

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                status, is_new = message["status"], not session.id
                if is_new and status == _OK:
                    session.id = Headers(raw=message["headers"]).get(SESSION_ID, "")
                elif status == _NOT_FOUND or (method == "DELETE" and status == _OK):
                    self._forget(session)
                elif method == "POST" and status == _OK:  # what asks nothing is answered with 202
                    session.was_asked = True
            await send(message)

        return watch

    def _forget(self, session: _Session) -> None:
        if session in self._open:
            self._open.remove(session)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = (
            f"you have {self._limits.each} sessions that are in use, as many as one may have; end one, or come back"
        )
        answer = problem(429, "too-many-requests", detail, headers={"Retry-After": str(RETRY_SECS)})
        await answer(scope, receive, send)


def _opens(headers: Headers) -> bool:
    """Whether the SDK would open a session for it: later protocols have none."""
    return SESSION_ID not in headers and headers.get(PROTOCOL, "") in {"", *HANDSHAKE_PROTOCOL_VERSIONS}


def _owner(principal: Principal | None) -> str:
    return principal.name if principal is not None else ""


def _user(owner: str) -> dict[str, object]:
    """By this the SDK knows whose session it is."""
    return {"user": AuthenticatedUser(AccessToken(token="", client_id=owner, scopes=[]))} if owner else {}


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _nothing_more() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _unheard(_: Message) -> None:
    """Nobody waits for this answer."""
