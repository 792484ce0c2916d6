"""State machines as tables with one interpreter.

A table lists, for each state, the states that may follow it. It is the single source of truth: the planner and the
services check against it, the store's scripts get the allowed predecessors from it, the diagram in the docs is
generated from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Generic, TypeVar

from tinytown.domain.errors import IllegalTransitionError

S = TypeVar("S", bound=Enum)


class Lifecycle(Generic[S]):
    """The transition table of one kind of thing."""

    def __init__(self, name: str, initial: S, table: Mapping[S, tuple[S, ...]]) -> None:
        self.name = name
        self.initial = initial
        self._table = dict(table)

    def allows(self, old: S, new: S) -> bool:
        """Whether `new` may follow `old`."""
        return new in self._table[old]

    def check(self, old: S, new: S) -> S:
        """Return `new`, or raise IllegalTransitionError naming what may follow `old`."""
        if not self.allows(old, new):
            may = ", ".join(s.value for s in self._table[old]) or "nothing"
            raise IllegalTransitionError(
                f"{self.name} is {old.value} and cannot become {new.value}; it can become: {may}",
                old=old.value,
                new=new.value,
            )
        return new

    def before(self, new: S) -> tuple[S, ...]:
        """The states that `new` may follow."""
        return tuple(old for old, following in self._table.items() if new in following)

    def is_final(self, state: S) -> bool:
        """Whether nothing follows `state`."""
        return not self._table[state]

    def edges(self) -> Iterator[tuple[S, S]]:
        """Every allowed (old, new) pair, in table order."""
        for old, following in self._table.items():
            for new in following:
                yield old, new

    def states(self) -> tuple[S, ...]:
        """Every state, in table order."""
        return tuple(self._table)

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial.value}"]
        lines += [f"    {old.value} --> {new.value}" for old, new in self.edges()]
        lines += [f"    {state.value} --> [*]" for state in self._table if self.is_final(state)]
        return "\n".join(lines)
