"""Who is to look again: whose word is about a commit that is not the head any more."""

from __future__ import annotations

import pytest
from tests.unit.forges.github.said import HEAD, OLD, facts, remark, review, thread

from tinytown.forges.github.points import Facts
from tinytown.forges.github.reviews import judge_people
from tinytown.forges.github.shapes import ReviewShape

TOLD = facts("review:1")


def again(*reviews: ReviewShape, by: Facts = TOLD) -> tuple[str, ...]:
    return judge_people(reviews, (), by).ask_again


def test_who_asked_for_changes_that_were_made_since() -> None:
    assert again(review(1, "CHANGES_REQUESTED", commit=OLD)) == ("rev",)


def test_whose_approval_a_push_dismissed() -> None:
    assert again(review(1, "DISMISSED", commit=OLD)) == ("rev",)


@pytest.mark.parametrize("state", ["CHANGES_REQUESTED", "DISMISSED"])
def test_nobody_who_has_seen_the_head(state: str) -> None:
    assert again(review(1, state, commit=HEAD)) == ()
    assert again(review(1, state, commit=OLD), by=facts("review:1", same=(OLD,))) == (
        () if state[0] == "C" else ("rev",)
    )


def test_nobody_while_what_they_want_was_not_handed_over() -> None:
    assert again(review(1, "CHANGES_REQUESTED", commit=OLD), by=facts()) == ()
    seen = judge_people([review(1, "CHANGES_REQUESTED", commit=OLD)], (thread(remark(60, "eve")),), TOLD)
    assert seen.ask_again == ()


def test_nobody_when_somebody_else_approved_and_nothing_stands_against_it() -> None:
    assert again(review(1, "DISMISSED", commit=OLD), review(2, "APPROVED", "eve")) == ()
    assert again(review(1, "CHANGES_REQUESTED", commit=OLD), review(2, "APPROVED", "eve")) == ("rev",)


@pytest.mark.parametrize("by", ["stranger", "cursor[bot]", "octo", None])
def test_only_people_who_may_write_and_not_ourselves(by: str | None) -> None:
    assert again(review(1, "CHANGES_REQUESTED", by, commit=OLD)) == ()


def test_approvals_and_comments_are_left_alone() -> None:
    assert again(review(1, "APPROVED", commit=OLD), review(2, "COMMENTED", "eve", commit=OLD)) == ()
