"""Values of `[forge]` that are more than one text or number."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from tinytown.config.settings import Names

_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")


def read_names(value: object) -> Names:
    """Names from an array of texts, or from one text with commas between them.

    Raises:
        ValueError: it is neither.
    """
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
        raise ValueError('expected an array of names, as in ["octocat", "dependabot[bot]"]')
    return tuple(name for part in parts if (name := part.strip()))


def read_patterns(value: object) -> Names:
    """Regular expressions from an array of texts, or one text.

    Raises:
        ValueError: it is neither, or one of them is not valid.
    """
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
        raise ValueError('expected an array of regular expressions, as in ["timed out after \\\\d+ s"]')
    return tuple(read_pattern(part) for part in parts if part)


def read_pattern(value: object) -> str:
    """A regular expression.

    Raises:
        ValueError: it is not valid.
    """
    if not isinstance(value, str) or not value:
        raise ValueError('expected a regular expression, as in "timed out after \\\\d+ s"')
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"'{value}' is not a regular expression: {error}") from error
    return value


def read_app_id(value: object) -> str:
    """An App's id, a number, or its client id.

    Raises:
        ValueError: it is neither.
    """
    text = str(value).strip() if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[A-Za-z0-9.]{1,60}", text):
        raise ValueError("expected the id of a GitHub App, as in 12345, or its client id")
    return text


def read_api_url(value: object) -> str:
    """An API's base URL without a slash at its end.

    Raises:
        ValueError: it is not an https URL (of this machine: or http), or holds a user name, a query or a fragment.
    """
    text = value.strip() if isinstance(value, str) else ""
    parts = _split(text)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError('expected the URL of an API, as in "https://github.example.com/api/v3"')
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("the URL of an API has no user name, query or fragment; tokens come from GITHUB_TOKEN")
    if parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname):
        raise ValueError("expected https, as a token is sent there; http is for 127.0.0.1 only")
    return text.rstrip("/")


def _split(text: str) -> SplitResult | None:
    """The parts of a URL; None when its host or port cannot be one."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    return None if port == 0 else parts
