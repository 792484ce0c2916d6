"""Whatever texts, relations and manifests say: the union of it, each with its source, and no item without its parts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinytown.domain.issue import Issue, Relation, RelationSource
from tinytown.domain.refs import IssueRef, ObjectiveRef
from tinytown.planner.needs import needs_of
from tinytown.planner.parts import DEPTH_LIMIT, next_parts

HOME = ("octo", "town")
REPOSITORIES = st.sampled_from([HOME, ("OCTO", "Town"), ("acme", "lib")])
REFS = st.builds(lambda repo, number: IssueRef(repo[0], repo[1], number), REPOSITORIES, st.integers(1, 9))
FORGE = st.sampled_from([RelationSource.BLOCKED_BY, RelationSource.SUB_ISSUE])
RELATIONS = st.lists(st.builds(Relation, REFS, FORGE, st.booleans()), max_size=6)


@given(REFS, st.lists(REFS, max_size=4), RELATIONS)
def test_needs_are_what_the_text_names_and_what_the_forge_has_open(
    ref: IssueRef, named: list[IssueRef], relations: list[Relation]
) -> None:
    body = "".join(f"Depends on {one}.\n\n" for one in named)
    issue = Issue(ref=ref, title="t", body=body, relations=tuple(relations))

    found = {needed.folded: set(sources) for needed, sources in needs_of(ref, issue, None, HOME).each()}

    expected: dict[IssueRef, set[RelationSource]] = {}
    for one in named:
        expected.setdefault(one.folded, set()).add(RelationSource.TEXT)
    for relation in relations:
        if relation.is_open:
            expected.setdefault(relation.ref.folded, set()).add(relation.source)
    expected.pop(ref.folded, None)
    assert found == expected


@given(st.dictionaries(st.integers(1, 30), st.lists(st.integers(1, 30), max_size=4), min_size=1))
def test_reading_parts_ends_and_misses_none_whatever_circles_there_are(children: dict[int, list[int]]) -> None:
    def read(number: int) -> Issue:
        parts = (Relation(IssueRef(*HOME, n), RelationSource.SUB_ISSUE) for n in children.get(number, []))
        return Issue(ref=IssueRef(*HOME, number), title="t", body="", relations=tuple(parts))

    first = min(children)
    issues: dict[ObjectiveRef, Issue] = {IssueRef(*HOME, first): read(first)}
    left_out = False
    for depth in range(DEPTH_LIMIT + 1):
        found = next_parts(issues, named=1, depth=depth, manifest=None, home=HOME)
        left_out = bool(found.warnings)
        issues |= {ref: read(ref.number) for ref in found.refs}

    below = {part for ref in issues if isinstance(ref, IssueRef) for part in children.get(ref.number, [])}
    assert left_out or below <= {ref.number for ref in issues if isinstance(ref, IssueRef)}
