"""What `tt reclaim` says."""

from __future__ import annotations

import pytest

from tinytown.cli.render.agent_life import reclaimed_lines
from tinytown.services.recovery import NOWHERE, Reclaimed
from tinytown.store.agents import HandedOver


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        (None, "   take it: tt reclaim --to-backlog, or --to AGENT"),
        ("ann", "   take it: tt reclaim --from ann --to-backlog, or --to AGENT"),
    ],
)
def test_what_was_only_counted_is_taken_from_the_same_agents(source: str | None, advice: str) -> None:
    counted = Reclaimed(destination=NOWHERE, found=HandedOver(tasks=2), agents=("ann",))

    assert reclaimed_lines(counted, source) == ["♻️  To be reclaimed: 2 unfinished tasks of ann", advice]


@pytest.mark.parametrize(
    ("number", "line"), [(1, "   1 message of a run under way stays"), (2, "   2 messages of runs under way stay")]
)
def test_what_a_run_has_stays(number: int, line: str) -> None:
    busy = Reclaimed(destination="backlog", found=HandedOver(under_way=number))

    assert reclaimed_lines(busy, None) == ["♻️  Reclaimed nothing", line]
