"""The dependency graph of a mission: a mapping from each node to the nodes it depends on.

Every function takes time linear in nodes and edges and does not recurse, however long the chains. Nodes that are only
depended on need no entry of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter

CYCLES_SHOWN = 10
"""Most cycles that are looked for at once; each costs a pass over the graph."""


def cycle(edges: Mapping[str, Collection[str]]) -> tuple[str, ...] | None:
    """A cycle as a path such as (a, c, a), each node depending on the next; None when there is none.

    The path begins with the one of its nodes that comes first in `edges`.
    """
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        path: list[str] = error.args[1][:0:-1]  # graphlib lists each node before the one that depends on it
        on_path = set(path)
        first = path.index(next(node for node in edges if node in on_path))
        return (*path[first:], *path[: first + 1])
    return None


def cycles(edges: Mapping[str, Collection[str]], limit: int = CYCLES_SHOWN) -> tuple[tuple[str, ...], ...]:
    """Cycles that share no node, at most `limit`, so that a person can mend several at once."""
    left = dict(edges)
    found: list[tuple[str, ...]] = []
    while len(found) < limit and (path := cycle(left)):
        found.append(path)
        for node in path[1:]:
            del left[node]
    return tuple(found)


def order(edges: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """All nodes, each after everything it depends on; the same for the same mapping.

    Raises:
        graphlib.CycleError: there is no such order.
    """
    return tuple(TopologicalSorter(edges).static_order())


def weight_behind(edges: Mapping[str, Collection[str]]) -> dict[str, int]:
    """For each node the length of the longest chain of nodes that wait behind it; 0 when none does.

    Raises:
        graphlib.CycleError: the graph has a cycle.
    """
    sequence = order(edges)
    weights = dict.fromkeys(sequence, 0)
    for node in reversed(sequence):
        for needed in edges.get(node, ()):
            weights[needed] = max(weights[needed], weights[node] + 1)
    return weights


def longest_chain(edges: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """The longest path, from what depends on nothing to what nothing depends on; of several the first by `edges`.

    Raises:
        graphlib.CycleError: the graph has a cycle.
    """
    place = {node: index for index, node in enumerate(edges)}
    length: dict[str, int] = {}
    before: dict[str, str | None] = {}
    for node in order(edges):
        needed = max(edges.get(node, ()), key=lambda n: (length[n], -place.get(n, len(place))), default=None)
        before[node], length[node] = needed, length[needed] + 1 if needed is not None else 1
    last = max(length, key=lambda n: (length[n], -place.get(n, len(place))), default=None)
    chain: list[str] = []
    while last is not None:
        chain.append(last)
        last = before[last]
    return tuple(reversed(chain))
