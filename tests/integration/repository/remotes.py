"""A bare repository as `origin`, and somebody else who pushes there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.repositories import commit

from tinytown.repository.git import Git


def with_origin(git: Git) -> Git:
    """Make a bare repository beside the one given, its `origin`, with its branch main."""
    bare = Git(git.folder.parent / f"{git.folder.name}-origin.git")
    bare.folder.mkdir()
    bare.run("init", "--quiet", "--bare", "--initial-branch=main")
    git.run("remote", "add", "origin", str(bare.folder))
    git.run("push", "--quiet", "origin", "main")
    return bare


def pushed_by_another(bare: Git, branch: str, files: Mapping[str, str | None], *, start: str | None = None) -> str:
    """A clone of somebody else's pushes one more commit, on what is there or, by force, on `start`; its sha."""
    folder = Path(f"{bare.folder}-another")
    there = Git(folder)
    if not folder.is_dir():
        bare.run("clone", "--quiet", str(bare.folder), str(folder))
    there.run("fetch", "--quiet", "origin")
    begin = start or (f"origin/{branch}" if bare.find_branch(branch) else "origin/main")
    there.run("checkout", "--quiet", "--detach", begin)
    sha = commit(there, files, f"Somebody's work on {branch}")
    there.run("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}")
    return sha
