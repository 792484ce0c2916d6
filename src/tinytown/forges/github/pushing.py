"""The branches of pull requests at the git remote: what is there counts more than what GitHub's API has noticed so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

import msgspec

from tinytown.domain.errors import (
    ConflictError,
    ForgeError,
    ForgeUnavailableError,
    GitError,
    RemoteError,
    TinytownError,
)
from tinytown.domain.pull import Known
from tinytown.forges.github.shapes import PullShape
from tinytown.repository.push import ABSENT, Standing, push, standing
from tinytown.repository.refusal import Refusal
from tinytown.repository.remote import NAME, Remote

PATIENCE = timedelta(minutes=10)
"""How long GitHub may lag behind a push before a person is asked: at times it does so for ever."""
_STEPS = ((timedelta(seconds=15), 5.0), (timedelta(minutes=1), 15.0))
_LAST_STEP_SECS = 60.0
_KINDS: Mapping[object, type[TinytownError]] = {
    Refusal.NETWORK: ForgeUnavailableError,
    Refusal.MOVED: ConflictError,
}


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub does not show yet what was handed in."""

    reason: str
    again_secs: float


@contextmanager
def remote_trouble() -> Iterator[None]:
    """What goes wrong with git, as errors of the forge."""
    try:
        yield
    except RemoteError as error:
        kind = _KINDS.get(error.evidence.get("refusal"), ForgeError)
        raise kind(error.message, **error.evidence) from error
    except GitError as error:
        raise ForgeUnavailableError(error.message, **error.evidence) from error


class Heads:
    """Sees to it that a pull request's head is what was handed in."""

    def __init__(self, remote: Remote, clock: Callable[[], datetime]) -> None:
        self._remote = remote
        self._clock = clock

    @remote_trouble()
    def publish(self, branch: str, head: str) -> str:
        """Have the branch on the remote, with `head` in it unless somebody then took it elsewhere; what it is at.

        Raises:
            ForgeUnavailableError: the commit is on another machine and not pushed yet, or the remote not reached.
            ForgeError: it may not be pushed, or somebody else has a branch of that name there.
        """
        if self._remote.git.find_commit(head) is None:
            tip = self._remote.fetch(branch).get(branch)
            if tip is None or self._remote.git.find_commit(head) is None:
                raise ForgeUnavailableError(
                    f"commit {head[:12]} of {branch} is neither here nor pushed; it is on the machine of its agent"
                )
            return tip
        found, tip = standing(self._remote, branch, head)
        if self._is_anothers(found, branch, head):
            raise ForgeError(
                f"{branch} on {NAME} is at {tip[:12]}, somebody else's work without {head[:12]}:"
                f" rename or remove it there, or bring both together with `git merge {NAME}/{branch}` and push"
            )
        if found is not Standing.LACKS:
            return tip
        push(self._remote, branch, head, expected=tip)
        return head

    @remote_trouble()
    def lag(self, pull: PullShape, known: Known | None) -> Lag | None:
        """What GitHub has not noticed; None when its own word counts. A commit that was not pushed is pushed.

        Raises:
            ForgeError: GitHub has not noticed for so long that a person must look; or what was handed in was never
                pushed, and somebody else has pushed something else.
        """
        if known is None or pull.state != "open" or pull.head.sha == known.head:
            return None
        if not self._is_here(known):
            return self._elsewhere(pull, known)
        found, tip = standing(self._remote, known.branch, known.head)
        if found is Standing.LACKS and tip == ABSENT:
            return None  # somebody deleted the branch: GitHub closes the pull request
        if found is Standing.LACKS:
            push(self._remote, known.branch, known.head, expected=tip)
            return self._waiting(pull, known, known.head)
        if self._is_anothers(found, known.branch, known.head):
            raise ForgeError(
                f"somebody else has pushed {tip[:12]} to {known.branch}, but the handed in {known.head[:12]} is not in"
                f" it: bring both together with `git merge {NAME}/{known.branch}` in its worktree, and push"
            )
        return None if tip == pull.head.sha else self._waiting(pull, known, tip)

    def _is_anothers(self, found: Standing, branch: str, head: str) -> bool:
        """Whether the remote's branch never was what was handed in; else a person took it elsewhere on purpose."""
        return found is Standing.OTHER and not self._remote.had(branch, head)

    @remote_trouble()
    def left_out(self, pull: PullShape, known: Known) -> str:
        """What a person should know of one that was merged before it had what was handed in last; empty when it had."""
        both = [self._can_fetch(sha) for sha in (pull.head.sha, known.head)]
        if all(both) and self._remote.git.is_ancestor(known.head, pull.head.sha):
            return ""
        return (
            f"it was merged at {pull.head.sha[:12]}, without {known.head[:12]}, which was handed in later and is on"
            f" {known.branch} in the clone of its agent; what of it is still wanted needs a pull request of its own"
        )

    def _is_here(self, known: Known) -> bool:
        return self._remote.git.find_commit(known.head) is not None

    def _elsewhere(self, pull: PullShape, known: Known) -> Lag | None:
        """Of a head that another machine made: it is on the remote, was there and is gone, or was never pushed."""
        tip = self._remote.fetch(known.branch).get(known.branch)
        git = self._remote.git
        if tip == known.head or (git.find_commit(known.head) and git.is_ancestor(known.head, tip or known.head)):
            return None if tip == pull.head.sha else self._waiting(pull, known, tip or known.head)
        if self._can_fetch(known.head):
            return None  # it was pushed, and somebody pushed something else instead
        return self._waiting(pull, known, known.head, what="is not pushed yet by its agent's machine")

    def _can_fetch(self, sha: str) -> bool:
        try:
            self._remote.fetch_commit(sha)
        except RemoteError as error:
            if error.evidence.get("refusal") is Refusal.NETWORK:
                raise
            return False
        return True

    def _waiting(self, pull: PullShape, known: Known, tip: str, *, what: str = "") -> Lag:
        age = timedelta() if known.since is None else self._clock() - known.since
        reason = f"{tip[:12]} of {known.branch} {what or 'is pushed, but GitHub does not show it yet'}"
        if age > PATIENCE:
            minutes = int(age.total_seconds() // 60)
            raise ForgeError(
                f"{pull.html_url} is still at {pull.head.sha[:12]} after {minutes} min: {reason};"
                " push it, or close and reopen the pull request"
            )
        again = next((secs for limit, secs in _STEPS if age < limit), _LAST_STEP_SECS)
        return Lag(reason=reason, again_secs=again)
