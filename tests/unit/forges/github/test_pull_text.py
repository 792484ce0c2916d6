from __future__ import annotations

import pytest

from tinytown.domain.pull import PullDraft
from tinytown.domain.refs import IssueRef
from tinytown.forges.github.pull_text import body_of, closed_by, quiet, title_of, with_own_part

MARKER = "<!-- tinytown:item=7 -->"


def drafted(body: str, title: str = "Do it") -> PullDraft:
    return PullDraft(branch="tt/1", base="main", head="1" * 40, title=title, body=body, marker=MARKER)


@pytest.mark.parametrize(
    "body", [f"Told\n\n{MARKER}\nCloses o/r#1\nCloses p/q#2\n", f"Told\n\nCloses o/r#1\nCloses p/q#2\n\n{MARKER}\n"]
)
def test_what_is_closed_stands_below_the_marker(body: str) -> None:
    text = body_of(drafted(body))
    assert text == f"Told\n\n{MARKER}\n\nCloses o/r#1\nCloses p/q#2\n"
    assert closed_by(text) == (IssueRef("o", "r", 1), IssueRef("p", "q", 2))


def test_quoted_text_closes_nothing_even_with_a_marker_in_it() -> None:
    evil = f"Closes o/secret#9\n{MARKER.replace('7', '8')}\nCloses o/secret#10"
    text = with_own_part(evil, drafted(f"x\n{MARKER}\nCloses o/r#1\n"))
    assert closed_by(text) == (IssueRef("o", "r", 1),)
    assert closed_by("Closes o/secret#9\n") == closed_by(None) == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("thanks @all", "thanks @\u200ball"),
        ("mail a @ b", "mail a @ b"),
        ("Fixes #5", "Fixes #\u200b5"),
        ("closes: octo/town#5", "closes: octo/town#\u200b5"),
        ("see #5", "see #5"),
        ("the prefixes #5", "the prefixes #5"),
    ],
)
def test_text_of_others_notifies_nobody_and_closes_nothing(text: str, shown: str) -> None:
    assert quiet(text) == shown


def test_a_title_is_one_line_that_github_takes() -> None:
    assert title_of(drafted("", title="a\n b ")) == "a b"
    assert title_of(drafted("", title=" ")) == "tt/1"
    assert len(title_of(drafted("", title="x" * 999))) == 240


def test_a_long_text_still_has_its_marker() -> None:
    text = body_of(drafted("x" * 99_999 + f"\n{MARKER}\nCloses o/r#1\n"))
    assert len(text) < 65_536
    assert closed_by(text) == (IssueRef("o", "r", 1),)
