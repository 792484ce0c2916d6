"""Dependencies and where they are said: texts, the forge's own relations, the manifest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tinytown.domain.errors import ProblemsError
from tinytown.domain.issue import Issue, Relation, RelationSource, Remark
from tinytown.domain.refs import DocRef, IssueRef, ObjectiveRef
from tinytown.domain.workitem import WorkStatus
from tinytown.planner.compile import Compiled, compile_mission, scan
from tinytown.planner.manifest import Manifest, Override
from tinytown.planner.needs import Needs

HOME = ("octo", "town")
NOW = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
TEXT, BLOCKED_BY = RelationSource.TEXT, RelationSource.BLOCKED_BY
SUB_ISSUE, MANIFEST = RelationSource.SUB_ISSUE, RelationSource.MANIFEST


def at_home(number: int) -> IssueRef:
    return IssueRef(*HOME, number)


def issue(ref: int | IssueRef, body: str = "", *relations: Relation, **fields: Any) -> Issue:
    named = at_home(ref) if isinstance(ref, int) else ref
    return Issue(ref=named, title="Implement it", body=body, relations=relations, **fields)


def blocked_by(number: int, *, is_open: bool = True) -> Relation:
    return Relation(at_home(number), BLOCKED_BY, is_open)


def part(number: int) -> Relation:
    return Relation(at_home(number), SUB_ISSUE)


def compiled(
    *issues: Issue, outside: dict[IssueRef, Issue | None] | None = None, manifest: Manifest | None = None
) -> Compiled:
    return compile_mission(
        mission_id="5b1f2c3e-0000-4000-8000-000000000000",
        objectives=tuple(i.ref for i in issues),
        issues={i.ref: i for i in issues},
        outside=outside or {},
        manifest=manifest,
        roles=frozenset(),
        home=HOME,
        now=NOW,
    )


def said(result: Compiled) -> dict[str, dict[str, list[str]]]:
    """Of each item what it depends on and waits for, and where that is said."""
    keys = {item.id: item.key for item in result.items}
    return {
        item.key: {
            **{keys[need.item_id]: [source.value for source in need.sources] for need in item.needs},
            **{dep.ref.label(HOME): [source.value for source in dep.sources] for dep in item.waits_for},
        }
        for item in result.items
    }


def test_dependencies_of_all_sources_are_united_and_each_remembers_where_it_is_said() -> None:
    first = issue(1, "after #2, #9", blocked_by(2), blocked_by(3), part(4))
    result = compiled(first, issue(2), issue(3), issue(4), outside={at_home(9): issue(9)})

    assert said(result)["#1"] == {
        "#2": ["text", "blocked_by"],
        "#3": ["blocked_by"],
        "#4": ["sub_issue"],
        "#9": ["text"],
    }
    item, _, _, fourth = result.items
    assert item.depends_on == tuple(need.item_id for need in item.needs)
    assert item.parts == {fourth.id}


def test_manifest_replaces_what_text_and_forge_say() -> None:
    objectives = issue(1, "after #2", blocked_by(3), part(4)), issue(2), issue(3), issue(4)
    corrected = Manifest(overrides=(Override(issue=1, depends_on=(3,)),))

    assert said(compiled(*objectives, manifest=corrected))["#1"] == {"#3": ["manifest"]}


def test_manifest_that_names_the_issue_itself_is_told_of() -> None:
    manifest = Manifest(overrides=(Override(issue=1, depends_on=(1, 2)),))
    result = compiled(issue(1), issue(2), manifest=manifest)

    assert said(result)["#1"] == {"#2": ["manifest"]}
    assert result.warnings == ("the manifest says that #1 depends on itself; that is ignored",)


def test_relations_of_a_document_are_those_of_its_text() -> None:
    document = Issue(ref=DocRef("plan.md"), title="Plan", body="after #1")
    assert said(compiled(document, issue(1)))["plan.md"] == {"#1": ["text"]}


def test_relation_that_the_forge_calls_closed_is_satisfied_without_being_read() -> None:
    objectives = (issue(1, "", blocked_by(7, is_open=False)),)

    assert scan({i.ref: i for i in objectives}, home=HOME, manifest=None) == frozenset()
    assert said(compiled(*objectives)) == {"#1": {}}


def test_open_relations_outside_the_mission_are_looked_up_and_waited_for() -> None:
    other = IssueRef("acme", "lib", 7)
    first = issue(1, "", Relation(other, BLOCKED_BY), Relation(IssueRef("OCTO", "Town", 8), BLOCKED_BY))
    assert scan({first.ref: first}, home=HOME, manifest=None) == {other, at_home(8)}

    result = compiled(first, outside={other: issue(other), at_home(8): issue(8)})
    assert said(result) == {"#1": {"acme/lib#7": ["blocked_by"], "#8": ["blocked_by"]}}


def test_same_number_in_two_repositories_is_never_mixed_up() -> None:
    lib = issue(IssueRef("acme", "lib", 2), "after #1", Relation(at_home(1), BLOCKED_BY))
    lib_first = issue(IssueRef("acme", "lib", 1))
    result = compiled(issue(1), issue(2, "after #1"), lib_first, lib)

    assert said(result) == {
        "#1": {},
        "#2": {"#1": ["text"]},
        "acme/lib#1": {},
        "acme/lib#2": {"acme/lib#1": ["text"], "#1": ["blocked_by"]},
    }


def test_dependency_on_an_issue_that_was_moved_into_the_mission_is_one_on_the_item() -> None:
    old = IssueRef("acme", "lib", 5)
    first = issue(1, "after acme/lib#5 and #2")
    result = compiled(first, issue(2), outside={old: issue(2)})

    assert said(result)["#1"] == {"#2": ["text"]}


def test_issue_that_names_its_own_former_place_does_not_wait_for_itself() -> None:
    old = IssueRef("acme", "lib", 5)
    assert said(compiled(issue(1, "after acme/lib#5"), outside={old: issue(1)}))["#1"] == {}


def test_moved_dependency_outside_is_waited_for_where_it_is_now() -> None:
    old, now = IssueRef("acme", "lib", 5), IssueRef("acme", "core", 9)
    assert said(compiled(issue(1, "after acme/lib#5"), outside={old: issue(now)})) == {"#1": {"acme/core#9": ["text"]}}


def test_circle_tells_which_of_its_steps_no_text_says() -> None:
    with pytest.raises(ProblemsError) as told:
        compiled(issue(1, "", part(2)), issue(2, "after #1"))
    assert told.value.problems == ("dependencies go in a circle: #1 -> #2 (sub_issue) -> #1",)


def test_pull_request_is_no_objective_but_may_be_waited_for() -> None:
    with pytest.raises(ProblemsError, match="#1 is a pull request, not an issue; name the issue that it is about"):
        compiled(issue(1, is_pull=True))
    result = compiled(issue(1, "after #2"), outside={at_home(2): issue(2, is_pull=True)})
    assert said(result) == {"#1": {"#2": ["text"]}}


def test_untrusted_authors_and_notices_are_told_of_open_objectives_only() -> None:
    doubtful: dict[str, Any] = {"is_trusted": False, "author": "mallory", "notice": "#5 is #1 now"}
    result = compiled(issue(1, **doubtful), issue(2, is_trusted=False), issue(3, is_open=False, **doubtful))

    assert result.warnings == (
        "#5 is #1 now",
        "#1 is by mallory, who is not trusted; agents are told to take care",
        "#2 is by somebody unknown, who is not trusted; agents are told to take care",
        "#3 is closed already; it is taken as done",
    )
    assert result.items[2].status is WorkStatus.DONE


def test_brief_has_what_was_said_below_the_issue() -> None:
    remark = Remark(by="ann", text="Use UTC.", is_trusted=True, at=NOW)
    (brief,) = compiled(Issue(ref=at_home(1), title="t", body="b", remarks=(remark,))).briefs.values()
    assert brief.remarks == (remark,)


def test_needs_keep_the_first_spelling_and_each_source_once() -> None:
    needs = Needs()
    needs.add(IssueRef("Octo", "Town", 1), TEXT, TEXT)
    needs.add(at_home(1), MANIFEST, TEXT)

    document: ObjectiveRef = DocRef("a.md")
    assert not needs.drop(document)
    assert not needs.drop(at_home(2))
    assert needs.each() == ((IssueRef("Octo", "Town", 1), (TEXT, MANIFEST)),)
