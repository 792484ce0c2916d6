"""Worktrees: a folder of its own for each work item and each review. Nobody's work is destroyed.

A worktree is made in three steps, and its record says how far it has come: git adds it, files are copied in and the
first hook runs, then it is ready. Whoever prepares it next goes on where a crash left it. The lock on `.tt/git.lock`
is held while git changes branches or worktrees, a lock of its own while one worktree is prepared or removed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from tinytown.domain.errors import GitError, InvalidInputError, NotFoundError, WorktreeInUseError
from tinytown.repository.branch import branch_owner, claim_branch
from tinytown.repository.checkout import checkout_at, checkouts
from tinytown.repository.git import NO_COMMIT, Git, shown
from tinytown.repository.hooks import Hooks
from tinytown.repository.include import copy_included
from tinytown.repository.lock import locked
from tinytown.repository.start import Start, find_start, resolve
from tinytown.repository.upstream import Upstream
from tinytown.repository.worktree_folder import at_stake, discard, is_usable, recover
from tinytown.repository.worktree_record import Phase, WorktreeRecord, read_record, write_record

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")


_MOST_REVIEWS = 20
"""How many worktrees for one commit may hold what reviewers left before a person has to look."""


class Worktree(msgspec.Struct, frozen=True, kw_only=True):
    """A worktree that can be worked in."""

    name: str
    path: Path
    branch: str
    """The branch that is its item's; empty for a review, which has none."""
    notes: tuple[str, ...] = ()
    """What whoever works there should know."""


class WorktreeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a worktree."""

    head: str
    branch: str | None
    """What is checked out now, None when HEAD is detached."""
    ahead: tuple[str, ...]
    """Commits that the base does not have, newest first; with those of the dependencies it was started from."""
    made: tuple[str, ...]
    """Commits on the item's branch that were made for it; of a worktree without a branch, those at its head."""
    elsewhere: tuple[str, ...] = ()
    """Commits at its head that are on the item's branch no more than in the base."""
    dirty: tuple[str, ...]
    """Changed tracked files and untracked files that are not ignored, as they are shown."""


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """What removing a worktree did."""

    lost: tuple[str, ...] = ()
    """What existed nowhere else and was given up by force."""
    notes: tuple[str, ...] = ()
    """Hooks that failed."""


class _Wanted(msgspec.Struct, frozen=True):
    """What a work item's worktree is to be; see `Worktrees.prepare`."""

    branch: str
    base: str
    starts_from: tuple[str, ...]
    owner: str
    head: str | None


class Worktrees:
    """The worktrees under one folder, normally `.tt/worktrees`."""

    def __init__(
        self,
        checkout: Path,
        folder: Path,
        *,
        hooks: Hooks | None = None,
        guard: Callable[[Path], None] | None = None,
        upstream: Upstream | None = None,
    ) -> None:
        """Make the gateway to the worktrees.

        Args:
            checkout: the repository.
            folder: where they are.
            hooks: around them and the runs in them.
            guard: refuses (WorktreeOccupiedError) to have a worktree that is there used by another run.
            upstream: where their work is merged and others push; None: all of that happens in this repository.
        """
        self.folder = folder
        self._upstream = upstream
        self._guard = guard
        self._git = Git(checkout)
        self._hooks = hooks or Hooks()
        self._git_lock = folder.parent / "git.lock"

    def prepare(
        self,
        name: str,
        *,
        branch: str,
        base: str,
        starts_from: tuple[str, ...] = (),
        owner: str,
        head: str | None = None,
    ) -> Worktree:
        """The worktree of a work item: made when there is none, finished when a crash left it half made, else as it is.

        Args:
            name: its folder's name; the worktree of another item by that name is left alone and
                `<name>-<first 8 of owner>` is used, so go by the name that is returned.
            branch: its branch, likewise.
            base: the branch that the work goes into.
            starts_from: the dependencies' branches; those not in `base` yet are what it starts from.
            owner: the item's id.
            head: the commit that was handed in for it last; with an upstream the branch there that has it is its own.

        Raises:
            GitError: git or a hook failed; calling again goes on from there.
            WorktreeOccupiedError: a process of an earlier run is still in it.
        """
        candidates = (_check(name), f"{name}-{owner[:8]}")
        fetched = self._upstream.fetch(base, branch, f"{branch}-{owner[:8]}", *starts_from) if self._upstream else ()
        for candidate in candidates:
            with self._alone(candidate):
                if self._owner_of(candidate) not in {None, owner}:
                    continue
                self._check_free(candidate)
                with locked(self._git_lock):
                    notes = self._ensure(candidate, _Wanted(branch, base, starts_from, owner, head))
                    notes += self._caught_up(candidate)
                return self._worktree(candidate, fetched + notes + self._furnish(candidate))
        raise GitError(f"worktrees {' and '.join(candidates)} belong to others; remove one of them")

    def checkout_for_review(self, name: str, head: str) -> Worktree:
        """A worktree without a branch, at commit `head`.

        One by that name is moved there when nothing is lost by it, and used as it is when it is there already;
        otherwise another is made, so go by the name that is returned.

        Raises:
            GitError: there is no such commit, or git or a hook failed.
            WorktreeOccupiedError: a process of an earlier run is still in it.
        """
        sha = self._commit_of(head)
        names = (_check(name), f"{name}-{sha[:8]}", *(f"{name}-{sha[:8]}-{count}" for count in range(2, _MOST_REVIEWS)))
        for candidate in names:
            with self._alone(candidate):
                self._check_free(candidate)
                with locked(self._git_lock):
                    notes = self._ensure_detached(candidate, sha)
                if notes is not None:
                    return self._worktree(candidate, notes + self._furnish(candidate))
        raise WorktreeInUseError(f"worktrees {name}, {name}-{sha[:8]} and so on hold changes that exist nowhere else")

    def before_run(self, worktree: Worktree) -> None:
        """Run the hook before an agent's run. GitError when it fails."""
        self._hooks.require("before_run", worktree.path, worktree.branch, self._log(worktree.name, "before_run"))

    def after_run(self, worktree: Worktree) -> tuple[str, ...]:
        """Run the hook after an agent's run; a failure is a note."""
        log = self._log(worktree.name, "after_run")
        return self._hooks.attempt("after_run", worktree.path, worktree.branch, log)

    def remove(self, name: str, *, force: bool = False) -> Removal:
        """Remove a worktree; its branch stays. One that is not there is no error.

        Raises:
            WorktreeInUseError: it holds what exists nowhere else (changed or untracked files, commits on no branch),
                and `force` is not given. With `force` the return value says what was lost.
        """
        path, file = self._path(_check(name)), self._record_file(name)
        with self._alone(name):
            stakes = at_stake(self._git, path, file)
            if stakes and not force:
                raise _in_use(name, stakes)
            notes: tuple[str, ...] = ()
            if is_usable(self._git, path):
                branch = self._worktree(name, ()).branch
                notes = self._hooks.attempt("before_remove", path, branch, self._log(name, "before_remove"))
                stakes = at_stake(self._git, path, file)
                if stakes and not force:
                    raise _in_use(name, stakes)
            with locked(self._git_lock):
                discard(self._git, path, force=force)
            file.unlink(missing_ok=True)
        return Removal(lost=stakes, notes=notes)

    def list(self) -> tuple[Worktree, ...]:
        """Every worktree under the folder, by name."""
        root = self.folder.resolve()
        names = sorted(found.path.name for found in checkouts(self._git) if found.path.resolve().parent == root)
        return tuple(self._worktree(name, ()) for name in names if self._path(name).is_dir())

    def owner(self, name: str) -> str | None:
        """The id of the item a worktree was made for; None for one of a review, or of nobody known."""
        record = read_record(self._record_file(_check(name)))
        return (record.owner or None) if record else None

    def status(self, name: str) -> WorktreeStatus:
        """What is in a worktree. NotFoundError when there is none by that name."""
        path = self._path(_check(name))
        if not is_usable(self._git, path):
            raise NotFoundError(f"there is no worktree '{name}' in {self.folder}")
        there = self._git.at(path)
        head = there.rev_parse("HEAD")
        record = read_record(self._record_file(name))
        base = self._resolve(record.base) if record and record.base else None
        start = record.start if record else None
        known = [f"^{sha}" for sha in (base, start) if sha]
        own = self._git.find_branch(record.branch) if record and record.branch else None
        return WorktreeStatus(
            head=head,
            branch=there.current_branch(),
            ahead=there.commits_between(base, head) if base else (),
            made=tuple(there.line("rev-list", own or head, *known, "--").split()) if known else (),
            elsewhere=tuple(there.line("rev-list", head, f"^{own}", *known, "--").split()) if own else (),
            dirty=tuple(map(shown, there.dirty_files())),
        )

    def _ensure(self, name: str, wanted: _Wanted) -> tuple[str, ...]:
        path, file = self._path(name), self._record_file(name)
        notes = recover(self._git, path, file)
        found, record = checkout_at(self._git, path), read_record(file)
        if found is not None and record is not None:
            return notes
        own = found.branch if found and found.branch else self._claim(wanted)
        tip, start = self._start_of(own, wanted)
        draft = WorktreeRecord(owner=wanted.owner, branch=own, base=wanted.base, start=start.sha, phase=Phase.ADDING)
        if found is not None:
            write_record(file, msgspec.structs.replace(draft, phase=Phase.READY))
            return notes
        write_record(file, draft)
        if self._git.find_branch(own) is None:
            self._git.update_ref(f"refs/heads/{own}", tip, NO_COMMIT, reason="tinytown: start work")
        self._git.run("worktree", "add", "--quiet", str(path), own)
        write_record(file, msgspec.structs.replace(draft, phase=Phase.FURNISHING))
        return notes + start.notes

    def _claim(self, wanted: _Wanted) -> str:
        upstream = self._upstream
        return claim_branch(
            self._git,
            wanted.branch,
            owner=wanted.owner,
            is_foreign=lambda name: upstream is not None and upstream.is_foreign(name, wanted.base, wanted.head),
        )

    def _start_of(self, branch: str, wanted: _Wanted) -> tuple[str, Start]:
        """(what a new branch is at, where its work starts, or started): the latter is kept in git's configuration."""
        setting = f"branch.{branch}.tinytown-start"
        kept = self._git.run("config", "--get", setting, accept=(0, 1)).out.strip()
        tip = self._git.find_branch(branch)
        if tip is None and self._upstream is not None:  # work on it that was begun on another machine
            tip = self._upstream.work_on(branch, wanted.base)
        if tip is not None:
            return tip, Start(kept or self._git.merge_base(tip, self._resolve(wanted.base) or tip) or "")
        start = find_start(self._git, wanted.base, wanted.starts_from, is_remote_first=self._upstream is not None)
        self._git.run("config", setting, start.sha)
        return start.sha, start

    def _caught_up(self, name: str) -> tuple[str, ...]:
        record = read_record(self._record_file(name))
        return self._upstream.catch_up(record.branch) if self._upstream and record and record.branch else ()

    def _resolve(self, branch: str) -> str | None:
        return resolve(self._git, branch, is_remote_first=self._upstream is not None)

    def _commit_of(self, name: str) -> str:
        """The commit that a branch or a sha names, fetched where it may be elsewhere."""
        if self._upstream is None:
            return self._git.rev_parse(name)
        if self._git.find_commit(name) is None:
            self._upstream.fetch_commit(name)
        elif self._resolve(name) != name:
            self._upstream.fetch(name)
        return self._resolve(name) or self._git.rev_parse(name)

    def _ensure_detached(self, name: str, sha: str) -> tuple[str, ...] | None:
        """Have the review's worktree at the commit; None when something else is there and has to stay."""
        path, file = self._path(name), self._record_file(name)
        notes = recover(self._git, path, file)
        draft = WorktreeRecord(owner="", branch="", base="", start=sha, phase=Phase.ADDING)
        if (found := checkout_at(self._git, path)) is None:
            write_record(file, draft)
            self._git.run("worktree", "add", "--quiet", "--detach", str(path), sha)
            write_record(file, msgspec.structs.replace(draft, phase=Phase.FURNISHING))
            return notes
        record = read_record(file)
        if record is None or record.owner:
            return None
        is_there = found.head == sha and found.branch is None
        if stakes := at_stake(self._git, path, file):
            return (f"an earlier run left {'; '.join(stakes)}",) if is_there else None
        if not is_there:
            self._git.at(path).run("checkout", "--quiet", "--detach", sha)
        write_record(file, msgspec.structs.replace(record, start=sha))
        return notes

    def _furnish(self, name: str) -> tuple[str, ...]:
        file, path = self._record_file(name), self._path(name)
        record = read_record(file)
        if record is None or record.phase is Phase.READY:
            return ()
        copy_included(self._git, path, except_under=self.folder.parent)
        self._hooks.require("after_create", path, record.branch, self._log(name, "after_create"))
        write_record(file, msgspec.structs.replace(record, phase=Phase.READY))
        return ()

    def _owner_of(self, name: str) -> str | None:
        """Whose the worktree is; None when there is none."""
        if (record := read_record(self._record_file(name))) is not None:
            return record.owner
        found = checkout_at(self._git, self._path(name))
        if found is None or not found.is_there:
            return None
        return (branch_owner(self._git, found.branch) if found.branch else None) or "a person"

    def _worktree(self, name: str, notes: tuple[str, ...]) -> Worktree:
        record, found = read_record(self._record_file(name)), checkout_at(self._git, self._path(name))
        now = found.branch if found else None
        branch = record.branch if record else now or ""
        if branch and now != branch:
            what = f"branch {shown(now)}" if now else "a detached commit"
            notes += (f"the worktree has {what} checked out; the work belongs on branch {branch}",)
        return Worktree(name=name, path=self._path(name), branch=branch, notes=notes)

    def _check_free(self, name: str) -> None:
        if self._guard is not None and self._path(name).is_dir():
            self._guard(self._path(name))

    def _alone(self, name: str) -> AbstractContextManager[None]:
        return locked(self.folder / f".{name}.lock", is_removed_after=True)

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _record_file(self, name: str) -> Path:
        return self.folder / f".{name}.json"

    def _log(self, name: str, hook: str) -> Path:
        return self.folder.parent / "logs" / "hooks" / f"{name}-{hook}.log"


def _check(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidInputError(f"'{name}' cannot name a worktree; use letters, digits, '.', '_' and '-'")
    return name


def _in_use(name: str, stakes: tuple[str, ...]) -> WorktreeInUseError:
    return WorktreeInUseError(f"worktree {name} is kept, it holds {'; '.join(stakes)}", stakes=stakes)
