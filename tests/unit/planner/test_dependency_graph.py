from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError

import pytest

from tinytown.planner.graph import cycle, cycles, longest_chain, order, weight_behind


@pytest.mark.parametrize(
    ("edges", "path"),
    [
        ({}, None),
        ({"a": (), "b": ("a",)}, None),
        ({"a": ("x",)}, None),
        ({"a": ("a",)}, ("a", "a")),
        ({"a": ("c",), "b": (), "c": ("a",)}, ("a", "c", "a")),
        ({"c": ("a",), "a": ("b",), "b": ("c",)}, ("c", "a", "b", "c")),
        ({"z": ("a",), "a": ("b",), "b": ("a",)}, ("a", "b", "a")),
    ],
)
def test_cycle_is_a_path_of_nodes_each_depending_on_the_next(
    edges: Mapping[str, tuple[str, ...]], path: tuple[str, ...] | None
) -> None:
    assert cycle(edges) == path


def test_separate_cycles_are_found_together() -> None:
    edges = {"a": ("b",), "b": ("a",), "c": ("a", "c"), "d": ("c",)}

    assert cycles(edges) == (("a", "b", "a"), ("c", "c"))


def test_no_more_cycles_are_looked_for_than_asked() -> None:
    assert len(cycles({name: (name,) for name in "abcd"}, limit=3)) == 3


def test_order_puts_dependencies_first_and_keeps_the_given_order_otherwise() -> None:
    assert order({"c": ("b",), "a": (), "b": (), "d": ("c", "a")}) == ("b", "a", "c", "d")


def test_order_of_a_cycle_is_refused() -> None:
    with pytest.raises(CycleError):
        order({"a": ("b",), "b": ("a",)})


@pytest.mark.parametrize(
    ("edges", "weights"),
    [
        ({}, {}),
        ({"a": ()}, {"a": 0}),
        ({"a": (), "b": ("a",), "c": ("b",)}, {"a": 2, "b": 1, "c": 0}),
        ({"a": (), "b": (), "c": ("a", "b"), "d": ("a",), "e": ("d",)}, {"a": 2, "b": 1, "c": 0, "d": 1, "e": 0}),
        ({"b": ("gone",)}, {"gone": 1, "b": 0}),
    ],
)
def test_weight_is_the_longest_chain_that_waits_behind(
    edges: Mapping[str, tuple[str, ...]], weights: dict[str, int]
) -> None:
    assert weight_behind(edges) == weights


def test_long_chain_needs_no_recursion() -> None:
    chain = {str(n): (str(n - 1),) for n in range(1, 10_000)}

    assert weight_behind(chain)["0"] == 9_999
    assert cycle(chain) is None
    ring = {**chain, "0": ("9999",)}
    assert len(cycle(ring) or ()) == 10_001


@pytest.mark.parametrize(
    ("edges", "chain"),
    [
        ({}, ()),
        ({"a": ()}, ("a",)),
        ({"a": (), "b": ("a",), "c": ("b",), "d": ("a",)}, ("a", "b", "c")),
        ({"b": (), "a": (), "d": ("a", "b"), "c": ("a",)}, ("b", "d")),
        ({"a": ("x", "y")}, ("x", "a")),
    ],
)
def test_longest_chain_begins_with_what_depends_on_nothing(
    edges: Mapping[str, tuple[str, ...]], chain: tuple[str, ...]
) -> None:
    assert longest_chain(edges) == chain
