"""Merging on this machine: a merge commit made on paper, then the base branch moved to it in one step."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tinytown.domain.errors import ConflictError, ForgeError, ForgeUnavailableError
from tinytown.domain.pull import Merged
from tinytown.forges.local.issues import ClosedTree, IssueFiles
from tinytown.repository.git import Git
from tinytown.repository.lock import locked
from tinytown.repository.mover import Mover
from tinytown.repository.trial import trial_merge
from tinytown.store.pulls import StoredPull

_ATTEMPTS = 5
"""How often a base branch may move under a merge before it is left for later."""


class _Step(msgspec.Struct, frozen=True, kw_only=True):
    base: str
    """Where the base branch is."""
    closed: ClosedTree
    parents: tuple[str, ...] = ()
    message: str = ""
    """Of the commit to be made; empty when none is needed."""
    merged_as: str | None = None
    """Of a head that is in the base branch already."""


class Merger:
    """Merges local pull requests. One at a time on a machine: it holds the git lock."""

    def __init__(self, git: Git, issues: IssueFiles, state_folder: Path) -> None:
        self._git = git
        self._issues = issues
        self._lock = state_folder / "git.lock"
        self._mover = Mover(git, state_folder / "checkouts.json")

    def merge(self, pull: StoredPull, head: str, *, closes: tuple[int, ...]) -> Merged:
        """Merge `head` into the pull request's base and close the issues; the earlier merge when there is one.

        Raises:
            ConflictError: it does not merge. ForgeError: there is no base branch.
            ForgeUnavailableError: others keep moving the base branch.
        """
        with locked(self._lock):
            notices = self._mover.repair()
            for _ in range(_ATTEMPTS):
                step = self._plan(pull, head, closes)
                told = self._take(pull, step)
                if told is None:
                    continue
                sha, more = told
                here = (note for number in step.closed.untracked for note in self._issues.close_here(number))
                return Merged(sha=sha, notice="\n".join((*notices, *more, *step.closed.notes, *here)))
        raise ForgeUnavailableError(f"branch {pull.base} keeps moving; {pull.url} is merged later")

    def repair(self) -> tuple[str, ...]:
        """Finish what a crash left of an earlier merge; what people should know of it."""
        with locked(self._lock):
            return self._mover.repair()

    def _plan(self, pull: StoredPull, head: str, closes: tuple[int, ...]) -> _Step:
        base = self._git.find_branch(pull.base)
        if base is None:
            raise ForgeError(f"there is no branch '{pull.base}' to merge {pull.url} into; make it again")
        if (merged_as := find_merge(self._git, base, head)) is not None:
            tree = self._git.line("rev-parse", f"{base}^{{tree}}")
            closed = self._issues.closed_in(tree, closes)
            if closed.tree == tree:
                return _Step(base=base, closed=closed, merged_as=merged_as)
            message = _closing(pull, closes)
            return _Step(base=base, closed=closed, parents=(base,), message=message, merged_as=merged_as)
        trial = trial_merge(self._git, base, head)
        if trial.tree is None:
            raise ConflictError(
                f"{pull.url} does not merge into {pull.base}: {trial.reason}", head=head, files=trial.conflicts
            )
        closed = self._issues.closed_in(trial.tree, closes)
        return _Step(base=base, closed=closed, parents=(base, head), message=_merging(pull, closes))

    def _take(self, pull: StoredPull, step: _Step) -> tuple[str, tuple[str, ...]] | None:
        """(the merge commit, notices), or None when the base branch moved meanwhile."""
        if step.merged_as is not None and not step.message:
            return step.merged_as, ()
        new = self._git.commit_tree(step.closed.tree, step.parents, step.message)
        notices = self._mover.move(pull.base, step.base, new, reason=f"tinytown: merge {pull.url}")
        return None if notices is None else (step.merged_as or new, notices)


def find_merge(git: Git, base: str, head: str) -> str | None:
    """The commit by which `head` came into `base`, `head` itself when no merge commit did; None when it is not in it."""
    if not git.is_ancestor(head, base):
        return None
    for line in git.line("rev-list", "--first-parent", "--parents", base, f"^{head}").splitlines():
        commit, *parents = line.split()
        if head in parents[1:]:
            return commit
    return head


def _merging(pull: StoredPull, closes: tuple[int, ...]) -> str:
    return f"Merge pull request #{pull.number}: {pull.title}\n\n{_trailer(pull, closes)}"


def _closing(pull: StoredPull, closes: tuple[int, ...]) -> str:
    numbers = ", ".join(f"#{number}" for number in closes)
    return f"Close {numbers}, done by pull request #{pull.number}\n\n{_trailer(pull, closes)}"


def _trailer(pull: StoredPull, closes: tuple[int, ...]) -> str:
    lines = "".join(f"Closes #{number}\n" for number in closes)
    return f"{lines}\nTinytown-Pull: {pull.number}\n" if lines else f"Tinytown-Pull: {pull.number}\n"
