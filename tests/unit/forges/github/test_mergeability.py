"""What GitHub's words about merging mean."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytown.domain.workitem import Verdict
from tinytown.forges.github.mergeability import Queueing, blockers, judge
from tinytown.forges.github.rules import BaseRules
from tinytown.forges.github.shapes import EndShape, PullShape
from tinytown.forges.github.verdicts import Required

HEAD, TEST_MERGE = "a" * 40, "c" * 40
NO_RULES = BaseRules()


def pull(word: str | None = "clean", *, mergeable: bool | None = True, **more: Any) -> PullShape:
    values: dict[str, Any] = {
        "number": 7,
        "html_url": "https://github.com/o/r/pull/7",
        "state": "open",
        "head": EndShape(ref="tt/1", sha=HEAD),
        "base": EndShape(ref="main", sha="b" * 40),
        "merge_commit_sha": TEST_MERGE,
        "mergeable": mergeable,
        "mergeable_state": word,
    }
    return PullShape(**values | more)


@pytest.mark.parametrize(
    ("word", "mergeable", "verdict"),
    [
        ("clean", True, Verdict.PASSED),
        ("unstable", True, Verdict.PASSED),
        ("has_hooks", True, Verdict.PASSED),
        ("CLEAN", True, Verdict.PASSED),
        ("dirty", False, Verdict.FAILED),
        ("dirty", None, Verdict.FAILED),
        ("blocked", False, Verdict.FAILED),
        ("behind", True, Verdict.PENDING),
        ("blocked", True, Verdict.PENDING),
        ("draft", True, Verdict.PENDING),
        ("unknown", True, Verdict.UNKNOWN),
        ("unknown", None, Verdict.UNKNOWN),
        ("clean", None, Verdict.UNKNOWN),
        ("blocked", None, Verdict.UNKNOWN),
        (None, None, Verdict.UNKNOWN),
        ("a word of tomorrow", True, Verdict.UNKNOWN),
    ],
)
def test_words_mean(word: str | None, *, mergeable: bool | None, verdict: Verdict) -> None:
    seen = judge(pull(word, mergeable=mergeable), NO_RULES)
    assert (seen.head, seen.base, seen.verdict, seen.is_open) == (HEAD, "main", verdict, True)
    assert seen.merged_as is None


def test_what_is_not_worked_out_yet_is_asked_for_soon() -> None:
    assert judge(pull("unknown", mergeable=None), NO_RULES).again_secs == 2


def test_behind_is_to_be_brought_up_to_date() -> None:
    seen = judge(pull("behind"), NO_RULES)
    assert (seen.is_behind, seen.again_secs) == (True, None)
    assert seen.reason == "main has commits that it lacks, and must be merged into it first"


def test_conflict_names_the_base() -> None:
    assert judge(pull("dirty", mergeable=False), NO_RULES).reason == "it conflicts with main"


def test_draft_is_for_a_person() -> None:
    seen = judge(pull("blocked", draft=True), NO_RULES)
    assert (seen.verdict, seen.reason) == (Verdict.PENDING, "it is a draft; mark it as ready for review")


def test_draft_in_conflict_is_in_conflict() -> None:
    assert judge(pull("dirty", mergeable=False, draft=True), NO_RULES).verdict is Verdict.FAILED


def test_blocked_lags_and_names_what_the_rules_ask() -> None:
    rules = BaseRules(required=(Required("ci"),), approvals=2, resolves_threads=True, needs_signatures=True)
    seen = judge(pull("blocked"), rules)
    assert seen.again_secs == 10
    assert seen.reason == (
        "GitHub blocks the merge: the rules of its base ask for check ci; 2 approving reviews; resolved conversations; "
        "signed commits"
    )


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (NO_RULES, "by a rule that the token may not see"),
        (BaseRules(approvals=1, needs_code_owners=True), "an approving review; a code owner's review"),
    ],
)
def test_blockers_are_named_as_far_as_they_can_be_seen(rules: BaseRules, text: str) -> None:
    assert text in blockers(rules)


@pytest.mark.parametrize("more", [{"merged": True}, {"merged_at": "x"}])
def test_merged_is_told_with_its_commit(more: dict[str, Any]) -> None:
    seen = judge(pull("unknown", mergeable=None, state="closed", **more), NO_RULES)
    assert (seen.verdict, seen.merged_as) == (Verdict.PASSED, TEST_MERGE)


def test_closed_without_merging_is_not_open_and_its_test_merge_is_no_merge() -> None:
    seen = judge(pull("unknown", mergeable=None, state="closed"), NO_RULES)
    assert (seen.is_open, seen.merged_as, seen.verdict) == (False, None, Verdict.UNKNOWN)


QUEUE = BaseRules(has_queue=True)


@pytest.mark.parametrize("word", ["clean", "unknown", "behind", "blocked"])
def test_queued_waits_for_the_queue(word: str) -> None:
    seen = judge(pull(word), QUEUE, Queueing(is_in_merge_queue=True))
    assert (seen.verdict, seen.is_queued, seen.is_behind) == (Verdict.PENDING, True, False)


@pytest.mark.parametrize("word", ["clean", "blocked", "behind", "unstable"])
def test_where_a_queue_merges_blocked_and_behind_are_its_business(word: str) -> None:
    seen = judge(pull(word), QUEUE, Queueing(review_decision="APPROVED"))
    assert (seen.verdict, seen.is_queued, seen.is_behind) == (Verdict.PASSED, False, False)


@pytest.mark.parametrize("decision", ["REVIEW_REQUIRED", "CHANGES_REQUESTED"])
def test_queue_takes_nothing_that_must_be_reviewed(decision: str) -> None:
    seen = judge(pull("blocked"), QUEUE, Queueing(review_decision=decision))
    assert seen.verdict is Verdict.PENDING
    assert seen.reason.startswith("the merge queue does not take it")


words = st.sampled_from(["clean", "unstable", "has_hooks", "dirty", "behind", "blocked", "draft", "unknown", "x", None])


@given(
    words,
    st.sampled_from([True, False, None]),
    st.booleans(),
    st.sampled_from([None, Queueing(), Queueing(is_in_merge_queue=True)]),
)
def test_nothing_is_merged_that_github_does_not_call_mergeable(
    word: str | None,
    mergeable: bool | None,  # noqa: FBT001
    is_draft: bool,  # noqa: FBT001
    queueing: Queueing | None,
) -> None:
    seen = judge(pull(word, mergeable=mergeable, draft=is_draft), NO_RULES, queueing)
    if seen.verdict is Verdict.PASSED:
        assert mergeable is True
        assert not is_draft
        assert word not in {"dirty", "unknown", "draft", None}
    assert seen.verdict is not Verdict.UNKNOWN or seen.again_secs is not None
