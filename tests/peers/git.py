"""Git in the bare repository behind the tests' GitHub: what a forge does to its repositories itself."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

from tests.repositories import ISOLATED

_GITHUB = {
    "GIT_AUTHOR_NAME": "octo",
    "GIT_AUTHOR_EMAIL": "octo@example.org",
    "GIT_COMMITTER_NAME": "GitHub",
    "GIT_COMMITTER_EMAIL": "noreply@example.org",
}


class Bare:
    """A bare repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, folder: Path) -> Bare:
        bare = cls(folder)
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder)], check=True)
        return bare

    def run(self, *args: str) -> bytes:
        return self._run(*args, at=self.folder).stdout

    def text(self, *args: str) -> str:
        return self.run(*args).decode().strip()

    def branches(self) -> dict[str, str]:
        """Every branch with the commit it is at."""
        lines = self.text("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads").splitlines()
        return {name: sha for sha, name in (line.split(" ", 1) for line in lines)}

    def commit_of(self, ref: str) -> str | None:
        """The commit that a branch, tag or sha means."""
        done = self._run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", at=self.folder, accept=(0, 1, 128))
        return done.stdout.decode().strip() or None

    def contains(self, head: str, commit: str) -> bool:
        done = self._run("merge-base", "--is-ancestor", commit, head, at=self.folder, accept=(0, 1))
        return done.returncode == 0

    def merged_tree(self, ours: str, theirs: str) -> str | None:
        """The tree of the merge; None: they conflict."""
        done = self._run("merge-tree", "--write-tree", ours, theirs, at=self.folder, accept=(0, 1))
        return done.stdout.decode().split()[0] if done.returncode == 0 else None

    def commit(self, tree: str, parents: tuple[str, ...], message: str) -> str:
        named = [part for parent in parents for part in ("-p", parent)]
        return self._run("commit-tree", tree, *named, "-m", message, at=self.folder).stdout.decode().strip()

    def rebased(self, base: str, head: str) -> str | None:
        """The commits of `head` made anew on `base`, whatever they are on now; None: one conflicts."""
        with tempfile.TemporaryDirectory() as name:
            self.run("worktree", "add", "--quiet", "--detach", f"{name}/tree", head)
            at = Path(name) / "tree"
            done = self._run("rebase", "--quiet", "--force-rebase", base, at=at, accept=(0, 1))
            sha = self._run("rev-parse", "HEAD", at=at).stdout.decode().strip()
            self.run("worktree", "remove", "--force", str(at))
            return sha if done.returncode == 0 else None

    def line_now(self, path: str, line: int, since: str, now: str) -> int | None:
        """Where a line of the commit `since` is at the commit `now`; None: it was changed."""
        moved = 0
        for hunk in re.findall(r"(?m)^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@", self._diff(path, since, now)):
            start, old, new = int(hunk[0]), int(hunk[1] or 1), int(hunk[2] or 1)
            if start <= line < start + old:
                return None
            moved += new - old if start < line else 0
        return line + moved

    def _diff(self, path: str, since: str, now: str) -> str:
        return self.run("diff", "--unified=0", since, now, "--", path).decode(errors="replace") if since != now else ""

    def set(self, branch: str, sha: str | None) -> None:
        """Move a branch, or remove it."""
        self.run("update-ref", *(["-d", f"refs/heads/{branch}"] if sha is None else [f"refs/heads/{branch}", sha]))

    @staticmethod
    def _run(*args: str, at: Path, accept: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[bytes]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["git", "-C", str(at), *args], check=False, capture_output=True, env=clean | ISOLATED | _GITHUB
        )
        if done.returncode not in accept:
            raise AssertionError(f"git {' '.join(args)}: {done.stderr.decode(errors='replace')}")
        return done
