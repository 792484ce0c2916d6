"""Making a git repository a town."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from tinytown.config import TOWN_FILE
from tinytown.domain.errors import AlreadyExistsError, ConfigError, GitError, InvalidInputError
from tinytown.domain.ids import NAME_LIMIT, RESERVED_NAMES, check_name
from tinytown.repository.git import Git
from tinytown.services.machine import STATE_FOLDER, machine_id
from tinytown.services.town_template import render_settings

_IGNORE_FILE = ".gitignore"
_GITHUB = re.compile(
    r"(?:(?:https?|git|ssh|git\+ssh)://(?:[^/@]*@)?|[^/@:]+@)(?:www\.|ssh\.)?github\.com(?::\d+)?[:/]", re.IGNORECASE
)
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class InitResult(msgspec.Struct, frozen=True, kw_only=True):
    """A new town."""

    root: Path
    """The top folder of the git checkout."""
    name: str
    forge: str
    """`local` or `github`."""
    is_ignore_changed: bool
    """Whether `.gitignore` got a new line."""


def init_town(folder: Path, name: str | None = None) -> InitResult:
    """Make the git checkout that `folder` is in a town.

    Args:
        folder: the checkout or a folder in it.
        name: the town's; by default `<repository>-<branch>`.

    Raises:
        GitError: not a git checkout, or without commits. AlreadyExistsError: it is a town already.
        InvalidInputError: the name is not valid, or the folder does not exist. ConfigError: the files cannot be written; nothing was.
    """
    root = _checkout(folder.resolve())
    _refuse_second_town(folder.resolve(), root)  # before anything else is found fault with
    git = Git(root)
    town = _default_name(git) if name is None else check_name(name, "town")
    forge = "github" if is_github(_origin(git)) else "local"
    try:
        with _alone(root):
            _refuse_second_town(folder.resolve(), root)
            is_ignored = git.succeeds("check-ignore", "--quiet", "--no-index", f"{STATE_FOLDER}/")
            _write(root, render_settings(town, forge), is_ignored=is_ignored)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(
            f"cannot write {error.filename or root}: {reason}; make room or allow writing there, nothing was changed"
        ) from error
    return InitResult(root=root, name=town, forge=forge, is_ignore_changed=not is_ignored)


def is_github(url: str) -> bool:
    """Whether a remote's URL is one of GitHub: `https://…`, `ssh://…`, `git@github.com:…`."""
    return _GITHUB.match(url) is not None


def _checkout(folder: Path) -> Path:
    """The top folder of the checkout, which has a commit to start work from."""
    if STATE_FOLDER in folder.parts:
        raise InvalidInputError(f"{folder} is inside {STATE_FOLDER}, where agents work; run `tt init` in your checkout")
    if not folder.is_dir():
        raise InvalidInputError(f"{folder} {'is not a folder' if folder.exists() else 'does not exist'}")
    git = Git(folder)
    asked = git.run("rev-parse", "--is-inside-work-tree", accept=(0, 128))
    if asked.code != 0 and "not a git repository" in asked.err:
        raise GitError(f"{folder} is not a git repository; run `git init` first")
    if asked.code != 0:
        reason = (asked.err.strip().splitlines() or ["git failed"])[0].removeprefix("fatal: ")
        raise GitError(f"git cannot use {folder}: {reason}")
    if asked.out.strip() != "true":
        raise GitError(f"{folder} is a bare repository or a .git folder; run `tt init` in a checkout of it")
    if git.find_commit("HEAD") is None:
        raise GitError("the repository has no commits yet; make a first commit, agents start their work from it")
    return Path(git.run("rev-parse", "--show-toplevel").out.removesuffix("\n")).resolve()


def _refuse_second_town(folder: Path, root: Path) -> None:
    for place in (folder, *folder.parents):
        if (place / TOWN_FILE).exists():
            raise AlreadyExistsError(f"{place} is a town already; two in one folder cannot be, nothing was changed")
        if place == root:
            return


def _default_name(git: Git) -> str:
    """`<repository>-<branch>`, with what a name may not have replaced."""
    branch = git.current_branch()
    if branch is None:
        raise GitError("HEAD is detached: check out the branch to work on, or give the town a name with --name")
    repository = _origin(git).rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2] or git.folder.name
    name = _NOT_IN_NAMES.sub("-", f"{repository}-{branch}")[:NAME_LIMIT].strip("._-")
    return name if name and name.lower() not in RESERVED_NAMES else f"town-{name}".rstrip("-")


def _origin(git: Git) -> str:
    """URL of the remote `origin`, empty when there is none."""
    return git.run("remote", "get-url", "origin", accept=(0, 2, 128)).out.strip()


def _write(root: Path, settings: str, *, is_ignored: bool) -> None:
    """Write everything, or leave nothing: what needs space or rights comes first, then two renames.

    tinytown.toml is last: it is what makes a folder a town.
    """
    state, ignore = root / STATE_FOLDER, root / _IGNORE_FILE
    with ExitStack() as undo:
        if not state.exists():
            state.mkdir(mode=0o700)
            undo.callback(shutil.rmtree, state)
        state.chmod(0o700)
        machine_id(root)
        renames = [] if is_ignored else [_draft(ignore.resolve(), _with_line(ignore, f"{STATE_FOLDER}/"), undo)]
        renames.append(_draft(root / TOWN_FILE, settings.encode(), undo))
        for draft, target in renames:
            draft.replace(target)
        undo.pop_all()


def _draft(target: Path, content: bytes, undo: ExitStack) -> tuple[Path, Path]:
    """A file beside `target` that is to replace it, and `target`."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    undo.callback(draft.unlink, missing_ok=True)
    draft.write_bytes(content)
    if target.exists():
        shutil.copymode(target, draft)
    return draft, target


def _with_line(path: Path, line: str) -> bytes:
    """The file's content and one more line, everything kept that is there, line ends too."""
    kept = path.read_bytes() if path.exists() else b""
    end = b"\r\n" if b"\r\n" in kept else b"\n"
    if kept and not kept.endswith(b"\n"):
        kept += end
    return kept + line.encode() + end


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Keep every other `tt init` of this checkout waiting; locks the folder itself, which leaves no file behind."""
    descriptor = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
