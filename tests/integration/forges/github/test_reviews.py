"""Looking at what people and bots say: what is asked, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import msgspec
import pytest
from tests.integration.forges.github.conftest import Clock, Peer
from tests.integration.forges.github.looking import HEAD, KNOWN, OTHER, TOWN, R, asked, assert_described, quiet
from tests.peers.exchange import Answer, Request, refused, said

from tinytown.domain.errors import ForgeError, ForgeUnavailableError
from tinytown.domain.workitem import Verdict
from tinytown.forges.github.bots import Bots
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.people import People
from tinytown.forges.github.threads import Threads
from tinytown.forges.github.trust import Trust
from tinytown.forges.github.writers import Writers

AT = "2026-01-02T03:04:05Z"
REVIEWS = f"{R}/pulls/7/reviews"
COMMENTS = f"{R}/pulls/7/comments"


@pytest.fixture(autouse=True)
def _quiet(peer: Peer) -> Iterator[None]:
    quiet(peer)
    peer.on("POST", "/graphql", threads())
    for login, permission in (("rev", "write"), ("ann", "read")):
        peer.on("GET", f"{R}/collaborators/{login}/permission", said({"permission": permission, "role_name": "x"}))
    yield
    assert_described(peer)


@pytest.fixture
def conversation(github: GitHub, clock: Clock) -> Threads:
    return Threads(github, TOWN, clock)


@pytest.fixture
def people(github: GitHub, clock: Clock, conversation: Threads) -> People:
    writers = Writers(github, TOWN, clock)
    return People(github, TOWN, threads=conversation, writers=writers, trust=Trust(), me=lambda: "octo")


@pytest.fixture
def bots(github: GitHub, conversation: Threads) -> Bots:
    return Bots(github, TOWN, threads=conversation, me=lambda: "octo", pattern="Quality Gate failed")


def review(id_: int, state: str, login: str | None = "rev", body: str = "", commit: str = HEAD) -> dict[str, Any]:
    kind = "Bot" if (login or "").endswith("[bot]") else "User"
    return {
        "id": id_,
        "state": state,
        "user": None if login is None else {"login": login, "type": kind},
        "body": body,
        "commit_id": commit,
        "submitted_at": AT,
        "author_association": "COLLABORATOR" if kind == "User" else "NONE",
        "html_url": f"https://github.com/octo/town/pull/7#pullrequestreview-{id_}",
    }


def node(id_: int, login: str | None, text: str = "rename", *, is_bot: bool = False, **more: bool) -> dict[str, Any]:
    author = None if login is None else {"login": login, "__typename": "Bot" if is_bot else "User"}
    comment = {
        "databaseId": None,
        "author": author,
        "authorAssociation": "NONE" if is_bot else "COLLABORATOR",
        "body": text,
        "createdAt": AT,
        "url": f"https://github.com/octo/town/pull/7#discussion_r{id_}",
    }
    place = {"path": "a.py", "line": None, "originalLine": 3, "isResolved": False, "isOutdated": False}
    return place | more | {"comments": {"nodes": [comment]}}


def threads(*nodes: dict[str, Any], after: str | None = None) -> Answer:
    page = {"pageInfo": {"hasNextPage": after is not None, "endCursor": after}, "nodes": list(nodes)}
    return said({"data": {"repository": {"pullRequest": {"reviewThreads": page}}}})


def comment(id_: int, login: str = "rev", text: str = "rename", **more: object) -> dict[str, Any]:
    return {
        "id": id_,
        "user": {"login": login, "type": "Bot" if login.endswith("[bot]") else "User"},
        "author_association": "COLLABORATOR",
        "body": text,
        "path": "a.py",
        "line": 3,
        "original_line": 3,
        "created_at": AT,
        "updated_at": AT,
        "html_url": f"https://github.com/octo/town/pull/7#discussion_r{id_}",
    } | more


def test_looks_of_one_decision_share_the_conversation(people: People, bots: Bots, peer: Peer, clock: Clock) -> None:
    peer.on("GET", REVIEWS, msgspec.structs.replace(said([]), wait_secs=0.2))
    peer.on("GET", f"{R}/issues/7/comments", said([]))
    known = msgspec.structs.replace(KNOWN, at=clock())
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(look, 7, known) for look in (people.look, bots.look)]
    assert [one.result().head for one in both] == [HEAD] * 2
    assert asked(peer).count("/pulls/7/reviews") == 1


def test_looks_of_another_decision_ask_anew(people: People, bots: Bots, peer: Peer, clock: Clock) -> None:
    peer.on("GET", f"{R}/issues/7/comments", said([]))
    peer.on("GET", REVIEWS, said([]))
    people.look(7, msgspec.structs.replace(KNOWN, at=clock()))
    peer.on("GET", REVIEWS, said([review(1, "CHANGES_REQUESTED", "cursor[bot]", "no")]))
    clock.advance(seconds=1)
    assert bots.look(7, msgspec.structs.replace(KNOWN, at=clock())).verdict is Verdict.FAILED
    assert asked(peer).count("/pulls/7/reviews") == 2


def test_quiet_pull_request_costs_one_request_a_look(people: People, bots: Bots, peer: Peer) -> None:
    assert people.look(7, KNOWN).verdict is Verdict.UNKNOWN
    assert asked(peer) == ["/pulls/7/reviews"]


def test_without_anything_known_the_pull_requests_own_head_is_looked_at(people: People) -> None:
    assert people.look(7).head == HEAD


def test_approval_by_a_collaborator_passes(people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "APPROVED")]))
    assert people.look(7, KNOWN).verdict is Verdict.PASSED


def test_approval_by_a_member_who_may_only_read_is_none(people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "APPROVED", "ann")]))
    assert people.look(7, KNOWN).verdict is Verdict.PENDING


def test_permission_is_asked_for_once_in_ten_minutes(people: People, peer: Peer, clock: Clock) -> None:
    peer.on("GET", REVIEWS, said([review(1, "APPROVED")]))
    for _ in range(2):
        people.look(7, KNOWN)
        clock.advance(minutes=9)
    assert asked(peer).count("/collaborators/rev/permission") == 1
    clock.advance(minutes=1)
    people.look(7, KNOWN)
    assert asked(peer).count("/collaborators/rev/permission") == 2


@pytest.mark.parametrize("answer", [refused(403, "Must have push access"), refused(404, "Not Found")])
def test_permission_that_is_not_told_is_taken_from_the_association(people: People, peer: Peer, answer: Answer) -> None:
    peer.on("GET", f"{R}/collaborators/rev/permission", answer)
    peer.on("GET", REVIEWS, said([review(1, "APPROVED")]))
    assert people.look(7, KNOWN).verdict is Verdict.PASSED


def test_outage_is_not_taken_for_an_answer(people: People, peer: Peer) -> None:
    peer.on("GET", f"{R}/collaborators/rev/permission", refused(502, "bad"))
    peer.on("GET", REVIEWS, said([review(1, "APPROVED")]))
    with pytest.raises(ForgeUnavailableError):
        people.look(7, KNOWN)


def test_reviews_of_all_pages_count(people: People, peer: Peer) -> None:
    first = said([review(1, "APPROVED")])
    more = dict(first.headers) | {"link": f'<{peer.url}{REVIEWS}?per_page=100&page=2>; rel="next"'}
    peer.on("GET", REVIEWS, msgspec.structs.replace(first, headers=more), said([review(2, "CHANGES_REQUESTED")]))
    assert people.look(7, KNOWN).verdict is Verdict.FAILED


def test_open_thread_is_a_finding_numbered_by_its_link(people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED")]))
    peer.on("POST", "/graphql", threads(node(9_876_543_210, "rev")))
    seen = people.look(7, KNOWN)
    assert (seen.verdict, [one.id for one in seen.findings]) == (Verdict.FAILED, ["comment:9876543210"])
    assert seen.text.startswith("@rev on a.py:3 (https://github.com/octo/town/pull/7#discussion_r9876543210):")


def test_threads_of_all_pages_count(people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED")]))
    peer.on("POST", "/graphql", threads(node(1, "rev", isResolved=True), after="c1"), threads(node(2, "rev")))
    assert [one.id for one in people.look(7, KNOWN).findings] == ["comment:2"]
    assert [request.json()["variables"]["after"] for request in peer.asked if request.method == "POST"] == [None, "c1"]


def test_threads_are_asked_for_again_only_when_something_changed_or_is_open(people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED")]))
    peer.on("POST", "/graphql", threads(node(1, "rev")), threads(node(1, "rev", isResolved=True)))
    assert [people.look(7, KNOWN).verdict for _ in range(2)] == [Verdict.FAILED, Verdict.PENDING]
    peer.asked.clear()
    people.look(7, KNOWN)
    assert asked(peer) == ["/pulls/7/reviews"]
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED"), review(2, "COMMENTED")]))
    people.look(7, KNOWN)
    assert peer.count("POST") == 1


def test_remark_of_a_deleted_account_is_left_alone(people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED", None)]))
    peer.on("POST", "/graphql", threads(node(1, None)))
    assert people.look(7, KNOWN).verdict is Verdict.UNKNOWN


FORBIDDEN = said({"data": None, "errors": [{"type": "FORBIDDEN", "message": "Resource not accessible"}]})


@pytest.mark.parametrize("answer", [FORBIDDEN, refused(404, "Not Found"), said({"data": {"repository": None}})])
def test_without_graphql_threads_are_made_of_comments(people: People, peer: Peer, answer: Answer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED")]))
    peer.on("POST", "/graphql", answer)
    outdated: dict[str, Any] = {"line": None}
    answered: dict[str, Any] = {"in_reply_to_id": 3}
    told = [
        comment(1),
        comment(2, **outdated),
        comment(3),
        comment(4, "octo", "Renamed.", **answered),
        comment(5, **outdated, subject_type="file"),
    ]
    peer.on("GET", COMMENTS, said(told))
    known = msgspec.structs.replace(KNOWN, told=("comment:2",), since=datetime.fromisoformat(AT))
    assert [one.id for one in people.look(7, known).findings] == ["comment:1", "comment:5"]


@pytest.mark.parametrize("how", ["thorough", "later"])
def test_thread_that_is_unresolved_again_is_seen(people: People, peer: Peer, clock: Clock, how: str) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED")]))
    settled = threads(node(1, "rev", isResolved=True))
    peer.on("POST", "/graphql", settled, threads(node(1, "rev")))
    assert people.look(7, KNOWN).verdict is Verdict.PENDING
    if how == "later":
        clock.advance(minutes=10)
    known = msgspec.structs.replace(KNOWN, is_thorough=how == "thorough")
    assert people.look(7, known).verdict is Verdict.FAILED


def test_reviews_without_threads_are_never_asked_about_again(people: People, peer: Peer, clock: Clock) -> None:
    peer.on("GET", REVIEWS, said([review(1, "APPROVED")]))
    for _ in range(2):
        people.look(7, msgspec.structs.replace(KNOWN, is_thorough=True))
        clock.advance(hours=1)
    assert peer.count("POST") == 1


def test_thread_outdated_before_anybody_looked_is_handed_over(people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED")]))
    peer.on("POST", "/graphql", threads(node(1, "rev", isOutdated=True)))
    known = msgspec.structs.replace(KNOWN, since=datetime.fromisoformat(AT))
    assert [one.id for one in people.look(7, known).findings] == ["comment:1"]
    told = msgspec.structs.replace(known, told=("comment:1",))
    assert (people.look(7, told).verdict, people.look(7, told).findings) == (Verdict.PENDING, ())


ODD = said({"data": None, "errors": [{"type": "INTERNAL", "message": "odd thing"}]})


def test_odd_answer_of_graphql_is_an_outage(people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED")]))
    peer.on("POST", "/graphql", ODD, threads(node(1, "rev", isResolved=True)))
    with pytest.raises(ForgeUnavailableError, match="odd thing"):
        people.look(7, KNOWN)
    assert people.look(7, KNOWN).verdict is Verdict.PENDING


def test_pull_request_that_graphql_does_not_find_does_not_switch_it_off(people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED")]))
    missing = said({"data": None, "errors": [{"type": "NOT_FOUND", "message": "no pull request 7"}]})
    peer.on("POST", "/graphql", missing, threads(node(1, "rev", isResolved=True)))
    peer.on("GET", COMMENTS, said([comment(1)]))
    assert people.look(7, KNOWN).verdict is Verdict.FAILED
    assert people.look(7, KNOWN).verdict is Verdict.PENDING


def test_what_was_resolved_stays_so_when_graphql_is_refused(people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED")]), said([review(1, "COMMENTED"), review(2, "COMMENTED")]))
    peer.on("POST", "/graphql", threads(node(1, "rev", isResolved=True), node(2, "rev", isResolved=True)), FORBIDDEN)
    peer.on("GET", COMMENTS, said([comment(1), comment(2), comment(3, "rev", "not yet", in_reply_to_id=2)]))
    assert people.look(7, KNOWN).verdict is Verdict.PENDING
    assert [one.id for one in people.look(7, KNOWN).findings] == ["comment:3"]


def test_so_many_reviews_that_not_all_are_read_are_for_a_person(people: People, peer: Peer) -> None:
    pages = iter(range(2, 1000))

    def page(_: Request) -> Answer:
        url = f"{peer.url}{REVIEWS}?per_page=100&page={next(pages)}"
        return said([review(1, "APPROVED")], headers={"link": f'<{url}>; rel="next"'})

    peer.on("GET", REVIEWS, page)
    with pytest.raises(ForgeError, match="more than 3,000 reviews"):
        people.look(7, KNOWN)


def test_so_many_threads_that_not_all_are_read_are_for_a_person(people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED")]))
    peer.on("POST", "/graphql", threads(node(1, "rev", isResolved=True), after="more"))
    with pytest.raises(ForgeError, match="more than 3,000 threads"):
        people.look(7, KNOWN)


def test_graphql_that_is_refused_is_tried_again_after_ten_minutes(people: People, peer: Peer, clock: Clock) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED")]))
    peer.on("POST", "/graphql", FORBIDDEN, threads(node(1, "rev")))
    peer.on("GET", COMMENTS, said([comment(1)]))
    people.look(7, KNOWN)
    people.look(7, KNOWN)
    assert peer.count("POST") == 1
    clock.advance(minutes=10)
    people.look(7, KNOWN)
    assert peer.count("POST") == 2


def test_graphql_that_is_down_is_an_outage(people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED")]))
    peer.on("POST", "/graphql", refused(502, "bad"))
    with pytest.raises(ForgeUnavailableError):
        people.look(7, KNOWN)


def test_approval_of_an_earlier_head_is_judged_by_git(
    github: GitHub, conversation: Threads, clock: Clock, peer: Peer
) -> None:
    peer.on("GET", REVIEWS, said([review(1, "APPROVED", commit=OTHER)]))
    compared = []

    def is_update(head: str, earlier: str, base: str) -> bool:
        compared.append((head, earlier, base))
        return True

    writers = Writers(github, TOWN, clock)
    looking = People(
        github, TOWN, threads=conversation, writers=writers, trust=Trust(), me=lambda: "octo", is_update=is_update
    )
    assert looking.look(7, KNOWN).verdict is Verdict.PASSED
    assert compared == [(HEAD, OTHER, "main")]


def test_bots_threads_and_picked_summaries_are_findings(bots: Bots, people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED", "cursor[bot]", "Bugbot")]))
    peer.on("POST", "/graphql", threads(node(1, "cursor", "null", is_bot=True)))
    summaries = [
        comment(2, "sonarqubecloud[bot]", "Quality Gate passed"),
        comment(3, "sonarqubecloud[bot]", "Quality Gate failed", updated_at="2026-01-02T03:05:05Z"),
        comment(4, "rev", "Quality Gate failed"),
    ]
    peer.on("GET", f"{R}/issues/7/comments", said(summaries))
    seen = bots.look(7, KNOWN)
    assert [one.id for one in seen.findings] == ["comment:1", "comment:3@1767323105"]
    assert seen.by == "cursor, sonarqubecloud[bot]"
    assert people.look(7, KNOWN).verdict is Verdict.UNKNOWN


def test_bots_summary_that_is_written_anew_is_news(bots: Bots, peer: Peer) -> None:
    def edited(at: str) -> Answer:
        return said([comment(3, "sonarqubecloud[bot]", "Quality Gate failed", updated_at=at)])

    peer.on("GET", f"{R}/issues/7/comments", edited("2026-01-02T03:05:05Z"), edited("2026-01-02T04:05:05Z"))
    first, second = (bots.look(7, KNOWN).findings[0].id for _ in range(2))
    assert first != second


def test_bots_are_not_asked_about_what_they_may(people: People, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "CHANGES_REQUESTED", "renovate[bot]"), review(2, "APPROVED", None)]))
    assert people.look(7, KNOWN).verdict is Verdict.UNKNOWN
    assert not [path for path in asked(peer) if path.startswith("/collaborators")]


def test_our_own_app_is_known_in_both_spellings(github: GitHub, conversation: Threads, peer: Peer) -> None:
    peer.on("GET", REVIEWS, said([review(1, "COMMENTED", "cursor[bot]")]))
    thread = node(1, "cursor", "null", is_bot=True)
    thread["comments"]["nodes"].append(node(2, "tt", "Checked above.", is_bot=True)["comments"]["nodes"][0])
    peer.on("POST", "/graphql", threads(thread))
    looking = Bots(github, TOWN, threads=conversation, me=lambda: "tt[bot]")
    assert looking.look(7, KNOWN).verdict is Verdict.PASSED
