"""The repository's remote: what its branches are at, and bringing them here.

A forge's token is given to git in the environment of the one process that needs it, never in its arguments, which every
user of the machine can read, and never in its configuration.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from tinytown.domain.errors import GitError, RemoteError
from tinytown.repository.git import Git, Outcome
from tinytown.repository.refusal import refused, unanswered
from tinytown.repository.time_limit import left_secs

NAME = "origin"
TIMEOUT_SECS = 60.0
"""How long one conversation with the remote may take."""

_LEAST_SECS = 0.1
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
_HEX = 40
_RACES = 3
"""How often a fetch that met another of the same branch is made again."""
PUSHED = "update by push"
"""What git writes into the log of a ref that a push moved."""
_BUSY_REF = re.compile(r"cannot lock ref|unable to update local ref")


class Access(msgspec.Struct, frozen=True):
    """A forge's token for git over https."""

    host: str
    """With the port, where it is not 443; the token goes nowhere else."""
    token: Callable[[], str | None]
    """Asked each time, as some run out; None: git's own credentials are used."""


class Remote:
    """The remote `origin` of one repository. May be used by several threads."""

    def __init__(self, git: Git, access: Access | None = None, *, timeout_secs: float = TIMEOUT_SECS) -> None:
        self._git = Git(git.folder, timeout_secs=timeout_secs)
        self._access = access

    @property
    def git(self) -> Git:
        """The repository here."""
        return self._git

    def url(self, *, is_push: bool = False) -> str:
        """Its URL after `insteadOf`, empty when there is no such remote."""
        flags = ("--push",) if is_push else ()
        found = self._git.run("remote", "get-url", *flags, NAME, accept=(0, 2, 128))
        return found.out.strip() if found.code == 0 else ""

    def heads(self, *branches: str) -> dict[str, str]:
        """Which of the branches there are, with their commits.

        Raises:
            RemoteError: it does not answer that. RemoteUnavailableError: it cannot be reached.
        """
        refs = tuple(f"refs/heads/{branch}" for branch in branches)
        done = self.talk(f"reading {NAME}", "ls-remote", "--quiet", NAME, *refs)
        found = dict(line.split("\t", 1)[::-1] for line in done.out.splitlines() if "\t" in line)
        # git matches the end of names, too: refs/heads/x also finds refs/heads/refs/heads/x
        return {branch: found[ref] for branch, ref in zip(branches, refs, strict=True) if ref in found}

    def head(self, branch: str) -> str | None:
        """The commit of one branch there, None when there is no such branch. Errors as `heads`."""
        return self.heads(branch).get(branch)

    def fetch(self, *branches: str) -> dict[str, str]:
        """Bring the branches here, as `refs/remotes/origin/…`; those that are there, with their commits.

        One that is gone there is forgotten here. Errors as `heads`.
        """
        there: dict[str, str] = {}
        for _ in range(_RACES):
            there = self.heads(*branches)
            stale = {name: sha for name, sha in there.items() if not self._is_known(name, sha)}
            if not stale or self._fetched(stale):
                break
        for name in branches:
            if name not in there and (old := self.known(name)) is not None:
                self._git.run("update-ref", "-d", tracking(name), old, accept=(0, 1, 128))
        return there

    def fetch_commit(self, sha: str) -> None:
        """Bring a commit here, given by its full id, that may be on no branch there. Errors as `heads`."""
        if len(sha) == _HEX and self._git.find_commit(sha) is None:
            self.talk(f"fetching commit {sha[:12]}", *_FETCH, NAME, sha)

    def known(self, branch: str) -> str | None:
        """The branch's commit there as far as it is known here, None when it is not."""
        return self._git.find_commit(tracking(branch))

    def had(self, branch: str, sha: str) -> bool:
        """Whether the branch is known to have been at the commit there: we pushed or fetched it."""
        return was_at(self._git, tracking(branch), sha)

    def has_pushed_last(self, branch: str) -> bool:
        """Whether what is known of the branch there is what was pushed from here."""
        done = self._git.run("log", "-1", "--walk-reflogs", "--format=%gs", tracking(branch), "--", accept=(0, 128))
        return done.out.strip() == PUSHED

    def note_pushed(self, branch: str, sha: str) -> None:
        """Remember that the branch there is at the commit; git itself does so only for branches it is set to fetch."""
        if self.known(branch) != sha:
            self._git.run("update-ref", "--create-reflog", "-m", PUSHED, tracking(branch), sha)

    def talk(self, what: str, *args: str, accept: tuple[int, ...] = (0,), is_push: bool = False) -> Outcome:
        """Run a git command that speaks to the remote.

        Raises:
            RemoteError: it failed; `what` says in the message what was tried.
        """
        git = Git(self._git.folder, timeout_secs=max(left_secs(self._git.timeout_secs), _LEAST_SECS))
        try:
            done = git.run(*args, env=self._environment(is_push=is_push), accept=tuple(range(256)))
        except GitError as error:
            raise unanswered(what, error) from error
        if done.code not in accept:
            raise refused(what, done)
        return done

    def _is_known(self, branch: str, sha: str) -> bool:
        """Whether the branch is known to be at the commit there; a new one that was here first was pushed from here."""
        known = self.known(branch)
        if known == sha:
            return True
        if not was_at(self._git, f"refs/heads/{branch}", sha) or self.had(branch, sha):
            return False
        is_own = known is None or not self._git.is_ancestor(sha, known)
        if is_own:  # the push went through, and its answer was lost
            self.note_pushed(branch, sha)
        return is_own

    def _fetched(self, wanted: Mapping[str, str]) -> bool:
        """Fetch; False when it is to be tried again: a ref was busy, or moved or went away meanwhile."""
        specs = tuple(f"+refs/heads/{name}:{tracking(name)}" for name in wanted)
        try:
            self.talk(f"fetching {', '.join(wanted)} from {NAME}", *_FETCH, NAME, *specs)
        except RemoteError as error:
            if _BUSY_REF.search(error.message) or "couldn't find remote ref" in error.message:
                return False
            raise
        return True

    def _environment(self, *, is_push: bool) -> dict[str, str]:
        quiet = {"GCM_INTERACTIVE": "never"} | self._quiet_ssh()
        url = self.url(is_push=is_push) if self._access else ""
        if self._access is None or not _is_https_at(url, self._access.host):
            return quiet
        token = self._access.token()
        return quiet if token is None else quiet | _with_header(self._access.host, token)

    def _quiet_ssh(self) -> dict[str, str]:
        """Nobody is there to be asked for a passphrase or about a host's key."""
        if os.environ.get("GIT_SSH_COMMAND") or os.environ.get("GIT_SSH"):
            return {}
        if self._git.succeeds("config", "--get", "core.sshCommand"):
            return {}
        return {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}


def tracking(branch: str) -> str:
    """The ref that keeps here what the remote's branch is at."""
    return f"refs/remotes/{NAME}/{branch}"


def was_at(git: Git, ref: str, sha: str) -> bool:
    """Whether the ref is at the commit, or was, as far as its log goes."""
    if git.find_commit(ref) == sha:
        return True
    done = git.run("rev-list", "--walk-reflogs", ref, "--", accept=(0, 128))
    return sha in done.out.split()


def _is_https_at(url: str, host: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme.lower() == "https" and _place(parts.netloc) == _place(host)


def _place(netloc: str) -> str:
    return netloc.rpartition("@")[2].lower().removesuffix(":443")


def _with_header(host: str, token: str) -> dict[str, str]:
    """Environment by which git sends the token to the host; an empty value first drops what others configured."""
    secret = b64encode(f"x-access-token:{token}".encode()).decode()
    setting = f"http.https://{_place(host)}/.extraHeader"
    first = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    values = ("", f"Authorization: Basic {secret}")
    numbered = tuple(enumerate(values, start=first))
    return (
        {"GIT_CONFIG_COUNT": str(first + len(values))}
        | {f"GIT_CONFIG_KEY_{number}": setting for number, _ in numbered}
        | {f"GIT_CONFIG_VALUE_{number}": value for number, value in numbered}
    )
