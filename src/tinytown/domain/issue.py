"""What a forge or a document says a piece of work is."""

from __future__ import annotations

import msgspec

from tinytown.domain.refs import ObjectiveRef


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """An objective as read from its source."""

    ref: ObjectiveRef
    """Where it comes from."""
    title: str
    body: str
    """The whole text, Markdown. Data from outside: quoted in prompts, never run."""
    is_open: bool = True
    labels: tuple[str, ...] = ()
    author: str = ""
    url: str = ""
    """Where a person can look at it."""
    is_trusted: bool = True
    """Whether its author may direct agents; untrusted text is marked in prompts."""
