"""`Idempotency-Key`: a request that is sent again under its key is answered again, not carried out again.

The key is its sender's: two who use the same one do not meet. The answer is kept for a day, but not one that says that
the request was not let in (401, 403, 429) or that the server failed (5xx): then it may be sent again. A request goes on
when nobody waits for its answer any more, so that the next one with its key learns what became of it; should the server
die meanwhile, the key is free again after the time limit of requests and two minutes.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Coroutine
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tinytown.domain.access import Principal
from tinytown.domain.errors import InvalidInputError, TinytownError
from tinytown.domain.ids import new_id
from tinytown.gate.asking import may_change
from tinytown.gate.problems import of_error, problem
from tinytown.store.replies import Attempt, Claim, Reply, ReplyStore
from tinytown.townhall.context import Context
from tinytown.townhall.refusals import refusal

log = structlog.get_logger("tinytown.townhall")

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
PREFIX = "/v1/"
WRITING = frozenset({"POST", "PATCH", "PUT", "DELETE"})
KEY_LIMIT = 255
MORE_MS = 120_000
"""After the time limit of a request, how long its key is taken should it never end."""
LONGEST_REPLY = 1024 * 1024
"""Bytes of an answer that is kept; of a longer one only that there was one."""

_KEY = re.compile(rf"[!-~]{{1,{KEY_LIMIT}}}")
_NOT_KEPT = frozenset({401, 403, 429})
_KEPT_HEADERS = frozenset({"content-type", "location"})
_TOO_LONG = 0
"""Stands for the status of an answer that was too long to be kept."""


class Idempotency:
    """ASGI middleware inside the application: the gate has found out who asks."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._context = context
        self._under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what has no key, carry out the rest once."""
        values = Headers(scope=scope).getlist(HEADER) if _may_have_key(scope) else []
        principal = scope.get("state", {}).get("principal")
        if not values or not isinstance(principal, Principal):  # whom nobody knows, the routes refuse
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._once(scope, receive, send, _identity(principal, values))
        except TinytownError as error:
            answer = refusal(error)
        if answer is not None:
            await answer(scope, receive, send)

    async def _once(self, scope: Scope, receive: Receive, send: Send, identity: str) -> Response | None:
        """The answer, unless the request was carried out, which answers itself."""
        limit = self._context.settings_now.townhall.max_body_bytes
        try:
            body = await _body(Request(scope, receive), limit)
        except ClientDisconnect:  # or the gate found it too large, and answers that itself
            return of_error(InvalidInputError("the body is cut short"))
        if body is None:
            return problem(413, "too-large", f"the body is larger than {limit} bytes; send less at a time")
        attempt = Attempt(id=identity, fingerprint=_fingerprint(scope, body), token=new_id())
        claim = await self._claimed(attempt)
        if claim != "claimed":
            return _repeated(claim)
        task = self._begin(self._carry_out(scope, _Once(body, receive), send, attempt))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_tell_of_failure)
            raise
        return None

    async def _claimed(self, attempt: Attempt) -> Claim:
        """The claim. Who is given up while the store is asked carries nothing out, so the key is freed."""
        claiming = asyncio.ensure_future(run_in_threadpool(self._claim, attempt))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            self._begin(self._let_go(claiming, attempt)).add_done_callback(_tell_of_failure)
            raise

    async def _let_go(self, claiming: asyncio.Future[Claim], attempt: Attempt) -> None:
        with suppress(TinytownError):
            if await claiming == "claimed":
                await run_in_threadpool(self._settle, attempt, None)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have it end whatever becomes of who asked."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _carry_out(self, scope: Scope, receive: Receive, send: Send, attempt: Attempt) -> None:
        answer = _Answer(send)
        reply = None
        try:
            await self._app(scope, receive, answer.take)
            reply = answer.reply()
        finally:
            await run_in_threadpool(self._settle, attempt, reply)
        await answer.give()

    def _claim(self, attempt: Attempt) -> Claim:
        busy_ms = self._context.settings_now.townhall.request_timeout_ms + MORE_MS
        with self._context.towns.lend() as town:
            return ReplyStore(town.connection, town.keys).claim(attempt, busy_ms=busy_ms)

    def _settle(self, attempt: Attempt, reply: Reply | None) -> None:
        """Keep the answer, or free the key; when the store is away, the key is free in a while."""
        try:
            with self._context.towns.lend() as town:
                store = ReplyStore(town.connection, town.keys)
                if reply is None:
                    store.free(attempt)
                else:
                    store.keep(attempt, reply)
        except TinytownError as error:
            log.warning("an answer could not be kept for its key", action="reply_lost", why=error.message)


class _Once:
    """A body that was read already, as if it came."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class _Answer:
    """An answer, held back until it is kept; of one that is too long for that, only the end is."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._held: list[Message] = []
        self._start: Message | None = None
        self._size = 0
        self._is_too_long = False

    async def take(self, message: Message) -> None:
        """One message of the answer."""
        self._held.append(message)
        if message["type"] == "http.response.start":
            self._start = message
        self._size += len(message.get("body", b""))
        if self._size > LONGEST_REPLY:
            self._is_too_long = True
            if message.get("more_body", False):  # whoever has all of it may ask again at once
                await self.give()

    async def give(self) -> None:
        """Send what is held back."""
        held, self._held = self._held, []
        for message in held:
            await self._send(message)

    def reply(self) -> Reply | None:
        """What is to be kept, if anything."""
        if self._start is None:
            return None
        status = int(self._start["status"])
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _NOT_KEPT:
            return None
        if self._is_too_long:
            return Reply(status=_TOO_LONG, headers={}, body=b"")
        headers = {name: value for name, value in Headers(raw=self._start["headers"]).items() if name in _KEPT_HEADERS}
        return Reply(status=status, headers=headers, body=b"".join(m.get("body", b"") for m in self._held))


async def _body(request: Request, limit: int) -> bytes | None:
    """The whole body; None when it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def _may_have_key(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in WRITING:
        return False
    return may_change(scope) and str(scope["path"]).startswith(PREFIX)


def _identity(principal: Principal, values: list[str]) -> str:
    """Of who sends it and the key; the name is in no key of the store."""
    if len(values) > 1 or not _KEY.fullmatch(values[0]):
        said = f"{HEADER} is one value of 1 to {KEY_LIMIT} visible ASCII characters, such as a UUID"
        raise InvalidInputError(said, field=f"header.{HEADER.lower()}")
    return hashlib.sha256(f"{principal.name}\0{values[0]}".encode()).hexdigest()


def _fingerprint(scope: Scope, body: bytes) -> str:
    parts = (scope["method"].encode(), scope["path"].encode(), scope.get("query_string", b""), body)
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.hexdigest()


def _repeated(claim: Claim) -> Response:
    if claim == "other":
        detail = f"this {HEADER} was sent with another request; give each request a key of its own"
        return problem(422, "idempotency-key-reused", detail)
    if claim == "busy":
        detail = "the request with this key is still under way; ask again in a moment"
        return problem(409, "idempotency-key-in-use", detail, headers={"Retry-After": "1"})
    assert isinstance(claim, Reply)  # noqa: S101  narrows the type
    if claim.status == _TOO_LONG:
        detail = "the request was carried out, and its answer was too long to be kept; look at what became of it"
        return problem(409, "answer-not-kept", detail, headers={REPLAYED: "true"})
    return Response(claim.body, claim.status, {**claim.headers, REPLAYED: "true"})


def _tell_of_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a request that nobody waited for any more failed", action="late_failure", exc_info=error)
