"""Real git repositories for tests, cut off from the machine's own git configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tinytown.repository.git import Git

ISOLATED = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def isolate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run git without the user's and the machine's settings."""
    for name, value in ISOLATED.items():
        monkeypatch.setenv(name, value)


def make_repository(folder: Path, files: Mapping[str, str] | None = None) -> Git:
    """A repository with branch main and one commit of `files`; `.tt/` is ignored."""
    folder.mkdir(parents=True, exist_ok=True)
    git = Git(folder)
    git.run("init", "--quiet", "--initial-branch=main")
    commit(git, {".gitignore": ".tt/\n", "README.md": "hello\n", **(files or {})}, "Begin")
    return git


def commit(git: Git, files: Mapping[str, str | None], message: str = "Change") -> str:
    """Write (None: remove) the files in the checkout and commit them; the commit's sha."""
    for path, text in files.items():
        target = git.folder / path
        if text is None:
            git.run("rm", "--quiet", "--", path)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        git.run("add", "--force", "--", path)
    git.run("commit", "--quiet", "--allow-empty", "-m", message, env=ISOLATED)  # also where git knows nobody
    return git.rev_parse("HEAD")


def branch_with(git: Git, name: str, files: Mapping[str, str | None], *, start: str = "main") -> str:
    """One more commit with the files on a branch (made when missing), without touching the checkout; its head."""
    folder = git.folder.parent / f"{git.folder.name}-making-{name.replace('/', '-')}"
    flags = (str(folder), name) if git.find_branch(name) else ("-b", name, str(folder), start)
    git.run("worktree", "add", "--quiet", *flags)
    sha = commit(git.at(folder), files, f"Work on {name}")
    git.run("worktree", "remove", "--force", str(folder))
    return sha
