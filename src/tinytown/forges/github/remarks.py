"""What people and bots say in the threads of a pull request, and who they are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

_SUFFIX = "[bot]"

KNOWN_BOTS = (
    "cursor[bot]",
    "coderabbitai[bot]",
    "copilot-pull-request-reviewer[bot]",
    "copilot[bot]",
    "dependabot[bot]",
    "sonarqubecloud[bot]",
    "sonarcloud[bot]",
    "github-advanced-security[bot]",
)
"""Whose remarks are a watch of their own unless others are configured."""


GHOST = "ghost"
"""What GitHub calls accounts that are deleted."""


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Who said something. The same bot is `name[bot]` in REST, `name` in GraphQL."""

    login: str
    is_bot: bool = False
    association: str = "NONE"
    """With the repository, as GitHub calls it: OWNER, MEMBER, COLLABORATOR, …"""

    @property
    def key(self) -> str:
        """Names this account alone, however it is written: a person may be called as a bot is."""
        bare = self.login.casefold().removesuffix(_SUFFIX)
        return f"{bare}{_SUFFIX}" if self.is_app else bare

    @property
    def is_app(self) -> bool:
        """Whether an App acts by it."""
        return self.is_bot or self.login.endswith(_SUFFIX)


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """One comment."""

    id: str
    author: Author
    text: str
    at: datetime | None = None
    link: str = ""


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation about a place in the code, oldest remark first."""

    remarks: tuple[Remark, ...]
    path: str = ""
    line: int | None = None
    is_resolved: bool = False
    is_outdated: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it may still want something."""
        return not self.is_resolved and not self.is_outdated

    @property
    def place(self) -> str:
        """`path:line`."""
        return self.path if self.line is None else f"{self.path}:{self.line}"


def is_named(author: Author, names: Iterable[str]) -> bool:
    """Whether the account is one of those named; a name with `[bot]` means a bot only, one without whoever has it."""
    for name in names:
        bare = name.casefold()
        if author.key == bare or (not bare.endswith(_SUFFIX) and author.key == f"{bare}{_SUFFIX}"):
            return True
    return False
