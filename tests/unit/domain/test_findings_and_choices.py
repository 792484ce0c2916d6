from __future__ import annotations

import pytest

from tinytown.domain.finding import Health, fine, problem, warning
from tinytown.domain.issue import Selection


@pytest.mark.parametrize(
    ("choice", "is_empty"),
    [
        (Selection(), True),
        (Selection(labels=("ready",)), False),
        (Selection(milestone="v1"), False),
        (Selection(query="is:open"), False),
    ],
)
def test_a_choice_is_empty_when_nothing_is_asked_for(choice: Selection, is_empty: bool) -> None:  # noqa: FBT001  a parameter of the table
    assert choice.is_empty is is_empty


def test_a_finding_says_how_it_is_and_what_to_do() -> None:
    found = (
        fine("git", "works", mended="removed a lock"),
        warning("disk", "small", "make room"),
        problem("a", "b", "c"),
    )
    assert [one.health for one in found] == [Health.OK, Health.WARNING, Health.PROBLEM]
    assert [(one.advice, one.mended) for one in found] == [("", "removed a lock"), ("make room", ""), ("c", "")]
