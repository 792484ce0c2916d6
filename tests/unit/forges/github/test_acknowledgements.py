"""Telling thanks from requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytown.forges.github.acknowledgement import is_acknowledgement


@pytest.mark.parametrize(
    "text",
    [
        "Done",
        "done.",
        "Fixed, thanks!",
        "Thanks",
        "Thank you!",
        "thanks for the quick fix 🙏",
        "Thanks @octo, looks good to me now!",
        "LGTM",
        "lgtm 👍",
        "👍",
        "👍🏽",
        ":+1:",
        "+1",
        "❤️",
        "Great work!",
        "Nice catch",
        "Makes sense, will do",
        "ok",
        "Okay.",
        "Fixed in 1a2b3c4",
        "This looks great",
        "> please rename it\n\nDone!",
        "> please rename it",
        "",
        "  \n",
        "Resolved",
        "good point",
    ],
)
def test_thanks_and_signs_are_no_requests(text: str) -> None:
    assert is_acknowledgement(text)


@pytest.mark.parametrize(
    "text",
    [
        "Please fix",
        "done?",
        "not done",
        "Thanks, but please rename it",
        "LGTM except for the name",
        "looks wrong",
        "ok fix it",
        "yes",
        "👎",
        "good to fix",
        "doneness",
        "Nice, can you add a test?",
        "it",
        "> looks good\n\nIt does not.",
        "```suggestion\ndone()\n```",
        "this looks good to me but the tests fail",
        "thanks " * 40,
    ],
)
def test_what_wants_something_is_a_request(text: str) -> None:
    assert not is_acknowledgement(text)


@given(st.text(max_size=5000))
def test_any_text_is_judged(text: str) -> None:
    assert is_acknowledgement(f"{text} please") is False
