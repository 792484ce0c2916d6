from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinytown.domain.refs import IssueRef
from tinytown.planner.markers import find_dependencies

HOME = ("octo", "town")
PIECES = [
    "depends on", "Blocked by", "after", "requires:", "not", "doesn't", "no longer", "#1", "#2", "a/b#3", "#0", "foo#5",
    "https://github.com/a/b/issues/4", "[x](https://github.com/a/b/issues/5)", ",", " and ", "&", "(", ")", "[", "]",
    "**", "~~", "`", "```", "<del>", "</del>", "<!--", "-->", "> ", "- ", "- [x] ", "- [ ] ", "## ", "\n", "\n\n", " ",
    "    ", "/", " or ", "either ", "depends upon ", "#1/#2", "|", "---", ".", ";", ":", "word", "\x00", "\ud800", "&amp;", "\\", "<", ">", "!", "'s",
]  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
REFERENCES = st.builds(IssueRef, st.just("octo"), st.just("town"), st.integers(1, 9_999_999_999))


def found(body: str) -> tuple[IssueRef, ...]:
    return find_dependencies(body, home=HOME, itself=None).refs


@given(TEXTS)
def test_no_text_is_too_odd(body: str) -> None:
    refs = found(body)

    assert len({ref.folded for ref in refs}) == len(refs)
    assert all(ref.number > 0 for ref in refs)


@given(TEXTS)
def test_reading_again_gives_the_same_in_the_same_order(body: str) -> None:
    assert found(body) == found(body)


@given(TEXTS, st.sampled_from([IssueRef("octo", "town", 1), IssueRef("A", "B", 3)]))
def test_issue_never_waits_for_itself(body: str, itself: IssueRef) -> None:
    refs = find_dependencies(body, home=HOME, itself=itself).refs

    assert refs == tuple(ref for ref in found(body) if ref.folded != itself.folded)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_code_never_changes_the_result(lines: list[str]) -> None:
    code = "\n".join(f"    {line}" for text in lines for line in text.splitlines())

    assert found(f"after #1\n\n```\n{code}\n```\n\nafter #2") == found("after #1\n\n```\n```\n\nafter #2")


@given(TEXTS)
def test_quotation_and_comment_hide_everything(body: str) -> None:
    quoted = "\n".join(f"> {line}" for line in body.splitlines())

    assert found(quoted) == ()
    assert found(f"<!--\n{body.replace('-->', '')}\n-->") == ()


@given(
    st.lists(REFERENCES, min_size=1, max_size=6, unique=True),
    st.sampled_from([", ", " and ", " & ", ", and ", "\n", "/", " / ", " or ", ", or "]),
)
def test_joined_references_are_all_found_in_order(refs: list[IssueRef], joiner: str) -> None:
    assert found(f"Depends on {joiner.join(f'#{ref.number}' for ref in refs)}.") == tuple(refs)
    assert found("Depends on:\n" + "\n".join(f"- {ref}" for ref in refs)) == tuple(refs)


@given(TEXTS)
def test_alternative_that_is_warned_of_is_waited_for(body: str) -> None:
    result = find_dependencies(body, home=HOME, itself=None)
    labels = {ref.label(HOME).lower() for ref in result.refs}

    for warning in result.warnings:
        assert set(warning.split("'")[1].lower().split(" or ")) <= labels


@given(st.lists(REFERENCES, min_size=2, max_size=6, unique=True), st.sampled_from([" or ", ", or ", " and/or "]))
def test_every_alternative_is_warned_of_and_nothing_else_is(refs: list[IssueRef], joiner: str) -> None:
    labels = [f"#{ref.number}" for ref in refs]

    def warned(text: str) -> int:
        return len(find_dependencies(text, home=HOME, itself=None).warnings)

    assert warned(f"Depends upon {joiner.join(labels)}.") == len(refs) - 1
    assert warned(f"Depends upon {'/'.join(labels)}.") == 0
