"""Identifiers: UUIDs as lower-case text, names, and unambiguous prefixes of ids."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable

from tinytown.domain.errors import AmbiguousError, InvalidInputError, NotFoundError

CONDUCTOR = "conductor"
SUPERVISOR = "supervisor"
RESERVED_NAMES = frozenset({CONDUCTOR, SUPERVISOR})

NAME_LIMIT = 64
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


def derive_id(parent: str, *parts: object) -> str:
    """The id that the same parent and parts always give: a repeated step finds its own footprint.

    Args:
        parent: the id (UUID text) under which the new one is unique.
        parts: what tells the new thing from its siblings, e.g. its kind and attempt.
    """
    return str(uuid.uuid5(uuid.UUID(parent), "\x1f".join(str(part) for part in parts)))


def new_id() -> str:
    """A fresh random id. Called at the edge only; pure code uses `derive_id`."""
    return str(uuid.uuid4())


def check_name(name: str, what: str = "agent") -> str:
    """Return `name` when it may name an agent or a town, raise InvalidInputError otherwise."""
    if name.lower() in RESERVED_NAMES:
        raise InvalidInputError(f"{what} name '{name}' is reserved; choose another")
    if len(name) > NAME_LIMIT:
        raise InvalidInputError(f"{what} name is {len(name)} characters long; use at most {NAME_LIMIT}")
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{what} name '{name}' is not valid; use letters, digits, '.', '_' and '-', beginning and ending with"
            " a letter or digit"
        )
    return name


def by_prefix(prefix: str, ids: Iterable[str], what: str) -> str:
    """The one id that begins with `prefix`.

    Raises:
        NotFoundError: none does. AmbiguousError: several do.
    """
    wanted = prefix.strip().lower()
    found = sorted(i for i in ids if wanted and i.startswith(wanted))
    if wanted in found:
        return wanted
    if not found:
        raise NotFoundError(f"no {what} '{prefix}'")
    if len(found) > 1:
        shown = ", ".join(i[:12] for i in found[:4])
        raise AmbiguousError(f"{what} '{prefix}' is ambiguous: it fits {shown}; give more characters")
    return found[0]


def short(identifier: str) -> str:
    """The first eight characters, as people see ids."""
    return identifier[:8]
