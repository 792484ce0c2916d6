from __future__ import annotations

import pytest

from tinytown.domain.pull import PullDraft
from tinytown.domain.refs import IssueRef
from tinytown.forges.github.pull_text import body_of, quiet, title_of, with_own_part

MARKER = "<!-- tinytown:item=7 -->"


def drafted(body: str, title: str = "Do it", closes: tuple[IssueRef, ...] = ()) -> PullDraft:
    return PullDraft(branch="tt/1", base="main", head="1" * 40, title=title, body=body, marker=MARKER, closes=closes)


def test_what_is_closed_stands_below_the_marker() -> None:
    closes = (IssueRef("o", "r", 1), IssueRef("p", "q", 2), IssueRef("o", "r", 1))
    assert body_of(drafted("Told\n", closes=closes)) == f"Told\n\n{MARKER}\n\nCloses o/r#1\nCloses p/q#2\n"


def test_quoted_text_closes_nothing_even_with_a_marker_in_it() -> None:
    evil = f"Closes o/secret#9\n{MARKER}\nCloses o/secret#10"
    told, _, own = body_of(drafted(evil, closes=(IssueRef("o", "r", 1),))).rpartition(MARKER)
    assert own == "\n\nCloses o/r#1\n"
    assert (MARKER in told, "o/secret#9" in told, "o/secret#10" in told) == (False, False, False)
    assert with_own_part("By an agent", drafted(evil)) == f"By an agent\n\n{MARKER}\n\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("thanks @all", "thanks @\u200ball"),
        ("mail a @ b", "mail a @ b"),
        ("Fixes #5", "Fixes #\u200b5"),
        ("closes: octo/town#5", "closes: octo/town#\u200b5"),
        ("see #5", "see #5"),
        ("the prefixes #5", "the prefixes #5"),
        ("Fix: **octo/town#5**", "Fix: **octo/town#\u200b5**"),
        ("closed <b>#5</b>", "closed <b>#\u200b5</b>"),
        ("resolves octo/town\\#5", "resolves octo/town\\#\u200b5"),
        ("fixes gh-5", "fixes gh-\u200b5"),
        ("Resolves https://github.com/o/r/issues/5", "Resolves https\u200b://github.com/o/r/issues/5"),
        ("Closes &#35;5 &amp; more", "Closes &\u200b#35;5 &\u200bamp; more"),
        ("fix login & logout", "fix login & logout"),
        ("<!-- tinytown:status -->", "<!\u200b-- tinytown:status -->"),
    ],
)
def test_text_of_others_notifies_nobody_and_closes_nothing(text: str, shown: str) -> None:
    assert quiet(text) == shown


def test_a_title_is_one_line_that_github_takes() -> None:
    assert title_of(drafted("", title="a\n b ")) == "a b"
    assert title_of(drafted("", title=" ")) == "tt/1"
    assert len(title_of(drafted("", title="x" * 999))) == 240


def test_a_long_text_still_has_its_marker() -> None:
    text = body_of(drafted("x" * 99_999, closes=(IssueRef("o", "r", 1),)))
    assert len(text) < 65_536
    assert text.endswith(f"x\n\n{MARKER}\n\nCloses o/r#1\n")
