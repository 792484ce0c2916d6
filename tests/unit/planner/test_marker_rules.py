"""Every rule of `planner/markers.py` as a text and what it depends on."""

from __future__ import annotations

import pytest

from tinytown.domain.refs import IssueRef
from tinytown.planner.markers import find_dependencies

HOME = ("octo", "town")
URL = "https://github.com/octo/town/issues"


def found(body: str, itself: IssueRef | None = None) -> list[str]:
    """The labels of what a text depends on."""
    return [ref.label(HOME) for ref in find_dependencies(body, home=HOME, itself=itself).refs]


@pytest.mark.parametrize(
    "body",
    [
        "Depends on #4.",
        "depend on #4",
        "DEPENDS ON #4",
        "This is to be done after #4.",
        "After #4",
        "Blocked by #4",
        "blocked by: #4",
        "It requires #4!",
        "These require #4;",
        "Depends on : #4",
        "Depends-On: #4",
        "depends upon #4",
        "Depend upon #4",
        "Depends-upon: #4",
        "depends on either #4",
        "Blocked-by: #4",
        "(after #4)",
        '"after #4"',
        "depends\non\n#4",
        "depends on\n#4",
        "depends  on \t #4",
        "#2 after #4",
        "**Depends on:** #4",
        "**Depends** on #4",
        "_depends on_ **#4**",
        "depends on **`x`**, after #4",
        "# Blocked by #4",
        "| x | after #4 |\n|---|---|\n| y | z |",
        "- after #4",
        "1. [ ] after #4",
        "- [ ]\n  after #4",
        "[x] after #4",
        "- \\[x] after #4",
        "depends on issue #4",
        "depends on the issues #4",
        "after PR #4 is merged",
        "after the completion of #4",
        "after the merge of pull request #4",
        "Depends on the following: #4",
        "depends on octo/town#4",
        "depends on Octo/TOWN#4",
        f"depends on {URL}/4",
        f"depends on {URL}/4.",
        f"depends on {URL}/4#issuecomment-1, please",
        f"depends on {URL}/4?x=1",
        f"depends on ({URL}/4)",
        f"depends on <{URL}/4>",
        f"depends on **{URL}/4**",
        f"depends on [the design]({URL}/4)",
        f"depends on [#9]({URL}/4)",
        f"depends on [`design`]({URL}/4)",
        f"depends on **[design]({URL}/4#issuecomment-12)**",
        f"depends on [design][d]\n\n[d]: {URL}/4",
        f"[depends on #4]({URL}/4)",
        f"[blocked by this]({URL}/4)",
        "depends on [#4](docs/design.md)",
        "depends on [#4](4)",
        f"depends on [#4]({URL})",
        "depends on https://github.com/octo/town/pull/4",
        "depends on [#4]",
        "depends on (#4)",
        "depends on #4's API",
        "depends on #4\N{RIGHT SINGLE QUOTATION MARK}s API",
        "depends on &#35;4",
        "<p>depends on #4</p>",
        "<p>depends <b>on</b> #4</p>",
        "depends on <b>#4</b>",
        "depends on <!-- the design --> #4",
        "<!-- template --> depends on #4",
        "<details><summary>x</summary>\n\ndepends on #4\n\n</details>",
        "after </del> lunch after #4",
        "<s>x <del>y</s> after #4</del>",
        "not only depends on #4",
        "This is not done. Depends on #4",
        "No, it depends on #4",
        "Do not begin until after #4",
        "cannot be merged until after #4",
        "not before lunch but after #4",
        "after the meeting, after #4",
        "after ~~#3~~ #4",
        "after ~~#3~~, #4",
        "~~not~~ after #4",
        "~~after #3~~ after #4",
        "<del>after #3</del> after #4",
        "after the \x00\x01\x02 end, after #4",
    ],
)
def test_phrase_with_a_reference_is_a_dependency(body: str) -> None:
    assert found(body) == ["#4"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Design the API, see #4",
        "#4",
        "Depends on nothing, see #4",
        "Depends on the meeting about #4",
        "after the meeting, see #4",
        "Afterwards #4",
        "hereafter #4",
        "look-after #4",
        "after-party #4",
        "required by #4",
        "requirement #4",
        "requiring #4",
        "unblocked by #4",
        "depending on #4",
        "independs on #4",
        "depends onupon #4",
        "depends on / #4",
        "doesn't depend upon #4",
        "not after #4/#5",
        "is not blocked by #4 or #5",
        "depends on x/#4",
        "depends on #4/x",
        "depends only on weekdays #4",
        "depends on, #4",
        "depends on. #4",
        '"depends on" #4',
        "depends on (the weather) only, #4",
        "depends on foo#4",
        "depends on abc#12",
        "depends on #12abc",
        "depends on #12_3",
        "depends on C#5",
        "depends on #0",
        "depends on #05",
        "depends on #12345678901",
        "depends on 4",
        "depends on ##4",
        "depends on a/b/c#4",
        "depends on owner/#4",
        "depends on my_owner/town#4",
        "depends on -owner/town#4",
        "depends on owner/town#0",
        "depends on @octo/town#4",
        "depends on https://github.com/octo/town/issues/0",
        "depends on https://github.com/octo/town/issues/new",
        "depends on https://example.com/#4",
        "depends on [design](https://example.com/4)",
        "depends on ![#4](x.png)",
        "`depends on #4`",
        "depends on `#4`",
        "depends `on` #4",
        "``` \ndepends on #4\n```",
        "~~~text\ndepends on #4\n~~~",
        "```\ndepends on #4",
        "x\n\n    depends on #4",
        "> depends on #4",
        "> - depends on #4",
        "> Depends on:\n\n- #4",
        "<!-- depends on #4 -->",
        "x <!-- depends on #4 --> y",
        "<!--\n\ndepends on #4\n\n-->",
        "<!-- depends on #4",
        "~~depends on #4~~",
        "depends on ~~#4~~",
        "~~depends on~~ #4",
        "<del>depends on #4</del>",
        "x <s>depends on #4</s>",
        "x <strike>depends on #4</strike>",
        "<del>\n\ndepends on #4\n\n</del>",
        "<del>\n\n- depends on #4\n\n</del>",
        f"<del>[depends on #4</del>]({URL}/4)",
        f"depends on ~~[design]({URL}/4)~~",
        "x <code>depends on #4</code>",
        "<pre>\ndepends on #4\n</pre>",
        "<blockquote>depends on #4</blockquote>",
        "<p>depends on</p><p>#4</p>",
        "not blocked by #4",
        "is NOT blocked by #4",
        "no longer depends on #4",
        "No longer blocked by #4",
        "doesn't require #4",
        "doesn\N{RIGHT SINGLE QUOTATION MARK}t depend on #4",
        "don\N{MODIFIER LETTER APOSTROPHE}t require #4",
        "doesnt require #4",
        "does not depend on #4",
        "does not *really* depend on #4",
        "never requires #4",
        "isn't blocked by #4",
        "isn't directly blocked by #4",
        "is not yet blocked by #4",
        "will not be blocked by #4",
        "won't have to be after #4",
        "cannot require #4",
        "not\nafter #4",
        "not ~~really~~ after #4",
        "not after or blocked by #4",
        "neither depends on #4 nor requires #5",
        "doesn't depend on #4 or require #5",
        "Does not depend on:\n\n- #4",
        "- [x] depends on #4",
        "- [X] depends on #4",
        "* [x] **depends on #4**",
        "1. [x] depends on #4",
        "- [x] done\n\n  depends on #4",
        "- [x] done\n  - depends on #4",
        "- [x]\n  depends on #4",
    ],
)
def test_everything_else_is_not_a_dependency(body: str) -> None:
    assert found(body) == []


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        ("Depends on #1, #2", ["#1", "#2"]),
        ("Depends on #1,#2", ["#1", "#2"]),
        ("Depends on #1 and #2", ["#1", "#2"]),
        ("Depends on #1 & #2", ["#1", "#2"]),
        ("Depends on #1, #2, and #3.", ["#1", "#2", "#3"]),
        ("Depends on #1 plus #2 + #3", ["#1", "#2", "#3"]),
        ("Depends on #1 as well as #2", ["#1", "#2"]),
        ("Depends on #1/#2", ["#1", "#2"]),
        ("Depends on #1 / #2/ #3 /#4", ["#1", "#2", "#3", "#4"]),
        ("Depends on a/b#1/#2/c/d#3.", ["a/b#1", "#2", "c/d#3"]),
        ("Depends on #1/#2's API, #3", ["#1", "#2"]),
        ("Depends on #1 or #2", ["#1", "#2"]),
        ("Depends on either #1, #2, or on #3", ["#1", "#2", "#3"]),
        ("Depends on #1\nor #2", ["#1", "#2"]),
        ("Depends on #1 and/or #2", ["#1", "#2"]),
        ("Depends on #1 or the weather, #2", ["#1"]),
        ("Depends on both #1 and also on issue #2", ["#1", "#2"]),
        ("Blocked by #1 and by PR #2", ["#1", "#2"]),
        ("Depends on #1 #2", ["#1", "#2"]),
        ("Depends on #1\n#2\n#3", ["#1", "#2", "#3"]),
        ("Depends on #1,\n#2\nand #3", ["#1", "#2", "#3"]),
        ("Depends on #1\n#2, #3", ["#1", "#2", "#3"]),
        ("Depends on #1\n#2 is related", ["#1"]),
        ("Depends on #1\nSee #2", ["#1"]),
        ("Depends on #1\n#2 after #3", ["#1", "#3"]),
        ("Depends on #1. #2 is related", ["#1"]),
        ("Depends on #1; #2 is related", ["#1"]),
        ("Depends on #1: #2", ["#1"]),
        ("Depends on #1 but not #2", ["#1"]),
        ("Depends on #1, not on #2", ["#1"]),
        ("Depends on #1 and then see #2", ["#1"]),
        ("Depends on #1 and the weather, #2", ["#1"]),
        ("Depends on #1 (login) and #2 (logout), #3", ["#1", "#2", "#3"]),
        ("Depends on #1 (see #7) and #2", ["#1", "#2"]),
        ("Depends on #1 (after #7) and #2", ["#1", "#7", "#2"]),
        ("Depends on #1) and #2", ["#1"]),
        ("(see #1) #2 after #3", ["#3"]),
        ("Depends on the design (#1), #2", []),
        ("Depends on #1 ~~and #2~~ and #3", ["#1", "#3"]),
        ("Depends on #1\n~~#2~~\n#3", ["#1", "#3"]),
        ("Depends on #1 and ~~#2~~, #3", ["#1", "#3"]),
        ("Depends on #2, after #1. Requires #2", ["#2", "#1"]),
        ("After #1, blocked by #2", ["#1", "#2"]),
        ("not blocked by #1, requires #2", ["#2"]),
        ("not blocked by #1 and requires #2", ["#2"]),
        ("depends on a/b#5 and #5", ["a/b#5", "#5"]),
        ("depends on A/B#5 and a/b#5", ["A/B#5"]),
        (f"depends on {URL}/5, #5 and octo/town#6", ["#5", "#6"]),
        (f"depends on {URL}/5,{URL}/6", ["#5", "#6"]),
        (f"depends on [a]({URL}/5), [b]({URL}/6) and <https://github.com/a/b/pull/7>", ["#5", "#6", "a/b#7"]),
        (f"[depends on #3]({URL}/4)", ["#3", "#4"]),
        ("depends on #1\n\nafter #2", ["#1", "#2"]),
    ],
)
def test_references_are_joined(body: str, labels: list[str]) -> None:
    assert found(body) == labels


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        ("Depends on:\n- #1\n- #2", ["#1", "#2"]),
        ("Depends on\n\n* #1\n* #2", ["#1", "#2"]),
        ("Depends on:\n\n1. #1\n2. #2", ["#1", "#2"]),
        ("This requires the following issues:\n- #1", ["#1"]),
        ("Depends on #9 and:\n- #1", ["#9", "#1"]),
        ("**Blocked by**\n\n- #1", ["#1"]),
        ("Depends on:\n- #1, #2 and #3", ["#1", "#2", "#3"]),
        ("Depends on:\n- #1 which replaces #2", ["#1"]),
        ("Depends on:\n- Auth endpoints (#1)\n- the store: #2", ["#1", "#2"]),
        ("Depends on:\n- Auth endpoints (#1) instead of #2", ["#1"]),
        ("Depends on:\n- Auth endpoints (new) #1", ["#1"]),
        ("Depends on:\n- ~~old~~ #1", ["#1"]),
        (f"Depends on:\n- [login]({URL}/1)\n- {URL}/2", ["#1", "#2"]),
        ("Depends on:\n- [ ] #1\n- [x] #2\n- [ ] login #3", ["#1", "#3"]),
        ("Depends on:\n- none, see #1", []),
        ("Depends on:\n- not #1", []),
        ("Depends on:\n- blocks #1", []),
        ("Depends on:\n- required by #1", []),
        ("Depends on:\n- ~~#1~~\n- #2", ["#2"]),
        ("Depends on:\n- `#1`\n- #2", ["#2"]),
        ("Depends on:\n- a\n  - #1\n  - see #2", ["#1"]),
        ("Depends on:\n- #1\n\n  see #2", ["#1"]),
        ("Depends on:\n- #1\n\n  #2", ["#1"]),
        ("- Depends on:\n  - #1\n  - #2\n- #3", ["#1", "#2"]),
        ("- [x] Depends on:\n  - #1", []),
        ("Depends on:\n<!-- list the issues -->\n- #1", ["#1"]),
        ("Depends on: <!-- list the issues -->\n- #1", ["#1"]),
        ("Depends on:\n\n<!-- list the issues -->\n\n- #1", ["#1"]),
        ("Depends on:\n\n<p>these</p>\n\n- #1", []),
        ("Depends on:\n\n---\n\n- #1", []),
        ("Depends on:\n\nthe weather\n\n- #1", []),
        ("Depends on:\n\n```\nx\n```\n\n- #1", []),
        ("Depends on the weather:\n- #1", []),
        ("It no longer depends on:\n- #1", []),
        ("Depends on:\n- #1\n\nRelated:\n- #2", ["#1"]),
        ("Depends on:\n- #1\n* #2", ["#1", "#2"]),
        ("Related:\n- #1", []),
    ],
)
def test_list_under_a_phrase_gives_its_references(body: str, labels: list[str]) -> None:
    assert found(body) == labels


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        ("## Depends on\n- #1\n- #2", ["#1", "#2"]),
        ("### Blocked by:\n\n- #1", ["#1"]),
        ("Requires\n---\n\n- #1", ["#1"]),
        ("## \N{LINK SYMBOL} After\n\n- #1", ["#1"]),
        ("## Depends on the following issues\n- #1", ["#1"]),
        ("## Dependencies\n\n- #1\n- Auth (#2)", ["#1", "#2"]),
        ("## Dependency:\n\n- #1", ["#1"]),
        ("## Dependencies of ours\n\n- #1", []),
        ("## Depends on\n\n#1 and #2", ["#1", "#2"]),
        ("## Depends on\n\nNothing, but see #1", []),
        ("## Depends on\n\nThe design must be done:\n\n- #1", ["#1"]),
        ("## Depends on\n\n> quoted\n\n- #1", ["#1"]),
        ("## Depends on\n- #1\n\n## Notes\n- #2", ["#1"]),
        ("## Depends on\n### Other\n- #2", []),
        ("## Depends on\n<!-- list them -->\n- #1", ["#1"]),
        ("## What to do after\n\n- #1", ["#1"]),
        ("## What to do after\n\nx\n\n- #1", []),
        ("## Not blocked by\n- #1", []),
        ("## After the meeting\n- #1", []),
        ("## Depends on #1\n- #2", ["#1"]),
        ("**Blocked by**\n\n#1", ["#1"]),
        ("Dependencies\n\n- #1", []),
        ("- ## Depends on\n  - #1\n- #2", ["#1"]),
    ],
)
def test_section_under_a_heading_of_a_phrase_gives_its_references(body: str, labels: list[str]) -> None:
    assert found(body) == labels


def test_bare_number_belongs_to_the_repository_of_the_text() -> None:
    assert find_dependencies("after #5", home=("a", "b"), itself=None).refs == (IssueRef("a", "b", 5),)


def test_issue_that_names_itself_is_warned_of_and_does_not_wait_for_itself() -> None:
    result = find_dependencies("Depends on #3, OCTO/town#3 and #4", home=HOME, itself=IssueRef("octo", "Town", 3))

    assert result.refs == (IssueRef("octo", "town", 4),)
    assert result.warnings == ("#3 names itself as a dependency; that is ignored",)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("Depends on #4 or #5", ["#4 or #5"]),
        ("Depends on either #4, or on issue #5", ["#4 or #5"]),
        ("Depends on #4 and/or #5", ["#4 or #5"]),
        ("Depends on #4, #5 or a/b#6 or #7", ["#5 or a/b#6", "a/b#6 or #7"]),
        ("## Depends on\n\n- #4 or #5\n- #6", ["#4 or #5"]),
        ("Depends on #4 or #5. Blocked by #4 or #5.", ["#4 or #5"]),
        ("Depends on #4 or ~~#5~~ and #6", []),
        ("Depends on #4 or the weather", []),
        ("Depends on #4, #5 and #6", []),
        ("Not blocked by #4 or #5", []),
        ("See #4 or #5; depends on #6", []),
    ],
)
def test_alternatives_are_all_waited_for_with_a_warning(body: str, told: list[str]) -> None:
    result = find_dependencies(body, home=HOME, itself=IssueRef("octo", "town", 3))

    assert list(result.warnings) == [f"#3 names '{either}' as a dependency; it is taken as both" for either in told]


def test_alternatives_in_a_document_are_warned_of_too() -> None:
    (warning,) = find_dependencies("after #4 or #5", home=HOME, itself=None).warnings

    assert warning == "a document names '#4 or #5' as a dependency; it is taken as both"


def test_other_issue_gives_no_warning() -> None:
    assert find_dependencies("after #4", home=HOME, itself=IssueRef("octo", "town", 3)).warnings == ()


@pytest.mark.parametrize("link", ["https://gitlab.com/a/b/issues/5", "[it](https://gitlab.com/a/b/issues/5)"])
def test_issue_of_another_host_is_not_waited_for_and_that_is_said(link: str) -> None:
    text = f"Depends on {link}, #4 and {URL}/6. See {link}"
    result = find_dependencies(text, home=HOME, itself=IssueRef("octo", "town", 3), host="github.com")

    assert [ref.label(HOME) for ref in result.refs] == ["#4", "#6"]
    assert result.warnings == ("#3 names a/b#5 of gitlab.com as a dependency; issues elsewhere are not waited for",)


def test_lone_surrogate_is_no_obstacle() -> None:
    assert found("[x](http://\ud800) after #4") == ["#4"]


@pytest.mark.parametrize(
    "part",
    [
        "[",
        "![1",
        "depends on #1 ( ",
        "not really ",
        "<a ",
        "- ",
        "> ",
        "**a ",
        "`",
        "<!-- ",
        "x <!-- ",
        "~~a ",
        "depends \n",
    ],
)
def test_hostile_text_is_read_in_linear_time(part: str) -> None:
    # A reading that took quadratic time would run into the time limit of the test.
    assert found(part * (60_000 // len(part)) + "\n\nx\n\n9") in ([], ["#1"])
