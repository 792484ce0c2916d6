"""What we write into pull requests. Pure.

Nothing is read back from there but the hidden marker: anybody may write into an issue's title, and bots and people
edit the text. GitHub reads it, too, and closes what a text says it closes: what we quote is made to say nothing.
https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
"""

from __future__ import annotations

import re

from tinytown.domain.pull import PullDraft

MOST_CHARS = 60_000
"""GitHub takes 65,536 in a body."""
_MOST_TITLE_CHARS = 240

_MENTION = re.compile(r"@(?=[A-Za-z0-9])")
_CLOSING = re.compile(
    r"\b((?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b(?:[\s:*_~(\[]|<[^<>]*>)*"
    r"(?:[\w./\\-]*#(?=\d)|gh-(?=\d)|https?(?=://)))",
    re.IGNORECASE,
)
"""A closing word with a reference: GitHub sees them through Markdown and HTML."""
_MARKUP = re.compile(r"<!(?=--)|&(?=#?\w+;)")
"""The beginning of a comment, such as our markers are, or of an encoded character."""
_NOTHING = "\u200b"
"""A space without width: it keeps GitHub, and us, from seeing more than text in somebody's text."""


def title_of(draft: PullDraft) -> str:
    """The title: one line that closes nothing when it becomes the title of a commit."""
    line = " ".join(draft.title.split()) or draft.branch
    return quiet(line if len(line) <= _MOST_TITLE_CHARS else f"{line[: _MOST_TITLE_CHARS - 1]}…")


def body_of(draft: PullDraft) -> str:
    """The text of a new pull request: what is told, then our own part."""
    return f"{quiet(draft.body.strip())[:MOST_CHARS]}\n\n{_own_part(draft)}"


def with_own_part(body: str, draft: PullDraft) -> str:
    """The text of one that somebody else opened, with our part at its end."""
    return f"{body.rstrip()[:MOST_CHARS]}\n\n{_own_part(draft)}".lstrip()


def quiet(text: str) -> str:
    """The text so that nobody is notified, nothing is closed and nothing is marked by it."""
    for special in (_MENTION, _CLOSING, _MARKUP):
        text = special.sub(rf"\g<0>{_NOTHING}", text)
    return text


def _own_part(draft: PullDraft) -> str:
    lines = (f"Closes {ref}" for ref in draft.closes)
    return "\n".join((draft.marker, "", *dict.fromkeys(lines), ""))
