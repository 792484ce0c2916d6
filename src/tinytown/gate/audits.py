"""Hands what was tried over HTTP to the audit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from anyio import CapacityLimiter, to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from tinytown.gate.answer import Answer
from tinytown.gate.asking import (
    address_of,
    may_change,
    method_of,
    name_of,
    path_of,
    principal_of,
    printable,
    request_id_of,
)
from tinytown.services.audit import Audit, Audited

REFUSED = frozenset({401, 403, 421, 429})
_THREADS = 2
_LIMIT = 200


class Audits:
    """ASGI middleware. Changes are told after their answer, so that nobody waits for it.

    Args:
        app: what is behind it.
        audit: where to.
        clock: the time.
        own: paths of faces that tell of changes themselves; only what the gate refuses there is told here.
    """

    def __init__(
        self, app: ASGIApp, audit: Audit, clock: Callable[[], datetime], own: frozenset[str] = frozenset()
    ) -> None:
        self._app = app
        self._audit = audit
        self._clock = clock
        self._own = own
        self._limiter = CapacityLimiter(_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, then tell."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, is_change = path_of(scope), may_change(scope)  # routers may change the scope
        answer = Answer(send)
        await self._app(scope, receive, answer.send)
        tell = self._told(scope, path, answer.status, is_change=is_change)
        if tell is not None:
            await to_thread.run_sync(tell, self._audited(scope, path, answer.status), limiter=self._limiter)

    def _told(self, scope: Scope, path: str, status: int, *, is_change: bool) -> Callable[[Audited], None] | None:
        if status in REFUSED:
            return self._audit.refused
        if not is_change or path.rstrip("/") in self._own:
            return None
        # What failed may have been half done, but not when nobody was let in; and what anybody may have written into the
        # town's events would push others out.
        has_broken = status >= 500 and principal_of(scope) is not None  # noqa: PLR2004  a class of HTTP
        return self._audit.changed if status < 400 or has_broken else self._audit.refused  # noqa: PLR2004  another

    def _audited(self, scope: Scope, path: str, status: int) -> Audited:
        what, target = _operation(scope, path)
        return Audited(
            at=self._clock(),
            who=name_of(scope),
            what=what[:_LIMIT],
            target=target[:_LIMIT],
            result=str(status),
            request_id=request_id_of(scope),
            address=address_of(scope),
        )


def _operation(scope: Scope, path: str) -> tuple[str, str]:
    """The operation's name and what it is about, when a route was found; else method and path."""
    named = getattr(scope.get("route"), "operation_id", None)
    if not named:
        return f"{method_of(scope)} {path}", ""
    return str(named), " ".join(printable(str(value)) for value in scope.get("path_params", {}).values())
