"""The gateway to git: one command at a time, with a time limit, without hooks, prompts or a shell."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tinytown.domain.errors import GitError
from tinytown.repository.stale_lock import blocking_lock, wait_for

NO_COMMIT = "0" * 40
"""What a ref that must not exist yet is compared with."""

_MOST_LOCKS = 4
"""Lock files that may be in the way of one command, one after the other."""

FALLBACK_IDENTITY = ("Tinytown", "tinytown@localhost")

# A `tt` that a git hook started inherits these; they would point every command at that hook's repository.
_INHERITED = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "core.fsmonitor=false",
    "color.ui=false",
    "advice.detachedHead=false",
    "commit.gpgSign=false",
    "log.showSignature=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
)
_OPTIONS = tuple(part for setting in _SETTINGS for part in ("-c", setting))


class Outcome(msgspec.Struct, frozen=True):
    """How a git command ended. Bytes that are not UTF-8 survive as surrogates."""

    code: int
    out: str
    err: str


class Git:
    """Runs git in one folder: a checkout, a worktree or a bare repository."""

    def __init__(self, folder: Path, *, timeout_secs: float = 120.0) -> None:
        self.folder = folder
        self.timeout_secs = timeout_secs

    def at(self, folder: Path) -> Git:
        """The same gateway for another folder."""
        return Git(folder, timeout_secs=self.timeout_secs)

    def run(
        self,
        *args: str,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (0,),
    ) -> Outcome:
        """Run `git <args>` and return what it printed.

        Raises:
            GitError: its exit code is not in `accept`, it took too long, or git is not installed.
        """
        fed = None if stdin is None else stdin.encode("utf-8", "surrogateescape")
        done = self._call(args, fed, env)
        outcome = Outcome(done.returncode, _text(done.stdout), _text(done.stderr))
        if outcome.code not in accept:
            raise _failure(args, outcome, self.folder)
        return outcome

    def line(self, *args: str, env: Mapping[str, str] | None = None) -> str:
        """What `git <args>` printed, without surrounding white space."""
        return self.run(*args, env=env).out.strip()

    def items(self, *args: str, stdin: str | None = None, accept: tuple[int, ...] = (0,)) -> tuple[str, ...]:
        """What `git <args>` printed, split at NUL characters."""
        return tuple(part for part in self.run(*args, stdin=stdin, accept=accept).out.split("\0") if part)

    def succeeds(self, *args: str) -> bool:
        """Whether `git <args>` exits 0; 1 is its way to say no."""
        return self.run(*args, accept=(0, 1)).code == 0

    def blob(self, revision: str, path: str) -> bytes | None:
        """The bytes of a file at a commit or tree, None when it is not there."""
        name = f"{revision}:{path}"
        if not self.succeeds("rev-parse", "--verify", "--quiet", "--end-of-options", name):
            return None
        done = self._call(("cat-file", "blob", name), None, None)
        if done.returncode != 0:
            raise _failure(("cat-file", "blob", name), Outcome(done.returncode, "", _text(done.stderr)), self.folder)
        return done.stdout

    def blobs(self, ids: Sequence[str]) -> dict[str, bytes]:
        """The bytes of these objects by id, read by one command. GitError: one of them is not there."""
        if not ids:
            return {}
        args = ("cat-file", "--batch")
        done = self._call(args, "".join(f"{one}\n" for one in ids).encode(), None)
        if done.returncode != 0:
            raise _failure(args, Outcome(done.returncode, "", _text(done.stderr)), self.folder)
        return _batch(done.stdout, ids, self.folder)

    def store_blob(self, content: bytes) -> str:
        """Keep the bytes as an object; its id."""
        return self.run("hash-object", "-w", "--stdin", stdin=_text(content)).out.strip()

    def rev_parse(self, revision: str) -> str:
        """The commit sha that `revision` names.

        Raises:
            GitError: it names no commit.
        """
        sha = self.find_commit(revision)
        if sha is None:
            raise GitError(f"there is no commit '{revision}' in {self.folder}")
        return sha

    def find_commit(self, revision: str) -> str | None:
        """The commit sha that `revision` names, None when it names none."""
        found = self.run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", accept=(0, 1)
        )
        return found.out.strip() or None

    def find_branch(self, name: str) -> str | None:
        """The commit sha a local branch is at, None when there is no such branch."""
        return self.find_commit(f"refs/heads/{name}")

    def current_branch(self) -> str | None:
        """The branch that is checked out (it may have no commit yet), None when HEAD is detached."""
        return self.run("symbolic-ref", "--quiet", "--short", "HEAD", accept=(0, 1)).out.strip() or None

    def branches(self) -> tuple[str, ...]:
        """The local branches, by name."""
        return tuple(self.line("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").splitlines())

    def is_dirty(self) -> bool:
        """Whether a tracked file differs from HEAD, staged or not."""
        return bool(self.items("status", "--porcelain", "-z", "--no-renames", "--untracked-files=no"))

    def dirty_files(self) -> tuple[str, ...]:
        """Paths of tracked files that differ from HEAD and of untracked ones that are not ignored."""
        lines = self.items("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
        return tuple(line[3:] for line in lines)

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor, None when there is none."""
        return self.run("merge-base", one, other, accept=(0, 1)).out.strip() or None

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether `descendant` contains `ancestor` (or is it)."""
        return self.succeeds("merge-base", "--is-ancestor", ancestor, descendant)

    def commits_between(self, base: str, head: str) -> tuple[str, ...]:
        """Shas of the commits in `head` and not in `base`, newest first."""
        return tuple(self.line("rev-list", head, f"^{base}", "--").split())

    def update_ref(self, ref: str, new: str, old: str, *, reason: str) -> bool:
        """Move `ref` from `old` to `new`, or say no when it is not at `old` any more.

        Args:
            ref: full name, e.g. `refs/heads/main`.
            new: sha it is to point at.
            old: sha it must point at; NO_COMMIT when it must not exist.
            reason: what the reflog says.
        """
        return self._swap(("--create-reflog", "-m", reason), ref, new, old)

    def move_head(self, new: str, old: str, *, reason: str) -> bool:
        """Detach HEAD at `new`, leaving files and index alone; say no when HEAD is not at `old` any more."""
        return self._swap(("--no-deref", "-m", reason), "HEAD", new, old)

    def _swap(self, flags: tuple[str, ...], ref: str, new: str, old: str) -> bool:
        done = self.run("update-ref", *flags, ref, new, old, accept=(0, 1, 128))
        if done.code == 0:
            return True
        if (self.find_commit(ref) or NO_COMMIT) == old:
            raise _failure(("update-ref", ref, new, old), done, self.folder)
        return False

    def commit_tree(self, tree: str, parents: tuple[str, ...], message: str) -> str:
        """Make a commit object; nothing points at it yet. Its sha."""
        flags = tuple(part for parent in parents for part in ("-p", parent))
        return self.run("commit-tree", tree, *flags, "-F", "-", stdin=message, env=self.identity()).out.strip()

    def replace_in_tree(self, tree: str, blobs: Mapping[str, str]) -> str:
        """The tree with other contents (path -> blob id) for some of its files, which keep their modes."""
        with tempfile.TemporaryDirectory(prefix="tinytown-index-") as folder:
            env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.run("read-tree", tree, env=env)
            for path, blob in blobs.items():
                mode = self.line("ls-tree", "--full-tree", tree, path).split()[0]
                self.run("update-index", "--cacheinfo", f"{mode},{blob},{path}", env=env)
            return self.line("write-tree", env=env)

    def version(self) -> tuple[int, int]:
        """Major and minor version of git."""
        numbers = self.line("version").split()[2].split(".")
        return int(numbers[0]), int(numbers[1])

    def identity(self) -> dict[str, str]:
        """Environment that gives commits an author where the user configured none; empty when they did."""
        name, email = FALLBACK_IDENTITY
        wanted = {"NAME": ("user.name", name), "EMAIL": ("user.email", email)}
        missing: dict[str, str] = {}
        for suffix, (setting, value) in wanted.items():
            if self.succeeds("config", "--get", setting):
                continue
            missing |= {
                f"GIT_{who}_{suffix}": value
                for who in ("AUTHOR", "COMMITTER")
                if not os.environ.get(f"GIT_{who}_{suffix}")
            }
        return missing

    def _call(
        self, args: tuple[str, ...], stdin: bytes | None, env: Mapping[str, str] | None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git, again when a lock was in its way and is gone now; a git that was killed leaves its lock behind."""
        done = self._call_once(args, stdin, env)
        for _ in range(_MOST_LOCKS):
            lock = blocking_lock(_text(done.stderr), self.folder) if done.returncode != 0 else None
            if lock is None or not wait_for(lock, self._places()):
                break
            done = self._call_once(args, stdin, env)
        return done

    def _places(self) -> tuple[Path, ...]:
        """The repository's working trees, where whoever holds a lock of it works."""
        lines = self._call_once(("worktree", "list", "--porcelain"), None, None).stdout.splitlines()
        return tuple(Path(_text(line[9:])) for line in lines if line.startswith(b"worktree "))

    def _call_once(
        self, args: tuple[str, ...], stdin: bytes | None, env: Mapping[str, str] | None
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            process = subprocess.Popen(
                ["git", *_OPTIONS, *args],
                cwd=self.folder,
                env=_environment(env or {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
            )
        except FileNotFoundError as error:
            if not self.folder.is_dir():
                raise GitError(f"{self.folder} is not there; git cannot be run in it") from error
            raise GitError("git is not installed; install it") from error
        except NotADirectoryError as error:
            raise GitError(f"{self.folder} is not a folder; git cannot be run in it") from error
        with process, _ended(process):
            try:
                out, err = process.communicate(stdin or b"", self.timeout_secs)
            except subprocess.TimeoutExpired as error:
                raise GitError(
                    f"git {args[0]} took longer than {self.timeout_secs:g} s in {self.folder} and was stopped",
                    argv=("git", *args),
                ) from error
        return subprocess.CompletedProcess(args, process.returncode, out, err)


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Stop git and what it started (filters, ssh) when it is not waited for to its end."""
    try:
        yield
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)


def clean_environment() -> dict[str, str]:
    """Our environment without the variables that bind git to another repository, e.g. within a git hook."""
    return {name: value for name, value in os.environ.items() if name not in _INHERITED}


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_EDITOR": "true", "LC_ALL": "C"}
    return clean_environment() | quiet | dict(more)


def shown(text: str) -> str:
    r"""A text of git's as people and records can have it: bytes that are not UTF-8 look like `\xe9`."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _batch(out: bytes, ids: Sequence[str], folder: Path) -> dict[str, bytes]:
    """What `cat-file --batch` prints: a line with id, kind and size for each object, its bytes, a line break."""
    found = {}
    start = 0
    for one in ids:
        head = out[start : out.index(b"\n", start)]
        about = head.split()
        if len(about) != 3:  # noqa: PLR2004  id, kind, size; anything else is a complaint
            raise GitError(f"git cat-file failed in {folder}: {shown(_text(head))}")
        begin = start + len(head) + 1
        start = begin + int(about[2]) + 1
        found[one] = out[begin : start - 1]
    return found


def _failure(args: tuple[str, ...], outcome: Outcome, folder: Path) -> GitError:
    lines = [line.strip() for line in outcome.err.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))]
    reason = (told or lines or [f"exit code {outcome.code}"])[0]
    return GitError(
        shown(f"git {' '.join(args)} failed in {folder}: {reason}"),
        argv=("git", *map(shown, args)),
        code=outcome.code,
        stderr=shown(outcome.err),
    )
