"""Whose words may direct agents: `[forge] trusted_authors`, logins or words for what people are to the repository."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from tinytown.forges.github.shapes import UserShape

TRUSTED_BY_DEFAULT = ("owner", "members", "collaborators")

_ASSOCIATIONS = MappingProxyType({"owner": "OWNER", "members": "MEMBER", "collaborators": "COLLABORATOR"})
"""Our words, and GitHub's. To an App, GitHub may call members of an organisation who hide that something less: their
logins can be named."""


class Trust:
    """Who is trusted."""

    def __init__(self, names: Iterable[str] = TRUSTED_BY_DEFAULT) -> None:
        folded = {name.strip().lower() for name in names}
        self._associations = frozenset(_ASSOCIATIONS[name] for name in folded & _ASSOCIATIONS.keys())
        self._logins = frozenset(name.removeprefix("@") for name in folded - _ASSOCIATIONS.keys())

    def covers(self, user: UserShape | None, association: str) -> bool:
        """Whether somebody's words are trusted; those of an account that was deleted never are."""
        if user is None:
            return False
        return association.upper() in self._associations or user.login.lower() in self._logins


def is_bot(user: UserShape | None) -> bool:
    """Whether it is an App's account."""
    return user is not None and (user.type == "Bot" or user.login.endswith("[bot]"))
