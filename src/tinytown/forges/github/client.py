"""GitHub's REST and GraphQL interfaces, typed: reading is repeated and conditional, changing is done once."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from tinytown.domain.errors import ForgeUnavailableError, QuotaError
from tinytown.forges.github.address import graphql_url
from tinytown.forges.github.conditional import Conditional, Kept
from tinytown.forges.github.graphql import read_answer
from tinytown.forges.github.quota import Purpose
from tinytown.forges.github.reading import hidden_by_sso, next_page, read
from tinytown.forges.github.session import JSON, Answered, Call, Session
from tinytown.forges.github.transport import Reply
from tinytown.store.forge_quota import QuotaSeen

T = TypeVar("T")

PAUSES_SECS = (0.2, 1.0)
MOST_PAGES = 10
PAGE_SIZE = 100
LOG_TAIL = 64 * 1024

Query = Mapping[str, str | int]
_NO_QUERY: Query = {}


class Pages(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """The pages of a list."""

    pages: tuple[T, ...]
    is_cut: bool = False
    """Whether there are more pages than were read."""
    hidden: int = 0
    """Of so many organisations nothing is shown, as the token is not authorised by their single sign-on."""


class GitHub:
    """What one asks of GitHub. Thread-safe.

    Every method raises ForgeUnavailableError (later), QuotaError (not before then), ForgeError (a person must look),
    NotFoundError (404, 410) or ConflictError (409, some 405); the evidence of an error has `status` and `said`.
    Paths are those of the API's reference with encoded values, see `Repository.path`.
    """

    def __init__(
        self,
        session: Session,
        conditional: Conditional,
        *,
        sleep: Callable[[float], None] = time.sleep,
        pauses_secs: tuple[float, ...] = PAUSES_SECS,
    ) -> None:
        """Ask through a session.

        Args:
            session: asks one request.
            conditional: what was read before.
            sleep: waits between the tries of one call.
            pauses_secs: how long, one for each further try of what only reads.
        """
        self._session = session
        self._conditional = conditional
        self._sleep = sleep
        self._pauses_secs = pauses_secs
        self._purpose = Purpose()
        self._guard: Callable[[GitHub], None] | None = None

    def on_behalf_of(self, mission_id: str | None) -> GitHub:
        """The same client; what is asked through it counts among the mission's requests."""
        return self._with(msgspec.structs.replace(self._purpose, mission_id=mission_id))

    def as_look(self) -> GitHub:
        """The same client; what is asked through it can wait, and does so when the quota runs low."""
        return self._with(msgspec.structs.replace(self._purpose, is_look=True))

    def guarded_by(self, guard: Callable[[GitHub], None]) -> GitHub:
        """The same client; before anything is asked through it, the guard is called with one that is not guarded."""
        other = copy.copy(self)
        other._guard = guard  # noqa: SLF001  same class
        return other

    def get(self, path: str, type_: type[T], query: Query = _NO_QUERY) -> T:
        """What is there, read as `type_`; when it has not changed since it was read before, GitHub charges nothing."""
        return self._page(self._url(path, query), type_, path).value

    def pages(self, path: str, type_: type[T], query: Query = _NO_QUERY, *, most: int = MOST_PAGES) -> Pages[T]:
        """A list page by page, each read as `type_`, at most `most` of 100 entries."""
        url: str | None = self._url(path, {"per_page": PAGE_SIZE, **query})
        found: dict[str, T] = {}
        hidden = 0
        deadline = self._session.deadline()  # for all of them: a mission's lease is not long
        while url is not None and url not in found and len(found) < most:
            page = self._page(url, type_, path, deadline)
            found[url] = page.value
            hidden = max(hidden, page.hidden)
            url = page.next
        return Pages(pages=tuple(found.values()), is_cut=url is not None and url not in found, hidden=hidden)

    def send(self, method: str, path: str, type_: type[T], body: Mapping[str, Any] | None = None) -> T:
        """Change something, once; the answer is read as `type_`.

        After ForgeUnavailableError it may have been done: look for what it leaves before asking again.
        """
        call = self._changing(method, path, body)
        return read(self._ask(call).reply, type_, call.what)

    def do(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        """As `send`, for an answer that says nothing more."""
        call = self._changing(method, path, body)
        self._ask(call)

    def graphql(self, document: str, variables: Mapping[str, Any], type_: type[T]) -> T:
        """The `data` of a GraphQL answer; any entry in its `errors` is an error, partial data or not."""
        is_reading = not document.lstrip().startswith("mutation")
        base = self._session.transport.api_url
        call = msgspec.structs.replace(
            self._call("POST", graphql_url(base), "GraphQL", is_reading=is_reading),
            resource="graphql",
            body=msgspec.json.encode({"query": document, "variables": variables}),
        )

        def once() -> T:
            reply = self._ask(call).reply
            return read_answer(reply, type_, self._session.clock())

        return self._patiently(once, call) if is_reading else once()

    def tail(self, path: str, *, size: int = LOG_TAIL) -> Reply:
        """The last bytes of a file such as a job's log, from wherever GitHub keeps it."""
        call = msgspec.structs.replace(
            self._call("GET", self._url(path), path, is_reading=True), keep_last=size, accept="*/*"
        )
        return self._patiently(lambda: self._ask(call).reply, call)

    def probe(self, path: str) -> Reply:
        """One answer whatever its status, with its headers: for finding out what is wrong."""
        return self._session.reply(self._call("GET", self._url(path), path, is_reading=True), self._purpose)

    def quota(self, resource: str = "core") -> QuotaSeen:
        """What is known of the quota of a resource (`core`, `search`, `graphql`), without asking GitHub."""
        credential = self._session.access.credential(self._session.clock())
        return self._session.quota.seen(credential, resource)

    def app_login(self) -> str | None:
        """The login by which an App acts; None: the token is no App's."""
        return self._session.access.app_login()

    def now(self) -> datetime:
        """The time by GitHub's clock, as far as its answers tell."""
        return self._session.now()

    def token(self) -> str:
        """What git can authenticate with over https just now. ForgeError, ForgeUnavailableError: it cannot be had."""
        return self._session.access.credential(self._session.clock()).token

    def close(self) -> None:
        """Close the connections to GitHub and to the store."""
        self._session.transport.close()
        self._session.quota.close()
        self._conditional.close()

    def _ask(self, call: Call) -> Answered:
        if self._guard is not None:
            other = copy.copy(self)
            other._guard = None  # noqa: SLF001  same class
            self._guard(other)
        return self._session.ask(call, self._purpose)

    def _with(self, purpose: Purpose) -> GitHub:
        other = copy.copy(self)
        other._purpose = purpose  # noqa: SLF001  same class
        return other

    def _page(self, url: str, type_: type[T], path: str, deadline: float | None = None) -> Kept[T]:
        call = self._call("GET", url, path, is_reading=True)
        if deadline is not None:
            call = msgspec.structs.replace(call, deadline=deadline)
        return self._patiently(lambda: self._conditionally(call, type_), call)

    def _conditionally(self, call: Call, type_: type[T]) -> Kept[T]:
        credential = self._session.access.credential(self._session.clock())
        kept = self._conditional.find(credential, call.url, JSON, type_)
        tagged = msgspec.structs.replace(call, etag=None if kept is None else kept.etag)
        answered = self._ask(tagged)
        if answered.is_unmodified and kept is not None:
            self._conditional.confirm(credential, call.url, JSON, type_)
            return kept
        value = read(answered.reply, type_, call.what)
        found = Kept(
            value=value,
            etag=answered.reply.headers.get("etag", ""),
            next=next_page(answered.reply, call.url),
            hidden=hidden_by_sso(answered.reply),
        )
        if found.etag and not found.hidden:
            self._conditional.keep(answered.credential, call.url, JSON, type_, found)
        return found

    def _patiently(self, once: Callable[[], T], call: Call) -> T:
        """What `once` returns, tried again while GitHub is not to be reached and there is time."""
        for pause in self._pauses_secs:
            try:
                return once()
            except QuotaError:
                raise
            except ForgeUnavailableError:
                if time.monotonic() + pause >= call.deadline:
                    raise
            self._sleep(pause)
        return once()

    def _changing(self, method: str, path: str, body: Mapping[str, Any] | None) -> Call:
        call = self._call(method, self._url(path), path, is_reading=False)
        return msgspec.structs.replace(call, body=b"" if body is None else msgspec.json.encode(body))

    def _call(self, method: str, url: str, path: str, *, is_reading: bool) -> Call:
        return Call(
            method=method,
            url=url,
            what=path.removeprefix("/repos/"),
            resource=_resource(path),
            is_reading=is_reading,
            deadline=self._session.deadline(),
        )

    def _url(self, path: str, query: Query = _NO_QUERY) -> str:
        base = self._session.transport.api_url
        return f"{base}{path}?{urlencode(query)}" if query else f"{base}{path}"


def _resource(path: str) -> str:
    if path.startswith("/search/"):
        return "search"
    return "core"
