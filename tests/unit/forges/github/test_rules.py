"""What a base branch asks, of rulesets and classic protection together."""

from __future__ import annotations

import pytest

from tinytown.forges.github.rules import BaseRules, united
from tinytown.forges.github.shapes import (
    ClassicChecksShape,
    RepositoryShape,
    RequiredCheckShape,
    RuleParametersShape,
    RuleShape,
)
from tinytown.forges.github.verdicts import Required


def checks(*contexts: str, app: int | None = None, is_strict: bool = False) -> RuleShape:
    named = tuple(RequiredCheckShape(context=one, integration_id=app) for one in contexts)
    parameters = RuleParametersShape(required_status_checks=named, strict_required_status_checks_policy=is_strict)
    return RuleShape(type="required_status_checks", parameters=parameters)


def rule(kind: str, **parameters: object) -> RuleShape:
    return RuleShape(type=kind, parameters=RuleParametersShape(**parameters) if parameters else None)  # type: ignore[arg-type]


def test_nothing_is_asked_without_rules() -> None:
    assert united((), None, None) == BaseRules(is_strict=False)


def test_rulesets_and_classic_protection_are_united() -> None:
    classic = ClassicChecksShape(contexts=("lint", "build"))
    found = united((checks("test", app=7), checks("lint")), classic, None)
    assert found.required == (Required("test", 7), Required("lint"), Required("build"))


def test_classic_checks_with_apps_win_over_their_bare_names() -> None:
    classic = ClassicChecksShape(contexts=("a", "b"), checks=(RequiredCheckShape(context="a", app_id=-1),))
    assert united((), classic, None).required == (Required("a"),)


def test_classic_protection_that_is_off_asks_nothing() -> None:
    assert united((), ClassicChecksShape(contexts=("a",), enforcement_level="off"), None).required == ()


@pytest.mark.parametrize(
    ("ruled", "classic", "is_strict"),
    [
        (False, None, False),
        (True, None, True),
        (False, ClassicChecksShape(strict=True), True),
        (False, ClassicChecksShape(strict=False), False),
        (False, ClassicChecksShape(), None),
        (True, ClassicChecksShape(), True),
    ],
)
def test_strict_is_told_by_either(*, ruled: bool, classic: ClassicChecksShape | None, is_strict: bool | None) -> None:
    assert united((checks("a", is_strict=ruled),), classic, None).is_strict is is_strict


def test_merge_queue_is_a_rule() -> None:
    assert united((rule("merge_queue"),), None, None).has_queue


def test_what_a_pull_request_needs_is_taken_from_the_strictest_rule() -> None:
    found = united(
        (
            rule("pull_request", required_approving_review_count=1, required_review_thread_resolution=True),
            rule("pull_request", required_approving_review_count=2, require_code_owner_review=True),
            rule("required_signatures"),
        ),
        None,
        None,
    )
    assert (found.approvals, found.resolves_threads, found.needs_code_owners) == (2, True, True)
    assert found.needs_signatures


@pytest.mark.parametrize(
    ("settings", "kinds", "methods"),
    [
        ({}, (), ("merge", "squash", "rebase")),
        ({"allow_merge_commit": False}, (), ("squash", "rebase")),
        ({"allow_merge_commit": True, "allow_squash_merge": False}, (), ("merge", "rebase")),
        ({}, (rule("required_linear_history"),), ("squash", "rebase")),
        ({}, (rule("pull_request", allowed_merge_methods=("squash", "merge")),), ("merge", "squash")),
        ({"allow_squash_merge": False}, (rule("pull_request", allowed_merge_methods=("squash",)),), ()),
    ],
)
def test_methods_are_what_nothing_forbids(
    settings: dict[str, bool], kinds: tuple[RuleShape, ...], methods: tuple[str, ...]
) -> None:
    found = united(kinds, None, RepositoryShape(full_name="o/r", **settings))  # type: ignore[arg-type]
    assert found.methods == methods
