"""Who asks for something over the network, and what they may."""

from __future__ import annotations

import re
import zlib
from enum import Enum

import msgspec

from tinytown.domain.errors import InvalidInputError


class Scope(Enum):
    """A right that an operation needs."""

    TOWN_READ = "town.read"
    """Look at everything but secrets."""
    TOWN_WRITE = "town.write"
    """Give and report work, send messages, steer missions."""
    AGENT_MANAGE = "agent.manage"
    """Start and stop agents, take their work away."""
    ADMIN = "admin"
    """Everything, also what deletes."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was recognised."""

    name: str
    """Unique among principals; safe to log."""
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether it has the right; `admin` has all."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


OPERATOR = Principal(name="operator", scopes=frozenset({Scope.ADMIN}))
"""Whoever is on this machine, when nobody is asked who they are."""


KEY_NAME_LIMIT = 64
SECRET_BYTES = 32

_KEY_PREFIX = "tt"
_KEY_NAME = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9._-]{{0,{KEY_NAME_LIMIT - 2}}}[A-Za-z0-9])?")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_CHARS, _SUM_CHARS = 43, 6
_SECRET = re.compile(rf"[A-Za-z0-9]{{{_SECRET_CHARS + _SUM_CHARS}}}")


def check_key_name(name: str) -> str:
    """Return `name` when it may name an API key, raise InvalidInputError otherwise."""
    if not _KEY_NAME.fullmatch(name):
        raise InvalidInputError(
            f"key name {name!r} is not valid; use at most {KEY_NAME_LIMIT} letters, digits, '.', '_' and '-', beginning"
            " and ending with a letter or digit"
        )
    return name


def compose_key(name: str, secret: bytes) -> str:
    """The text of an API key, `tt_NAME_SECRET`: whose it is, the secret in base 62, a checksum against typing errors.

    Args:
        name: checked by `check_key_name`.
        secret: 32 random bytes.
    """
    text = f"{_KEY_PREFIX}_{name}_{_digits(int.from_bytes(secret, 'big'), _SECRET_CHARS)}"
    return text + _checksum(text)


def name_in_key(text: str) -> str | None:
    """Which key that is by its own account; None when it is no key, or was copied wrong."""
    prefix, _, rest = text.partition("_")
    name, _, secret = rest.rpartition("_")
    if prefix != _KEY_PREFIX or not _KEY_NAME.fullmatch(name) or not _SECRET.fullmatch(secret):
        return None
    return name if _checksum(text[:-_SUM_CHARS]) == text[-_SUM_CHARS:] else None


def _checksum(text: str) -> str:
    return _digits(zlib.crc32(text.encode()), _SUM_CHARS)


def _digits(number: int, width: int) -> str:
    found = ""
    for _ in range(width):
        number, digit = divmod(number, len(_DIGITS))
        found = _DIGITS[digit] + found
    return found
