from __future__ import annotations

import pytest
from tests.integration.forges.github_writing.writing import Writing
from tests.peers.actor import Actor
from tests.peers.exchange import CUT, Answer, Request, refused, said
from tests.peers.github import GitHub
from tests.peers.samples import Sample

from tinytown.domain.errors import ForgeError, ForgeUnavailableError
from tinytown.domain.refs import IssueRef

MARKER = "<!-- tinytown:status -->"


def bodies(octo: Actor, number: int) -> list[str]:
    return [one["body"] for one in octo.call("GET", f"issues/{number}/comments")]


def ref(number: int) -> IssueRef:
    return IssueRef("octo", "town", number)


def test_one_comment_is_edited_and_never_followed_by_another(github: GitHub, writing: Writing, octo: Actor) -> None:
    number = octo.issue("Do it")
    for text in ("**Working**", "**Working**", "**Done**"):
        writing.comments.tell(ref(number), MARKER, text)
    assert bodies(octo, number) == [f"**Done**\n\n{MARKER}"]
    assert (github.count(method="POST"), github.count(method="PATCH")) == (1, 1)


def test_told_again_after_a_crash_there_is_one(github: GitHub, writing: Writing, octo: Actor) -> None:
    number = octo.issue("Do it")
    github.samples.append(Sample("POST", r".*/comments", CUT, times=1, takes_effect=True))
    with pytest.raises(ForgeUnavailableError):
        writing.comments.tell(ref(number), MARKER, "**Working**")
    writing.comments.tell(ref(number), MARKER, "**Working**")
    assert bodies(octo, number) == [f"**Working**\n\n{MARKER}"]
    assert github.count(method="POST") == 1


def test_of_two_that_met_the_older_stays(writing: Writing, octo: Actor) -> None:
    number = octo.issue("Do it")
    first, _ = (octo.comment(number, f"**{text}**\r\n\r\n{MARKER}\n") for text in ("Waiting", "In work"))
    writing.comments.tell(ref(number), MARKER, "**Done**")
    (left,) = octo.call("GET", f"issues/{number}/comments")
    assert (left["id"], left["body"]) == (first, f"**Done**\n\n{MARKER}")


def test_somebody_elses_comment_is_not_touched(writing: Writing, octo: Actor, rev: Actor) -> None:
    number = octo.issue("Do it")
    rev.comment(number, f"> {MARKER}")
    writing.comments.tell(ref(number), MARKER, "**Working**")
    assert bodies(octo, number) == [f"> {MARKER}", f"**Working**\n\n{MARKER}"]


def test_a_person_who_lends_the_token_keeps_what_they_wrote_about_the_marker(writing: Writing, octo: Actor) -> None:
    number = octo.issue("Do it")
    own = [
        f"The line `{MARKER}` marks the comment; here is my analysis ...",
        f"**Note:** it ends in\n\n{MARKER}\n\nand that is searched.",
        f"It ends in\n\n{MARKER}",
        f"> **In work**\n>\n> {MARKER}",
        f"**In work**\n\n{MARKER}\n\nis what it says now:\n\n{MARKER}",
    ]
    for text in own:
        octo.comment(number, text)
    for text in ("**Working**", "**Done**"):
        writing.comments.tell(ref(number), MARKER, text)
    assert bodies(octo, number) == [*own, f"**Done**\n\n{MARKER}"]


def test_one_that_a_person_made_their_own_is_left_to_them(writing: Writing, octo: Actor) -> None:
    number = octo.issue("Do it")
    writing.comments.tell(ref(number), MARKER, "**Working**")
    (comment,) = octo.call("GET", f"issues/{number}/comments")
    octo.call("PATCH", f"issues/comments/{comment['id']}", {"body": "My own notes"})
    writing.comments.tell(ref(number), MARKER, "**Done**")
    assert bodies(octo, number) == ["My own notes", f"**Done**\n\n{MARKER}"]


def test_it_is_found_among_more_than_a_thousand(github: GitHub, writing: Writing, octo: Actor) -> None:
    number = octo.issue("Do it")
    path = f"/repos/octo/town/issues/{number}/comments"
    other = {"id": 1, "body": "me too", "user": {"login": "rev"}}
    ours = {"id": octo.comment(number, f"**Waiting**\n\n{MARKER}"), "user": {"login": "octo"}}
    ours["body"] = f"**Waiting**\n\n{MARKER}"

    def page(request: Request) -> Answer:
        at = int(request.query.get("page", "1"))
        link = {"link": f'<{github.url}{path}?per_page=100&page={at + 1}>; rel="next"'} if at < 12 else {}
        return said([other] * 99 + [ours] if at == 12 else [other] * 100, headers=link)

    github.samples.append(Sample("GET", path, page, is_described=False))
    writing.comments.tell(ref(number), MARKER, "**Done**")
    assert github.count(method="POST") == 0
    github.samples.clear()
    assert bodies(octo, number) == [f"**Done**\n\n{MARKER}"]


def test_one_that_somebody_deleted_is_written_anew(writing: Writing, octo: Actor) -> None:
    number = octo.issue("Do it")
    writing.comments.tell(ref(number), MARKER, "**Working**")
    (comment,) = octo.call("GET", f"issues/{number}/comments")
    octo.call("DELETE", f"issues/comments/{comment['id']}")
    writing.comments.tell(ref(number), MARKER, "**Done**")
    assert bodies(octo, number) == [f"**Done**\n\n{MARKER}"]


def test_a_locked_issue_gets_none_and_that_is_no_error(github: GitHub, writing: Writing, octo: Actor) -> None:
    number = octo.issue("Do it")
    text = "Unable to create comment because issue is locked."
    github.samples.append(Sample("POST", r".*/comments", refused(403, text)))
    writing.comments.tell(ref(number), MARKER, "**Working**")
    assert bodies(octo, number) == []


def test_a_token_that_may_not_comment_is_an_error(github: GitHub, writing: Writing, octo: Actor) -> None:
    number = octo.issue("Do it")
    github.samples.append(Sample("POST", r".*/comments", refused(403, "Resource not accessible by integration")))
    with pytest.raises(ForgeError, match="does not allow"):
        writing.comments.tell(ref(number), MARKER, "**Working**")


def test_nobody_is_notified_by_quoted_text(writing: Writing, octo: Actor) -> None:
    number = octo.issue("Do it")
    writing.comments.tell(ref(number), MARKER, "asks @rev")
    assert bodies(octo, number) == [f"asks @\u200brev\n\n{MARKER}"]
