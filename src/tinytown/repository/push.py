"""Pushing a branch, so that nobody's work there is lost and a push that had gone through is found."""

from __future__ import annotations

from enum import Enum

from tinytown.domain.errors import RemoteError
from tinytown.repository.provenance import loses_others_work
from tinytown.repository.refusal import Refusal
from tinytown.repository.remote import NAME, Remote, was_at

ABSENT = ""
"""The lease on a branch that must not exist."""


class Standing(Enum):
    """How the remote's branch stands to a commit that is here."""

    SAME = "same"
    """It is there."""
    LACKS = "lacks"
    """It can be brought there without losing anything: the branch is behind it, is not there, or lacks nothing but what
    was pushed from here and rewritten here."""
    AHEAD = "ahead"
    """The branch contains it, and more."""
    OTHER = "other"
    """Somebody else pushed something else."""


def push(remote: Remote, branch: str, sha: str, *, expected: str) -> None:
    """Have the remote's branch at the commit; nothing to do when it is.

    Args:
        remote: where.
        branch: its name there.
        sha: a commit that is here.
        expected: the commit the branch is at there, ABSENT when there is no such branch.

    Raises:
        RemoteError: refused; its evidence says as `refusal` why, MOVED when the branch is not as expected.
        RemoteUnavailableError: the remote cannot be reached; it may have been pushed or not.
    """
    if expected == sha:
        return
    try:
        remote.talk(
            f"pushing {branch} to {NAME}",
            "push",
            "--porcelain",
            "--no-verify",
            "--no-follow-tags",
            f"--force-with-lease=refs/heads/{branch}:{expected}",
            NAME,
            f"{sha}:refs/heads/{branch}",
            is_push=True,
        )
    except RemoteError as error:
        if error.evidence.get("refusal") is Refusal.MOVED and remote.head(branch) == sha:
            return
        raise
    remote.note_pushed(branch, sha)


def standing(remote: Remote, branch: str, sha: str) -> tuple[Standing, str]:
    """How the remote's branch stands to a commit that is here, and what it is at (ABSENT when there is none).

    Raises:
        RemoteError, RemoteUnavailableError: it does not say.
    """
    git = remote.git
    had = remote.had(branch, sha)
    tip = remote.fetch(branch).get(branch)
    if tip is None:
        return Standing.LACKS, ABSENT
    if tip == sha:
        return Standing.SAME, tip
    if git.is_ancestor(sha, tip):
        return Standing.AHEAD, tip
    if had and not (remote.has_pushed_last(branch) and was_at(git, f"refs/heads/{branch}", tip)):
        return Standing.OTHER, tip  # it was there and somebody took it back, perhaps from this very clone
    if not loses_others_work(remote, branch, sha, tip):
        return Standing.LACKS, tip
    return Standing.OTHER, tip


def publish(remote: Remote, branch: str, sha: str) -> Standing:
    """Push the commit if nothing is lost by it; how the remote's branch stood to it before.

    Raises:
        RemoteError, RemoteUnavailableError: as `push`.
    """
    found, tip = standing(remote, branch, sha)
    if found is Standing.LACKS:
        push(remote, branch, sha, expected=tip)
    return found
