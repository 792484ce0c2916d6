"""What a forge or a document says a piece of work is."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from tinytown.domain.refs import IssueRef, ObjectiveRef


class RelationSource(Enum):
    """Where it is said that one issue needs another."""

    TEXT = "text"
    """A marker in the issue's text, such as `depends on #1`."""
    BLOCKED_BY = "blocked_by"
    """The forge's own dependencies."""
    SUB_ISSUE = "sub_issue"
    """The needed one is a part of it."""
    MANIFEST = "manifest"
    """`depends_on` of mission.toml."""


class Relation(msgspec.Struct, frozen=True):
    """One issue that another needs done before."""

    ref: IssueRef
    source: RelationSource
    is_open: bool = True
    """False when the forge said in passing that it is closed: it is satisfied, and nobody needs to read it."""


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said below an issue."""

    by: str
    text: str
    """Markdown. Data from outside, as an issue's text is."""
    is_trusted: bool = True
    at: datetime | None = None


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which issues a mission is about, when they are not named one by one. All that is given must fit."""

    labels: tuple[str, ...] = ()
    milestone: str | None = None
    """Its title."""
    query: str | None = None
    """In the forge's own search language."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return not self.labels and self.milestone is None and self.query is None


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    """What a selection found."""

    refs: tuple[IssueRef, ...] = ()
    notice: str = ""
    """What a person should know of it, one line, e.g. that not all of it could be seen."""


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
    host: str = ""
    """The only host whose URLs name issues in its text; empty: any."""
    relations: tuple[Relation, ...] = ()
    """What it needs as the forge itself has it; its parts (`SUB_ISSUE`) belong to the mission with it."""
    is_trusted: bool = True
    """Whether its author may direct agents; untrusted text is marked in prompts."""
    is_parent: bool = False
    """Whether it has sub-issues, open or not."""
    is_pull: bool = False
    """Whether it is a pull request: it may be waited for, and is no objective."""
    notice: str = ""
    """What a person should know, one line, e.g. that it was moved; `ref` is where it is now."""
    remarks: tuple[Remark, ...] = ()
    """What was said below it, oldest first; read for objectives only."""
