"""The last error boundary: a bug is logged with its trace, and answered without a word of it."""

from __future__ import annotations

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from tinytown.gate.answer import Answer
from tinytown.gate.asking import method_of
from tinytown.gate.problems import problem

log = structlog.get_logger("tinytown.townhall")


class LastResort:
    """ASGI middleware. A bug in the middle of an answer cuts the connection: nobody takes half for the whole."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; nothing but being cancelled comes back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = Answer(send)
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            log.debug("the client went away", action="client_gone")
        except Exception as error:  # the boundary
            log.exception("a bug", action="townhall_bug", method=method_of(scope), exc_info=error)
            if not answer.status:
                detail = "something went wrong in the server; its log says what, under the id of this request"
                await problem(500, "internal", detail)(scope, receive, send)
