"""One request with its answer: who asks, whether the quota allows it, what a refusal means, and who it counts for."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

import msgspec
from gidgethub.sansio import create_headers

from tinytown import __version__
from tinytown.domain.errors import ForgeUnavailableError, TinytownError
from tinytown.forges.github.access import Access, Credential
from tinytown.forges.github.failures import (
    failure_elsewhere,
    failure_of,
    is_locked_out,
    quota_failure,
    server_time,
)
from tinytown.forges.github.quota import Purpose, Quota
from tinytown.forges.github.transport import Reply, Request, Transport
from tinytown.repository.time_limit import left_secs

JSON = "application/vnd.github+json"
API_VERSION = "2022-11-28"
"""The next one leaves `merge_commit_sha` out of pull requests; GitHub's own servers at companies do not know it yet."""

_NOT_MODIFIED = 304
_REDIRECTION = 300
_UNAUTHORIZED = 401


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request before anybody asks it."""

    method: str
    url: str
    what: str
    """What is asked for, as a person would call it."""
    resource: str
    """What GitHub counts it against: `core`, `search`, `graphql`."""
    is_reading: bool
    """Whether it changes nothing, so that it may be repeated."""
    deadline: float
    """When to give up, by the monotonic clock."""
    body: bytes = b""
    accept: str = JSON
    etag: str | None = None
    """What was read before has this tag: "not modified" will do."""
    keep_last: int | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, and what it was asked with."""

    reply: Reply
    credential: Credential

    @property
    def is_unmodified(self) -> bool:
        """Whether what was read before still holds."""
        return self.reply.status == _NOT_MODIFIED


class Session:
    """Asks GitHub. Thread-safe; requests that change something are made one at a time."""

    def __init__(self, transport: Transport, access: Access, quota: Quota, clock: Callable[[], datetime]) -> None:
        self.transport = transport
        self.access = access
        self.quota = quota
        self.clock = clock
        self._changing = Lock()
        self._ahead = timedelta(0)

    def ask(self, call: Call, purpose: Purpose) -> Answered:
        """The answer: of status 2xx, or 304 when the call has a tag.

        Raises:
            ForgeUnavailableError: try later; when the call changes something, it may have been carried out.
            QuotaError: not before then. ForgeError, NotFoundError, ConflictError: GitHub refused.
        """
        if call.is_reading:
            return self._accepted(call, purpose)
        with self._changing:
            return self._accepted(call, purpose)

    def reply(self, call: Call, purpose: Purpose, credential: Credential | None = None) -> Reply:
        """The answer whatever it says; the quota is noted but not asked. ForgeUnavailableError: none came."""
        who = credential or self.access.credential(self.clock())
        return self._once(call, purpose, who, strikes=0)

    def now(self) -> datetime:
        """The time by GitHub's clock, as its last answer told it; ours, when none did."""
        return self.clock() + self._ahead

    def deadline(self) -> float:
        """When a call that begins now must be over."""
        return time.monotonic() + left_secs(self.transport.total_secs)

    def _accepted(self, call: Call, purpose: Purpose) -> Answered:
        credential = self.access.credential(self.clock())
        reply = self._admitted(call, purpose, credential)
        if _is_refused(reply):
            credential, reply = self._renewed(call, purpose, credential)
        if reply.elsewhere and reply.status >= _REDIRECTION:
            raise failure_elsewhere(reply, call.what)
        if reply.status < _REDIRECTION or (reply.status == _NOT_MODIFIED and call.etag is not None):
            return Answered(reply=reply, credential=credential)
        if reply.status == _NOT_MODIFIED:
            raise ForgeUnavailableError(f"{call.what} is unchanged, says what was never asked; it is tried again")
        if is_locked_out(reply):
            raise self.quota.refused(credential, self.clock())
        raise failure_of(reply, call.what, now=self.clock())

    def _renewed(self, call: Call, purpose: Purpose, refused: Credential) -> tuple[Credential, Reply]:
        """What comes of asking once more with a new token, when there is one."""
        now = self.clock()
        if not self.access.renew(refused, now):
            raise self.quota.refused(refused, now)
        if not call.is_reading:
            raise ForgeUnavailableError(f"the token for GitHub was renewed; {call.what} is tried again")
        credential = self.access.credential(now)
        reply = self._admitted(msgspec.structs.replace(call, etag=None), purpose, credential)
        if _is_refused(reply):
            raise self.quota.refused(credential, self.clock())
        return credential, reply

    def _admitted(self, call: Call, purpose: Purpose, credential: Credential) -> Reply:
        admission = self.quota.check(credential, call.resource, purpose, self.clock())
        return self._once(call, purpose, credential, strikes=admission.strikes, is_strict=True)

    def _once(
        self, call: Call, purpose: Purpose, credential: Credential, *, strikes: int, is_strict: bool = False
    ) -> Reply:
        """One exchange, counted; when strict, a limit met is an error."""
        request = Request(method=call.method, url=call.url, headers=_headers(call, credential), body=call.body)
        try:
            reply = self.transport.exchange(request, keep_last=call.keep_last, deadline=call.deadline)
        except TinytownError:
            self.quota.count(credential, purpose, "sent", "failed", call.resource)
            raise
        is_failed = reply.status >= _REDIRECTION and reply.status != _NOT_MODIFIED
        outcome = ("free",) if reply.status == _NOT_MODIFIED else ("failed",) if is_failed else ()
        self.quota.count(credential, purpose, "sent", call.resource, *outcome)
        if reply.elsewhere:
            return reply  # what it says of a quota is not of ours
        if (at := server_time(reply.headers)) is not None:
            self._ahead = at - self.clock()
        limit = self.quota.note(credential, call.resource, reply, self.clock(), strikes=strikes)
        if limit is not None and is_strict:
            raise quota_failure(limit)
        return reply


def _is_refused(reply: Reply) -> bool:
    """Whether GitHub does not take the token; what another host does not take is no token."""
    return reply.status == _UNAUTHORIZED and not reply.elsewhere


def _headers(call: Call, credential: Credential) -> dict[str, str]:
    headers = create_headers(f"tinytown/{__version__}", accept=call.accept)
    headers["authorization"] = f"Bearer {credential.token}"
    headers["x-github-api-version"] = API_VERSION
    if call.body:
        headers["content-type"] = "application/json"
    if call.etag is not None:
        headers["if-none-match"] = call.etag
    return headers
