"""Merging: exactly the commit that was judged, by a method that is allowed, one at a time per base."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec

from tinytown.domain.errors import (
    ConflictError,
    ForgeError,
    ForgeUnavailableError,
    NotFoundError,
    QuotaError,
    TinytownError,
)
from tinytown.domain.pull import Merged, Queued
from tinytown.domain.refs import IssueRef
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.closing import Closing
from tinytown.forges.github.pulls import Pulls
from tinytown.forges.github.rules import BaseRules, Rules
from tinytown.forges.github.shapes import PullShape

Turn = Callable[[str], AbstractContextManager[None]]
"""Holds the turn of merging into a branch; ForgeUnavailableError when others have it for too long."""

_NOT_ALLOWED = ("merge commits are not allowed", "squash merges are not allowed", "rebase merges are not allowed")
_ENTRY = """
query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) { id headRefOid isInMergeQueue mergeQueueEntry { position } }
  }
}"""
_ENQUEUE = """
mutation($input: EnqueuePullRequestInput!) {
  enqueuePullRequest(input: $input) { mergeQueueEntry { position } }
}"""


class _Place(msgspec.Struct, frozen=True):
    position: int | None = None


class _Queueing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    is_in_merge_queue: bool = False
    merge_queue_entry: _Place | None = None


class _Repository(msgspec.Struct, frozen=True, rename="camel"):
    pull_request: _Queueing | None


class _Asked(msgspec.Struct, frozen=True):
    repository: _Repository | None


class _Entered(msgspec.Struct, frozen=True, rename="camel"):
    merge_queue_entry: _Place | None = None


class _Enqueued(msgspec.Struct, frozen=True, rename="camel"):
    enqueue_pull_request: _Entered | None = None


class _Answer(msgspec.Struct, frozen=True):
    sha: str
    merged: bool = True


class Merging:
    """Merges the pull requests of one repository."""

    def __init__(
        self,
        client: GitHub,
        repository: Repository,
        pulls: Pulls,
        *,
        rules: Rules,
        closing: Closing,
        turn: Turn,
        method: str | None = None,
    ) -> None:
        """Args: method is `[forge] merge_method`; None, or where it is not allowed: the first that is."""
        self._client = client
        self._repository = repository
        self._pulls = pulls
        self._rules = rules
        self._closing = closing
        self._turn = turn
        self._method = method

    def merge(self, number: int, head: str, *, closes: tuple[IssueRef, ...]) -> Merged | Queued:
        """Merge exactly `head`, or put it into the merge queue, and close the issues; an earlier merge is found.

        Raises:
            ConflictError: the head is another one now, or GitHub does not merge it just now: look again.
            ForgeError: a person must look. ForgeUnavailableError: it may have been merged or not; ask again.
        """
        pull = self._pulls.read(number)
        if pull.is_merged:
            return self.finish(pull, closes)
        _require(pull, head)
        if self._rules.of(pull.base.ref).has_queue:
            return self._enqueue(pull, head)
        with self._turn(pull.base.ref):
            done = self._merge(pull, head)
        return done if isinstance(done, Queued) else self.finish(done, closes)

    def finish(self, pull: PullShape, closes: tuple[IssueRef, ...]) -> Merged:
        """What is left to do for one that is merged: closing its issues. Done again, nothing happens."""
        notices = self._closing.close(closes)
        return Merged(sha=pull.merge_commit_sha or pull.head.sha, notice="\n".join(notices))

    def _merge(self, pull: PullShape, head: str) -> PullShape | Queued:
        refusal: TinytownError | None = None
        for method in self._methods(self._rules.of(pull.base.ref)):
            try:
                return self._put(pull, head, method)
            except QuotaError:
                raise
            except (ForgeError, ConflictError, NotFoundError) as error:
                if (found := self._after_refusal(pull, head, error)) is not None:
                    return found
                refusal = error  # this method is not allowed, whatever the rules say
        raise refusal or ForgeError(
            f"no way of merging into {pull.base.ref} is allowed; allow one in the repository's settings or rules"
        )

    def _put(self, pull: PullShape, head: str, method: str) -> PullShape:
        body = {"sha": head, "merge_method": method}
        path = self._repository.path("/pulls/{n}/merge", n=pull.number)
        done = self._client.send("PUT", path, _Answer, body)
        return msgspec.structs.replace(pull, merge_commit_sha=done.sha, merged=True, state="closed")

    def _after_refusal(self, pull: PullShape, head: str, error: TinytownError) -> PullShape | Queued | None:
        """What has become of it all the same; None when another method may do."""
        self._rules.forget(pull.base.ref)
        try:
            now = self._pulls.read(pull.number)
        except (ForgeError, NotFoundError):
            raise error from None  # what it says of the merge is of more use
        if now.is_merged:
            return now
        text = error.message.lower()
        if any(words in text for words in _NOT_ALLOWED):
            return None
        if "merge queue" in text:
            return self._enqueue(now, head)
        if now.head.sha != head:
            raise ConflictError(_moved(now, head), head=now.head.sha) from error
        raise error

    def _methods(self, rules: BaseRules) -> tuple[str, ...]:
        wanted = tuple(method for method in rules.methods if method == self._method)
        return tuple(dict.fromkeys((*wanted, *rules.methods)))

    def _enqueue(self, pull: PullShape, head: str) -> Queued:
        variables = {"owner": self._repository.owner, "name": self._repository.name, "number": pull.number}
        asked = self._client.graphql(_ENTRY, variables, _Asked)
        found = asked.repository.pull_request if asked.repository else None
        if found is None:
            raise ForgeUnavailableError(f"GitHub does not find {pull.html_url} just now; it is tried again")
        if found.is_in_merge_queue:
            return Queued(position=found.merge_queue_entry.position if found.merge_queue_entry else None)
        entry = {"pullRequestId": found.id, "expectedHeadOid": head}
        try:
            done = self._client.graphql(_ENQUEUE, {"input": entry}, _Enqueued)
        except ForgeUnavailableError:
            raise
        except ForgeError as error:
            return _after_queue_refusal(pull, error)
        place = done.enqueue_pull_request.merge_queue_entry if done.enqueue_pull_request else None
        return Queued(position=place.position if place else None)


def _after_queue_refusal(pull: PullShape, error: ForgeError) -> Queued:
    text = error.message.lower()
    if "already" in text and "queue" in text:
        return Queued()
    if "modified" in text or "expected head" in text:
        raise ConflictError(f"{pull.html_url} has another head now: {error.message}") from error
    raise error


def _require(pull: PullShape, head: str) -> None:
    if pull.state != "open":
        raise ForgeError(f"{pull.html_url} was closed without merging; reopen it, or reject its item")
    if pull.head.sha != head:
        raise ConflictError(_moved(pull, head), head=pull.head.sha)


def _moved(pull: PullShape, head: str) -> str:
    return f"{pull.html_url} is at {pull.head.sha[:12]} now, not at {head[:12]}"
