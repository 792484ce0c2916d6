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
from tinytown.forges.github.merge_queue import MergeQueue
from tinytown.forges.github.pulls import Pulls
from tinytown.forges.github.rules import BaseRules, Rules
from tinytown.forges.github.shapes import PullShape

Turn = Callable[[str], AbstractContextManager[None]]
"""Holds the turn of merging into a branch; ForgeUnavailableError when others have it for too long."""

_UNREADY = frozenset({"blocked", "behind", "dirty", "draft"})
_NOT_ALLOWED = ("merge commits are not allowed", "squash merges are not allowed", "rebase merges are not allowed")


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
        self._queue = MergeQueue(client, repository)
        self._method = method

    def merge(
        self,
        number: int,
        head: str,
        *,
        closes: tuple[IssueRef, ...],
        base: str | None = None,
        last_look: Callable[[], object] = lambda: None,
    ) -> Merged | Queued:
        """Merge exactly `head`, or put it into the merge queue, and close the issues; an earlier merge is found.

        Args:
            number: of the pull request.
            head: commit.
            closes: issues.
            base: the branch it is to be merged into; None: whatever it goes into.
            last_look: called before anything is changed, raises when something speaks against it.

        Raises:
            ConflictError: head or base is another one now, or GitHub does not merge it just now: look again.
            ForgeError: a person must look. ForgeUnavailableError: it may have been merged or not; ask again.
        """
        pull = self._pulls.read(number)
        if pull.is_merged:
            return self.finish(pull, closes)
        _require(pull, head, base)
        self._rules.forget(pull.base.ref)  # who may pass over rules is not refused by GitHub
        last_look()
        if self._rules.of(pull.base.ref).has_queue:
            return self._enqueue(pull, head)
        with self._turn(pull.base.ref):
            done = self._merge_in_turn(number, head, pull.base.ref)
        return done if isinstance(done, Queued) else self.finish(done, closes)

    def dequeue(self, number: int) -> None:
        """Take it out of the merge queue; nothing to do when it is not in it."""
        self._queue.leave(self._pulls.read(number))

    def finish(self, pull: PullShape, closes: tuple[IssueRef, ...]) -> Merged:
        """What is left to do for one that is merged: closing its issues. Done again, nothing happens."""
        notices = self._closing.close(closes)
        return Merged(sha=pull.merge_commit_sha or pull.head.sha, notice="\n".join(notices))

    def _merge_in_turn(self, number: int, head: str, base: str) -> PullShape | Queued:
        """Merge it unless what was merged before it, or somebody, has changed how it stands."""
        pull = self._pulls.read(number)
        if pull.is_merged:
            return pull
        _require(pull, head, base)
        _require_ready(pull)
        return self._merge(pull, head)

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
        try:
            return self._queue.enter(pull, head)
        except ConflictError:
            self._rules.forget(pull.base.ref)  # there may be no queue any more
            raise


def _require(pull: PullShape, head: str, base: str | None) -> None:
    if pull.state != "open":
        raise ForgeError(f"{pull.html_url} was closed without merging; reopen it, or reject its item")
    if pull.head.sha != head:
        raise ConflictError(_moved(pull, head), head=pull.head.sha)
    if base is not None and pull.base.ref != base:
        raise ConflictError(f"{pull.html_url} goes into {pull.base.ref} now, not into {base}", head=pull.head.sha)


def _require_ready(pull: PullShape) -> None:
    """GitHub lets some accounts merge all the same, and some rules do not bind administrators."""
    state = (pull.mergeable_state or "unknown").lower()
    if pull.draft or state in _UNREADY:
        raise ConflictError(f"{pull.html_url} is not ready: GitHub calls it '{state}'", head=pull.head.sha)
    if pull.mergeable is None or state == "unknown":
        raise ForgeUnavailableError(f"GitHub still works out whether {pull.html_url} merges; it is tried again")


def _moved(pull: PullShape, head: str) -> str:
    return f"{pull.html_url} is at {pull.head.sha[:12]} now, not at {head[:12]}"
