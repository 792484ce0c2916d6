"""Keeping secrets out of logs, events and prompts: known values, and whatever looks like a well-known token.

Every repetition in the patterns is bounded: output comes from outside and must not make matching slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "[redacted]"
_MASK = MASK.encode()

SHORTEST_SECRET = 6
"""Shorter values are not masked: they would turn up in innocent text."""

LONGEST_SECRET = 4096
"""Bytes that a secret may be long and still be recognised."""

_TOKENS = re.compile(
    rb"""
    (?<![A-Za-z0-9])(?:
        gh[pousr]_[A-Za-z0-9]{20,255}               # GitHub
      | github_pat_[A-Za-z0-9_]{20,255}
      | glpat-[A-Za-z0-9_-]{20,255}                 # GitLab
      | xox[abeprs]-[A-Za-z0-9-]{10,255}            # Slack
      | (?<![-_])sk-[A-Za-z0-9_-]{16,255}           # OpenAI, Anthropic
      | (?:AKIA|ASIA)[0-9A-Z]{16}                   # AWS
      | AIza[0-9A-Za-z_-]{35}                       # Google
    )
    """,
    re.VERBOSE,
)
_BEARER = re.compile(rb"(?i)\b(bearer[ \t]{1,4})(?=[^\s\"',;]{0,255}\d)[A-Za-z0-9._~+/=-]{12,4096}")
_BASIC = re.compile(rb"(?i)(authorization[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?basic[ \t]{1,4})[A-Za-z0-9+/=]{6,4096}")
_IN_URL = re.compile(rb"://[^/\s:@\"'<>]{0,255}:[^/\s@\"'<>]{1,1024}@")


class Redactor:
    """Masks the secrets it was told of, and everything that looks like a token."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        values = {secret.strip().encode("utf-8", "surrogateescape") for secret in secrets}
        known = sorted((value for value in values if len(value) >= SHORTEST_SECRET), key=len, reverse=True)
        self._known = re.compile(b"|".join(map(re.escape, known))) if known else None

    def __call__(self, data: bytes) -> bytes:
        """`data` with every secret in it masked."""
        if self._known is not None:
            data = self._known.sub(_MASK, data)
        if b"://" in data:
            data = _IN_URL.sub(b"://" + _MASK + b"@", data)
        data = _BEARER.sub(rb"\1" + _MASK, data)
        data = _BASIC.sub(rb"\1" + _MASK, data)
        return _TOKENS.sub(_MASK, data)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with the given secrets, and everything that looks like a token, masked."""
    return Redactor(secrets)(text.encode("utf-8", "backslashreplace")).decode("utf-8", "replace")
