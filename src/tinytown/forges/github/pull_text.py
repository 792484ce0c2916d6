"""What we write into pull requests, and what of it we act on. Pure.

Below the hidden marker stands only what we wrote: the issues to be closed are read from there, not from quoted text.
"""

from __future__ import annotations

import re

from tinytown.domain.pull import PullDraft
from tinytown.domain.refs import IssueRef

MOST_CHARS = 60_000
"""GitHub takes 65,536 in a body."""
_MOST_TITLE_CHARS = 240

_MARKER = re.compile(r"<!-- tinytown:item=\S+ -->")
_CLOSES = re.compile(r"Closes ([^\s/#]+)/([^\s/#]+)#([1-9][0-9]{0,9})")
_MENTION = re.compile(r"@(?=[A-Za-z0-9])")
_CLOSING = re.compile(r"\b((?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b:?\s+[\w./-]*#)(?=\d)", re.IGNORECASE)
_NOTHING = "\u200b"
"""A space without width: it keeps GitHub from seeing a mention or a closing word in somebody's text."""


def title_of(draft: PullDraft) -> str:
    """The title: one line that closes nothing when it becomes the title of a commit."""
    line = " ".join(draft.title.split()) or draft.branch
    return quiet(line if len(line) <= _MOST_TITLE_CHARS else f"{line[: _MOST_TITLE_CHARS - 1]}…")


def body_of(draft: PullDraft) -> str:
    """The text of a new pull request: what is told, then our own part."""
    told = _CLOSES_LINE.sub("", draft.body.partition(draft.marker)[0]).strip()
    return f"{quiet(told)[:MOST_CHARS]}\n\n{_own_part(draft)}"


def with_own_part(body: str, draft: PullDraft) -> str:
    """The text of one that somebody else opened, with our part at its end."""
    return f"{body.rstrip()[:MOST_CHARS]}\n\n{_own_part(draft)}".lstrip()


def closed_by(body: str | None) -> tuple[IssueRef, ...]:
    """The issues that our part of the text says the merge closes; a marker quoted before it begins none."""
    _, *parts = _MARKER.split(body or "")
    matches = (_CLOSES.fullmatch(line.strip()) for part in parts[-1:] for line in part.splitlines())
    return tuple(dict.fromkeys(IssueRef(match[1], match[2], int(match[3])) for match in matches if match))


def quiet(text: str) -> str:
    """The text so that nobody is notified and nothing is closed by it."""
    return _CLOSING.sub(rf"\g<1>{_NOTHING}", _MENTION.sub(f"@{_NOTHING}", text))


_CLOSES_LINE = re.compile(rf"^{_CLOSES.pattern}\s*$", re.MULTILINE)


def _own_part(draft: PullDraft) -> str:
    lines = (match[0].strip() for match in _CLOSES_LINE.finditer(draft.body))
    return "\n".join((draft.marker, "", *dict.fromkeys(lines), ""))
