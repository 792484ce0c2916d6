from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
import pytest

from tinytown.domain.errors import ProblemsError
from tinytown.domain.ids import derive_id
from tinytown.domain.issue import Issue, RelationSource
from tinytown.domain.refs import DocRef, IssueRef, ObjectiveRef
from tinytown.domain.workitem import Brief, OutsideDependency, WorkItem, WorkKind, WorkStatus
from tinytown.planner.compile import Compiled, compile_mission, scan
from tinytown.planner.manifest import Manifest, Override, parse_manifest

MISSION = "5b1f2c3e-0000-4000-8000-000000000000"
HOME = ("octo", "town")
NOW = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)


def at_home(number: int) -> IssueRef:
    return IssueRef(*HOME, number)


def issue(number: int, body: str = "", title: str = "Implement it", *, is_open: bool = True) -> Issue:
    return Issue(ref=at_home(number), title=title, body=body, is_open=is_open)


def compiled(
    *issues: Issue,
    outside: dict[IssueRef, Issue | None] | None = None,
    manifest: Manifest | None = None,
    objectives: Iterable[ObjectiveRef] | None = None,
    roles: frozenset[str] = frozenset(),
) -> Compiled:
    return compile_mission(
        mission_id=MISSION,
        objectives=tuple(objectives or (i.ref for i in issues)),
        issues={i.ref: i for i in issues},
        outside=outside or {},
        manifest=manifest,
        roles=roles,
        home=HOME,
        now=NOW,
    )


def problems(*issues: Issue, **options: object) -> tuple[str, ...]:
    with pytest.raises(ProblemsError) as caught:
        compiled(*issues, **options)  # type: ignore[arg-type]  # each test names the options it has
    return caught.value.problems


def dependencies(result: Compiled) -> dict[str, list[str]]:
    """Keys of what each item depends on inside the mission, by its key."""
    keys = {item.id: item.key for item in result.items}
    return {item.key: [keys[needed] for needed in item.depends_on] for item in result.items}


def overriding(*overrides: Override) -> Manifest:
    return Manifest(overrides=overrides)


def test_tutorial_becomes_three_items_in_a_row() -> None:
    result = compiled(
        issue(1, "Design the schema.", "Design auth API"),
        issue(2, "Implement the endpoints.\n\nDepends on #1.", "Implement auth endpoints"),
        issue(3, "Write tests.\n\nAfter #2.", "Write auth tests"),
        roles=frozenset({"designer", "backend", "tester"}),
    )

    assert [(item.key, item.kind, item.owner_role, item.branch) for item in result.items] == [
        ("#1", WorkKind.DESIGN, "designer", "tt/1-design-auth-api"),
        ("#2", WorkKind.IMPLEMENT, "backend", "tt/2-implement-auth-endpoints"),
        ("#3", WorkKind.TEST, "tester", "tt/3-write-auth-tests"),
    ]
    assert dependencies(result) == {"#1": [], "#2": ["#1"], "#3": ["#2"]}
    assert result.warnings == ()


def test_item_and_brief_carry_what_the_issue_says() -> None:
    ref = IssueRef("Octo", "Town", 4)
    source = Issue(
        ref=ref,
        title=" Build\n\tthe \x1b[31mparser ",
        body="**Text**",
        labels=("role:backend",),
        author="ann",
        url="https://example.com/4",
        is_trusted=False,
    )

    result = compiled(source)

    item_id = derive_id(MISSION, "item", "octo/town#4")
    assert result.items == (
        WorkItem(
            id=item_id,
            mission_id=MISSION,
            key="#4",
            title="Build the [31mparser",
            kind=WorkKind.IMPLEMENT,
            status=WorkStatus.PENDING,
            owner_role="backend",
            source_ref="Octo/Town#4",
            branch="tt/4-build-the-31mparser",
            created_at=NOW,
            updated_at=NOW,
            heard_at=NOW,
            heard_for=1,
        ),
    )
    assert result.briefs == {
        item_id: Brief(
            title="Build the [31mparser",
            body="**Text**",
            url="https://example.com/4",
            author="ann",
            labels=("role:backend",),
            is_trusted=False,
        )
    }


def test_issue_without_a_title_is_called_by_its_number() -> None:
    assert compiled(issue(7, title=" \n")).items[0].title == "#7"


def test_same_number_in_two_repositories_is_two_items() -> None:
    other = Issue(ref=IssueRef("a", "lib", 5), title="Lib part", body="after #6")
    third = Issue(ref=IssueRef("a", "lib", 6), title="Lib base", body="")

    result = compiled(issue(5, "depends on A/Lib#5"), other, third, objectives=(at_home(5), other.ref, third.ref))

    assert dependencies(result) == {"#5": ["a/lib#5"], "a/lib#5": ["a/lib#6"], "a/lib#6": []}
    assert [item.branch for item in result.items] == ["tt/5-implement-it", "tt/lib-5-lib-part", "tt/lib-6-lib-base"]


def test_dependency_on_an_issue_of_another_host_is_none_and_is_warned_of() -> None:
    text = "Depends on https://gitlab.com/octo/town/issues/2"
    first = msgspec.structs.replace(issue(1, text), host="github.com")

    result = compiled(first, issue(2))

    assert dependencies(result) == {"#1": [], "#2": []}
    assert "octo/town#2 of gitlab.com" in result.warnings[0]
    assert scan({first.ref: first}, home=HOME, manifest=None) == frozenset()


@pytest.mark.parametrize(
    ("body", "title"),
    [("# Auth plan\n\nAfter #1", "Auth plan"), ("After #1", "auth.md")],
)
def test_document_is_an_objective_with_markers(body: str, title: str) -> None:
    doc = DocRef("docs/auth.md")

    result = compiled(Issue(ref=doc, title="", body=body), issue(1))

    assert dependencies(result) == {"docs/auth.md": ["#1"], "#1": []}
    assert (result.items[0].title, result.items[0].branch) == (title, "tt/doc-auth")
    assert result.items[0].id == derive_id(MISSION, "item", "docs/auth.md")
    assert result.briefs[result.items[0].id].title == title


def test_branches_are_unique_within_the_mission() -> None:
    docs = [Issue(ref=DocRef(f"{folder}/plan.md"), title="", body="") for folder in "abc"]

    assert [item.branch for item in compiled(*docs).items] == ["tt/doc-plan", "tt/doc-plan-2", "tt/doc-plan-3"]


def test_objective_named_twice_is_taken_once() -> None:
    result = compiled(issue(1), objectives=(at_home(1), IssueRef("OCTO", "town", 1)))

    assert [item.key for item in result.items] == ["#1"]
    assert result.warnings == ("#1 is named twice; it is taken once",)


def test_closed_objective_is_done_and_waits_for_nothing() -> None:
    result = compiled(issue(1, "after #2 and #99", is_open=False), issue(2, "after #1"))

    assert [item.status for item in result.items] == [WorkStatus.DONE, WorkStatus.PENDING]
    assert dependencies(result) == {"#1": [], "#2": ["#1"]}
    assert result.warnings == ("#1 is closed already; it is taken as done",)


def test_warnings_of_the_text_are_passed_on() -> None:
    assert compiled(issue(1, "after #1")).warnings == ("#1 names itself as a dependency; that is ignored",)


def test_issues_outside_the_mission_are_to_be_looked_up() -> None:
    objectives = [
        issue(1, "after #2, OCTO/Town#7, octo/town#7, a/b#8 and A/B#8"),
        issue(2, "after #20", is_open=False),
        issue(3, "after #30"),
        issue(4, "after #40"),
    ]
    manifest = overriding(Override(issue=3, skip=True), Override(issue=4, depends_on=(41, 3)))

    wanted = scan({i.ref: i for i in objectives}, home=HOME, manifest=manifest)

    assert wanted == {at_home(7), IssueRef("a", "b", 8), at_home(41)}


def test_item_waits_for_open_issue_outside_the_mission_and_not_for_a_closed_one() -> None:
    result = compiled(
        issue(1, "after OCTO/town#7 and #8"), outside={at_home(7): issue(7), at_home(8): issue(8, is_open=False)}
    )

    assert result.items[0].waits_for == (
        OutsideDependency(ref=at_home(7), is_open=True, checked_at=NOW, sources=(RelationSource.TEXT,)),
    )
    assert result.items[0].depends_on == ()


def test_every_problem_is_listed() -> None:
    found = problems(
        issue(1, "after #3"),
        issue(2, "after #99 and a/b#9"),
        issue(3, "after #1"),
        issue(4, "after #4"),
        issue(5, "after #6"),
        issue(6, "after #5"),
        outside={at_home(99): None},
        objectives=[at_home(n) for n in (1, 2, 3, 4, 5, 6, 12)],
        manifest=overriding(Override(issue=at_home(1)), Override(issue=1)),
    )

    assert found == (
        "the manifest overrides #1 twice",
        "#12 cannot be read",
        "#2 depends on #99, which does not exist",
        "#2 depends on a/b#9, which does not exist",
        "dependencies go in a circle: #1 -> #3 -> #1",
        "dependencies go in a circle: #5 -> #6 -> #5",
    )


def test_override_corrects_what_was_found() -> None:
    manifest = parse_manifest(
        "[[overrides]]\nissue = 2\nowner_role = 'architect'\nkind = 'design'\npriority = 10\n", "mission.toml"
    )

    result = compiled(issue(1), issue(2, "after #1"), manifest=manifest)

    item = result.items[1]
    assert (item.owner_role, item.kind, item.priority) == ("architect", WorkKind.DESIGN, 10)
    assert dependencies(result) == {"#1": [], "#2": ["#1"]}


def test_kind_of_an_override_decides_the_role_too() -> None:
    result = compiled(issue(1), manifest=overriding(Override(issue=1, kind=WorkKind.TEST)))

    assert result.items[0].owner_role == "tester"


@pytest.mark.parametrize(("named", "keys"), [((3,), ["#3"]), ((), []), ((at_home(3), 1, 3), ["#3", "#1"])])
def test_dependencies_of_an_override_replace_those_of_the_text(
    named: tuple[int | IssueRef, ...], keys: list[str]
) -> None:
    manifest = overriding(Override(issue=2, depends_on=named))

    result = compiled(issue(1), issue(2, "after #1 and #99"), issue(3), manifest=manifest)

    assert dependencies(result)["#2"] == keys


def test_override_that_names_the_issue_itself_is_ignored_with_a_warning() -> None:
    result = compiled(issue(1), issue(2), manifest=overriding(Override(issue=2, depends_on=(2, 1))))

    assert dependencies(result)["#2"] == ["#1"]
    assert result.warnings == ("the manifest says that #2 depends on itself; that is ignored",)


def test_skipped_issue_is_waited_for_like_one_outside_the_mission() -> None:
    result = compiled(
        issue(1),
        issue(2, is_open=False),
        issue(3, "after #1 and #2"),
        manifest=overriding(Override(issue=1, skip=True), Override(issue=2, skip=True)),
    )

    assert [item.key for item in result.items] == ["#3"]
    assert [dep.ref for dep in result.items[0].waits_for] == [at_home(1)]
    assert result.warnings == ()


def test_mission_with_nothing_left_is_refused() -> None:
    assert problems(issue(1), manifest=overriding(Override(issue=1, skip=True))) == (
        "no objective is left to work on; name another, or change 'skip' in the manifest",
    )


def test_override_of_another_issue_gives_a_warning() -> None:
    result = compiled(
        issue(1), manifest=overriding(Override(issue=IssueRef("a", "b", 9)), Override(issue=8, skip=True))
    )

    assert result.warnings == (
        "the manifest has an override for a/b#9, which is not part of this mission",
        "the manifest skips #8, which is not part of this mission anyway",
    )


def test_compiling_twice_gives_the_same() -> None:
    issues = [issue(n, f"after #{n - 1}" if n > 1 else "") for n in range(1, 20)]

    assert compiled(*issues) == compiled(*issues)


def test_large_mission_is_compiled() -> None:
    issues = [issue(n, f"Text.\n\nDepends on #{n - 1}." if n > 1 else "") for n in range(1, 10_001)]

    result = compiled(*issues)

    assert len(result.items) == 10_000
    assert result.items[-1].depends_on == (result.items[-2].id,)
