"""GitHub's merge queue: putting pull requests into it, and taking them out. Only GraphQL knows it.

https://docs.github.com/en/graphql/reference/mutations#enqueuepullrequest
"""

from __future__ import annotations

import msgspec

from tinytown.domain.errors import ConflictError, ForgeError, ForgeUnavailableError
from tinytown.domain.pull import Queued
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.shapes import PullShape

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
_DEQUEUE = """
mutation($input: DequeuePullRequestInput!) {
  dequeuePullRequest(input: $input) { mergeQueueEntry { position } }
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


class _Dequeued(msgspec.Struct, frozen=True, rename="camel"):
    dequeue_pull_request: _Entered | None = None


class MergeQueue:
    """The merge queues of one repository."""

    def __init__(self, client: GitHub, repository: Repository) -> None:
        self._client = client
        self._repository = repository

    def enter(self, pull: PullShape, head: str) -> Queued:
        """Put it in at `head`; where it is when it is in already.

        Raises:
            ConflictError: the head is another one now, or there is no queue any more: look again.
        """
        found = self._find(pull)
        if found.is_in_merge_queue:
            return _place(found.merge_queue_entry)
        entry = {"pullRequestId": found.id, "expectedHeadOid": head}
        try:
            done = self._client.graphql(_ENQUEUE, {"input": entry}, _Enqueued)
        except ForgeUnavailableError:
            raise
        except ForgeError as error:
            return _after_refusal(pull, error)
        return _place(done.enqueue_pull_request.merge_queue_entry if done.enqueue_pull_request else None)

    def leave(self, pull: PullShape) -> None:
        """Take it out; nothing to do when it is not in."""
        found = self._find(pull)
        if not found.is_in_merge_queue:
            return
        try:
            self._client.graphql(_DEQUEUE, {"input": {"id": found.id}}, _Dequeued)
        except ForgeUnavailableError:
            raise
        except ForgeError:
            if self._find(pull).is_in_merge_queue:
                raise

    def _find(self, pull: PullShape) -> _Queueing:
        variables = {"owner": self._repository.owner, "name": self._repository.name, "number": pull.number}
        asked = self._client.graphql(_ENTRY, variables, _Asked)
        found = asked.repository.pull_request if asked.repository else None
        if found is None:
            raise ForgeUnavailableError(f"GitHub does not find {pull.html_url} just now; it is tried again")
        return found


def _place(entry: _Place | None) -> Queued:
    return Queued(position=entry.position if entry else None)


def _after_refusal(pull: PullShape, error: ForgeError) -> Queued:
    text = error.message.lower()
    if "already" in text and "queue" in text:
        return Queued()
    if "modified" in text or "expected head" in text:
        raise ConflictError(f"{pull.html_url} has another head now: {error.message}") from error
    if "not enabled" in text:
        raise ConflictError(f"{pull.base.ref} has no merge queue any more: {error.message}") from error
    raise error
