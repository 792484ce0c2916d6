"""What a tool is: a function over a town's services, and what clients and the gate must know of it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import msgspec
from mcp_types import ToolAnnotations

from tinytown.domain.access import Scope


class Effect(Enum):
    """What calling a tool does to the town; clients ask people before what destroys."""

    READS = "reads"
    ADDS = "adds"
    """Something new each time."""
    SETS = "sets"
    """Called twice it has done what calling it once does."""
    STOPS = "stops"
    """As `sets`, and work under way may be lost."""
    RESTARTS = "restarts"
    """As `adds`, and work under way may be lost."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """A tool."""

    name: str
    title: str
    does: Callable[..., object]
    """Gets `town`, lent to it in a thread of its own; a coroutine gets `desk`. Its docstring is the description, its
    other parameters are the input, its answer, a model, is the output."""
    scope: Scope
    """Without which nobody may call it."""
    effect: Effect = Effect.READS
    is_open: bool = False
    """Whether it asks somebody outside, such as GitHub."""
    has_texts: bool = False
    """Whether its answer has texts in it that others wrote."""
    limit_secs: float | None = None
    """How long it may take; none: as long as any request."""

    @property
    def annotations(self) -> ToolAnnotations:
        """The hints for clients."""
        return ToolAnnotations(
            title=self.title,
            read_only_hint=self.effect is Effect.READS,
            destructive_hint=self.effect in {Effect.STOPS, Effect.RESTARTS},
            idempotent_hint=self.effect in {Effect.READS, Effect.SETS, Effect.STOPS},
            open_world_hint=self.is_open,
        )
