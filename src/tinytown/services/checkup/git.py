"""Git and the repository: version, identity, what is checked out, the remote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tinytown.domain.errors import GitError, RemoteError
from tinytown.domain.finding import Finding, fine, problem, warning
from tinytown.repository.branch import default_branch
from tinytown.repository.git import Git
from tinytown.repository.remote import NAME, Remote
from tinytown.services.machine import STATE_FOLDER

AREA = "git"
LEAST_VERSION = (2, 31)
GOOD_VERSION = (2, 38)
"""Trial merges are made by `git merge-tree --write-tree` from then on."""
_UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "BISECT_LOG")


def look(root: Path) -> Iterator[Finding]:
    """Git here, and the repository that the town is in."""
    git = Git(root, timeout_secs=20)
    yield _version(git)
    if not git.run("rev-parse", "--is-inside-work-tree", accept=(0, 128)).out.startswith("true"):
        yield problem(AREA, f"{root} is not a git checkout", "clone the repository again, or run `git init`")
        return
    if git.find_commit("HEAD") is None:
        yield problem(AREA, "the repository has no commits", "make a first commit: agents start their work from it")
        return
    yield from _identity(git)
    yield from _checkout(git)
    yield from _ignored(git)


def look_at_base(root: Path, wanted: str | None) -> Finding:
    """The branch that pull requests go into."""
    git = Git(root, timeout_secs=20)
    try:
        base = wanted or default_branch(git)
    except GitError as error:
        return problem(AREA, error.message, "set [forge] default_branch")
    if git.find_branch(base) is None and git.find_commit(f"refs/remotes/{NAME}/{base}") is None:
        return problem(AREA, f"there is no branch {base}", "correct [forge] default_branch, or fetch it")
    return fine(AREA, f"pull requests go into {base}")


def look_at_remote(remote: Remote, base: str) -> Iterator[Finding]:
    """The remote: whether git can read it, and would be let push."""
    git = remote.git
    url = remote.url()
    if not url:
        yield problem(AREA, f"there is no remote {NAME}, where branches are pushed to", f"git remote add {NAME} URL")
        return
    try:
        remote.head(base)
        sha = git.rev_parse("HEAD")
        refspec = f"{sha}:refs/heads/tt/doctor"
        remote.talk(f"a push to {NAME}", "push", "--dry-run", "--no-verify", "--quiet", NAME, refspec, is_push=True)
    except RemoteError as error:
        yield problem(AREA, error.message, f"mend it until `git push --dry-run {NAME} HEAD:tt/doctor` works here")
        return
    yield fine(AREA, f"git can read {NAME} and may push there")


def _version(git: Git) -> Finding:
    found = git.version()
    text = f"git {found[0]}.{found[1]}"
    if found < LEAST_VERSION:
        return problem(AREA, f"{text} is too old", "install git 2.38 or newer")
    if found < GOOD_VERSION:
        return warning(AREA, f"{text} works, but trial merges are slower", "install git 2.38 or newer")
    return fine(AREA, text)


def _identity(git: Git) -> Iterator[Finding]:
    if git.identity():
        yield warning(
            AREA,
            "nobody is named as author: commits are made as Tinytown <tinytown@localhost>",
            "git config user.name NAME; git config user.email ADDRESS",
        )
    else:
        name = os.environ.get("GIT_AUTHOR_NAME") or git.line("config", "--get", "user.name")
        yield fine(AREA, f"commits are made as {name}")


def _checkout(git: Git) -> Iterator[Finding]:
    folder = Path(git.line("rev-parse", "--path-format=absolute", "--git-dir"))
    if under_way := [name for name in _UNDER_WAY if (folder / name).exists()]:
        what = under_way[0].removesuffix("_HEAD").removesuffix("_LOG").replace("_", "-").lower()
        yield warning(AREA, f"a {what} is not finished in this checkout", "finish or abort it; see `git status`")
    if git.current_branch() is None:
        yield warning(AREA, "HEAD is detached in this checkout", "git switch BRANCH")
    elif git.is_dirty():
        yield warning(AREA, "this checkout has changes that are not committed", "commit or stash them")
    if git.run("rev-parse", "--is-shallow-repository").out.startswith("true"):
        yield warning(AREA, "this is a shallow clone: merges may not find a common ancestor", "git fetch --unshallow")


def _ignored(git: Git) -> Iterator[Finding]:
    if not git.succeeds("check-ignore", "--quiet", "--no-index", f"{STATE_FOLDER}/"):
        yield warning(
            AREA,
            f"{STATE_FOLDER}/ is not ignored: it could be committed",
            f"add the line {STATE_FOLDER}/ to .gitignore",
        )
