"""The tests' GitHub: emulate for the API, a bare repository for git, and between them what joins the two."""

from __future__ import annotations

import hashlib
import threading
import traceback

import msgspec
from tests.peers.branches import Branches
from tests.peers.emulate import USERS, Emulate
from tests.peers.exchange import Answer, Part, Request, refused, said
from tests.peers.gate import Gate
from tests.peers.git import Bare
from tests.peers.graphql import GraphQL
from tests.peers.issues import Issues
from tests.peers.jobs import Jobs
from tests.peers.judge import Judge
from tests.peers.merging import Merging
from tests.peers.people import People
from tests.peers.quota import Quota
from tests.peers.refusals import Refusals
from tests.peers.renames import Renames
from tests.peers.rules import Rules
from tests.peers.samples import Sample
from tests.peers.statuses import Statuses
from tests.peers.threads import Threads

FROM_TEST = "x-from-test"
"""The header of requests that the test itself makes: not counted, not checked, not answered by samples."""


class Seen(msgspec.Struct, frozen=True):
    """A request that was made, and the status it was answered with (0: the connection was cut)."""

    request: Request
    status: int


class GitHub:
    """One test's GitHub with the repository octo/town; see `tests.peers` for its use."""

    slug = "octo/town"

    def __init__(self, bare: Bare, emulate: Emulate, url: str, logs_url: str) -> None:
        self.url = url
        self.bare = bare
        self.emulate = emulate
        self.samples: list[Sample] = []
        self.seen: list[Seen] = []
        self._judge = Judge()
        self.faults = self._judge.faults
        """What was wrong with requests, or with us: a test with any of it fails at its end."""
        self.tokens = dict.fromkeys(USERS, "repo, workflow")
        """Tokens that are taken, with the scopes they say they have; others are refused by 401."""
        self.quota = Quota()
        self.rules = Rules(emulate, self.slug)
        self.statuses = Statuses(bare, emulate, self.slug, url)
        self.gate = Gate(bare, emulate, self.slug, self.rules, self.statuses)
        self.branches = Branches(bare, emulate, self.slug)
        self.merging = Merging(self.branches, emulate, self.slug, self.gate)
        self.issues = Issues(emulate, self.slug, url)
        self.jobs = Jobs(emulate, self.slug, url, logs_url)
        self.threads = Threads(bare, emulate, self.slug)
        self.graphql = GraphQL(emulate, self.slug, self.threads, self.gate)
        self.renames = Renames(emulate, self.slug, url)
        self.graphql.old = self.renames.old
        refusals = Refusals(bare, emulate, self.slug)
        people = People(emulate, self.slug)
        answering = (self.quota, self.rules, self.statuses, self.branches, self.issues, self.jobs, people)
        self._own: tuple[Part, ...] = tuple(one.answer for one in answering)
        self._first: tuple[Part, ...] = (self.renames.answer, refusals.answer, self.graphql.answer, self.merging.answer)
        self._lock = threading.RLock()

    def count(self, *, status: int | None = None, method: str | None = None) -> int:
        """How many requests there were."""
        return sum(status in {None, one.status} and method in {None, one.request.method} for one in self.seen)

    def merge_queued(self) -> int:
        """Let the merge queue merge its first pull request; its number."""
        with self._lock:
            self.branches.sync()
            number = self.graphql.queue.pop(0)
            answer = self.merging.of_queue(number)
            assert answer.status == 200, answer.body
            return number

    def answer(self, request: Request) -> Answer:
        """The answer to a request that came over HTTP."""
        with self._lock:
            try:
                return self._answer(self.renames.resolved(request))
            except Exception:  # noqa: BLE001  the boundary of a server; the test that asked fails by it
                self.faults.append(traceback.format_exc())
                return refused(500, "the tests' GitHub is broken")

    def _answer(self, request: Request) -> Answer:
        is_test = FROM_TEST in request.headers
        if not is_test:
            self._judge.hear(request)
        self.branches.sync()
        answer = self._sampled(request) if not is_test else None
        answer = self.quota.counted(request, _tagged(request, answer or self._decided(request)))
        if scopes := self.tokens.get(request.token):
            answer.headers["x-oauth-scopes"] = scopes
        if not is_test:
            self.seen.append(Seen(request, answer.status))
        return answer

    def _sampled(self, request: Request) -> Answer | None:
        for sample in self.samples:
            if (answer := sample.answer(request)) is None:
                continue
            if sample.takes_effect:
                self._decided(request)
            return self._judge.approve(request, answer) if sample.is_described else answer
        return None

    def _decided(self, request: Request) -> Answer:
        is_issued = request.token.startswith("ghs_") or request.token.count(".") == 2
        if request.token and request.token not in self.tokens and not is_issued:
            return refused(401, "Bad credentials")
        if refusal := self.quota.refusal(request):
            return refusal
        for part in self._first:
            if answer := part(request):
                return answer
        for part in self._own:
            if answer := part(request):
                return self._judge.approve(request, answer)
        answer = self.emulate.forward(self.threads.rewritten(request))
        return self._amended(request, answer) if 200 <= answer.status < 300 and answer.body else answer

    def _amended(self, request: Request, answer: Answer) -> Answer:
        body = answer.json()
        for part in (self.issues, self.jobs, self.threads):
            body = part.amend(request, body)
        if isinstance(body, dict) and "mergeable_state" in body:
            body["mergeable"], body["mergeable_state"] = self.gate.mergeability(body)
        return said(body, answer.status, answer.headers)


def _tagged(request: Request, answer: Answer) -> Answer:
    """GitHub's conditional requests: what did not change is 304 for the same token."""
    if request.method != "GET" or answer.status != 200:
        return answer
    tag = f'W/"{hashlib.sha256(request.token.encode() + answer.body).hexdigest()}"'
    if request.headers.get("if-none-match") == tag:
        return Answer(304, headers={"etag": tag})
    return msgspec.structs.replace(answer, headers=answer.headers | {"etag": tag})
