from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tinytown.planner.graph import cycle, cycles, longest_chain, order, weight_behind

NODES = st.integers(0, 8).map(str)
GRAPHS = st.dictionaries(NODES, st.lists(NODES, max_size=4, unique=True))
ACYCLIC = st.lists(st.sets(st.integers(0, 30)), max_size=30).map(
    lambda rows: {str(node): sorted(str(n) for n in needed if n < node) for node, needed in enumerate(rows)}
)


@given(GRAPHS)
def test_cycle_is_a_real_one_and_found_exactly_when_there_is_no_order(edges: dict[str, list[str]]) -> None:
    path = cycle(edges)

    if path is None:
        sequence = order(edges)
        place = {node: index for index, node in enumerate(sequence)}
        assert all(place[needed] < place[node] for node, all_needed in edges.items() for needed in all_needed)
    else:
        assert path[0] == path[-1]
        assert len(set(path)) == len(path) - 1
        assert all(after in edges[node] for node, after in pairwise(path))


@given(GRAPHS)
def test_cycles_share_no_node_and_leave_none_behind(edges: dict[str, list[str]]) -> None:
    found = cycles(edges, limit=100)
    nodes = [node for path in found for node in path[1:]]

    assert len(nodes) == len(set(nodes))
    assert cycle({node: needed for node, needed in edges.items() if node not in nodes}) is None


@given(ACYCLIC)
def test_weight_is_one_more_than_the_heaviest_that_waits_for_it(edges: dict[str, list[str]]) -> None:
    weights = weight_behind(edges)

    for node, weight in weights.items():
        waiting = [weights[other] for other, needed in edges.items() if node in needed]
        assert weight == max((w + 1 for w in waiting), default=0)


@given(ACYCLIC)
def test_longest_chain_is_a_path_and_none_is_longer(edges: dict[str, list[str]]) -> None:
    chain = longest_chain(edges)

    assert all(needed in edges[node] for needed, node in pairwise(chain))
    assert len(chain) == max((weight + 1 for weight in weight_behind(edges).values()), default=0)
