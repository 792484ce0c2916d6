"""Which sub-issues an objective brings into a mission."""

from __future__ import annotations

import pytest

from tinytown.domain.issue import Issue, Relation, RelationSource
from tinytown.domain.refs import DocRef, IssueRef, ObjectiveRef
from tinytown.planner import parts
from tinytown.planner.manifest import Manifest, Override
from tinytown.planner.parts import Parts, next_parts

HOME = ("octo", "town")


def at_home(number: int) -> IssueRef:
    return IssueRef(*HOME, number)


def parent(number: int, *children: int | IssueRef, is_open: bool = True) -> Issue:
    relations = [Relation(at_home(c) if isinstance(c, int) else c, RelationSource.SUB_ISSUE) for c in children]
    return Issue(ref=at_home(number), title="t", body="", relations=tuple(relations), is_open=is_open)


def brought(*issues: Issue, named: int | None = None, depth: int = 0, manifest: Manifest | None = None) -> Parts:
    read: dict[ObjectiveRef, Issue] = {i.ref: i for i in issues}
    return next_parts(read, named=len(read) if named is None else named, depth=depth, manifest=manifest, home=HOME)


def test_parts_of_all_objectives_come_once_each_in_order() -> None:
    other = IssueRef("acme", "lib", 3)
    found = brought(parent(1, 4, other, 2), parent(2, IssueRef("OCTO", "town", 4), 5))
    assert found == Parts(refs=(at_home(4), other, at_home(5)))


def test_only_open_sub_issues_of_open_issues_come() -> None:
    closed = Relation(at_home(3), RelationSource.SUB_ISSUE, is_open=False)
    blocking = Relation(at_home(4), RelationSource.BLOCKED_BY)
    first = Issue(ref=at_home(1), title="t", body="", relations=(closed, blocking))
    assert brought(first, parent(2, 5, is_open=False), Issue(ref=DocRef("a.md"), title="t", body="")) == Parts()


def test_an_issue_that_the_manifest_skips_brings_in_nothing() -> None:
    manifest = Manifest(overrides=(Override(issue=1, skip=True), Override(issue=2, priority=3)))
    assert brought(parent(1, 3), parent(2, 4), manifest=manifest).refs == (at_home(4),)


def test_parts_that_are_each_others_parts_come_once() -> None:
    assert brought(parent(1, 2), parent(2, 1), named=1, depth=1) == Parts()


def test_sub_issues_beyond_the_depth_are_told_and_left_out() -> None:
    assert brought(parent(1, 2), depth=parts.DEPTH_LIMIT - 1).refs == (at_home(2),)
    assert brought(parent(1, 2), depth=parts.DEPTH_LIMIT) == Parts(
        warnings=(
            (
                "a mission takes in 500 sub-issues, 8 levels deep: 1 more are only waited for,"
                " name them to have them done (#2)"
            ),
        )
    )


def test_sub_issues_beyond_the_count_are_told_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "COUNT_LIMIT", 3)
    found = brought(parent(1, 2), parent(2, *range(10, 20)), named=1, depth=1)
    assert found.refs == (at_home(10), at_home(11))
    (warning,) = found.warnings
    assert warning.endswith("8 more are only waited for, name them to have them done (#12, #13, #14, #15, #16, …)")
