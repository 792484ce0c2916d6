"""Keeping an agent's `gh` and `git` from signing in to the forge as the person who started the host.

Out of reach of an environment, and so not kept from them: what `gh auth token` finds in the system's keyring,
`~/.netrc`, passwords in URLs, and keys for ssh. SSH_AUTH_SOCK stays: commits may have to be signed with it, other hosts
be reached with it, and keys in `~/.ssh` would do without it.
https://git-scm.com/docs/gitcredentials, https://cli.github.com/manual/gh_help_environment
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

SET_ASIDE = "TINYTOWN_SET_ASIDE"
"""Variable with what other variables were before, as JSON: a service that an agent's `tt` starts gets that back."""

FORGE_TOKENS = ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_ENTERPRISE_TOKEN")


class SignedOut(msgspec.Struct, frozen=True, kw_only=True):
    """How agents are kept from signing in to the forge."""

    gh_folder: Path
    """Stands for the folder with gh's settings and login; nothing of the operator's is in it."""
    hosts: tuple[str, ...] = ()
    """Where git gives no stored password, over https; with the port where it is not 443."""

    def applied_to(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment, signed out."""
        changes = {
            "GH_CONFIG_DIR": str(self.gh_folder),
            # asked after the helpers: editors set one that knows the password
            "GIT_ASKPASS": "",
            **self._settings(environ.get("GIT_CONFIG_COUNT", "")),
        }
        before = {name: environ.get(name) for name in changes}
        kept = {name: value for name, value in environ.items() if name not in FORGE_TOKENS}
        return kept | changes | {SET_ASIDE: msgspec.json.encode(before).decode()}

    def _settings(self, count: str) -> dict[str, str]:
        """Git's settings of the environment with ours after them; an empty value drops what others configured."""
        if not self.hosts or not (count.isdecimal() or not count):  # git refuses another count by itself
            return {}
        keys = [key for host in self.hosts for key in _keys(host)]
        numbered = tuple(enumerate(keys, start=int(count or 0)))
        return (
            {"GIT_CONFIG_COUNT": str(int(count or 0) + len(keys))}
            | {f"GIT_CONFIG_KEY_{number}": key for number, key in numbered}
            | {f"GIT_CONFIG_VALUE_{number}": "" for number, _ in numbered}
        )


def signed_in(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment as it was before `SignedOut.applied_to`; the forge's tokens are gone for good."""
    try:
        before = msgspec.json.decode(environ.get(SET_ASIDE, "{}"), type=dict[str, str | None])
    except msgspec.DecodeError:  # not of our making
        before = {}
    kept = {name: value for name, value in environ.items() if name != SET_ASIDE and name not in before}
    return kept | {name: value for name, value in before.items() if value is not None}


def _keys(host: str) -> tuple[str, str]:
    return f"credential.https://{host}.helper", f"http.https://{host}/.extraHeader"
