"""The client against a real HTTP server: what it sends, repeats, follows, and never does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from tests.integration.forges.github.conftest import TOKEN, Peer
from tests.peers.exchange import CUT, Answer, Request, refused, said
from tests.peers.server import Server

from tinytown import __version__
from tinytown.domain.errors import (
    ConflictError,
    ForgeError,
    ForgeUnavailableError,
    NotFoundError,
    QuotaError,
    TinytownError,
)
from tinytown.forges.github.client import GitHub

R = "/repos/octo/town"


class Issue(msgspec.Struct, frozen=True):
    number: int
    title: str = ""


ISSUE = said({"number": 3, "title": "Auth", "unknown": [1]})
HTML = Answer(200, b"<html>", {"content-type": "text/html"})
BROKEN = Answer(200, b'{"number": 3', {"content-type": "application/json"})
NOT_UTF8 = Answer(200, b'"\xff"', {"content-type": "application/json"})
ODD_CHARSET = Answer(200, b"{}", {"content-type": "application/json; charset=klingon"})
EMPTY = Answer(200, b"", {"content-type": "application/json"})
HALF = Answer(200, b'{"number": 3, "title": "Auth"}', {"content-type": "application/json"}, cut_after=7)
PASSING = [
    refused(500, "x"),
    refused(502, "x"),
    Answer(502, b"<html>", {"content-type": "application/json"}),
    refused(503, "x"),
    refused(504, "x"),
    Answer(520, b"", {}),
    HTML,
    BROKEN,
    NOT_UTF8,
    ODD_CHARSET,
    EMPTY,
    HALF,
    CUT,
]


def test_request_says_who_asks_and_for_which_version(github: GitHub, peer: Peer) -> None:
    peer.on("GET", f"{R}/issues/3", ISSUE)
    assert github.get(f"{R}/issues/3", Issue) == Issue(3, "Auth")
    headers = peer.asked[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["accept"] == "application/vnd.github+json"
    assert headers["user-agent"] == f"tinytown/{__version__}"
    assert headers["x-github-api-version"] == "2022-11-28"


@pytest.mark.parametrize("trouble", PASSING)
def test_reading_is_tried_again_after_passing_trouble(github: GitHub, peer: Peer, trouble: Answer) -> None:
    peer.on("GET", f"{R}/issues/3", trouble, trouble, ISSUE)
    assert github.get(f"{R}/issues/3", Issue).number == 3
    assert peer.count() == 3


@pytest.mark.parametrize("trouble", PASSING)
def test_trouble_that_lasts_is_an_outage(github: GitHub, peer: Peer, trouble: Answer) -> None:
    peer.on("GET", f"{R}/issues/3", trouble)
    with pytest.raises(ForgeUnavailableError, match="tried again"):
        github.get(f"{R}/issues/3", Issue)
    assert peer.count() == 3


@pytest.mark.parametrize("trouble", PASSING)
def test_changing_is_never_repeated(github: GitHub, peer: Peer, trouble: Answer) -> None:
    peer.on("POST", f"{R}/pulls", trouble)
    with pytest.raises(ForgeUnavailableError):
        github.send("POST", f"{R}/pulls", Issue, {"title": "x"})
    assert peer.count("POST") == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(403, "Resource not accessible by integration"), ForgeError),
        (refused(404, "Not Found"), NotFoundError),
        (refused(405, "Pull Request is not mergeable"), ConflictError),
        (refused(409, "Head branch was modified"), ConflictError),
        (refused(410, "gone"), NotFoundError),
        (refused(422, "Validation Failed"), ForgeError),
        (refused(451, "blocked"), ForgeError),
        (said([1, 2]), ForgeError),
        (said({"number": "three"}), ForgeError),
    ],
)
def test_refusals_are_not_asked_again(github: GitHub, peer: Peer, answer: Answer, kind: type[TinytownError]) -> None:
    peer.on("GET", R, answer)
    with pytest.raises(kind) as caught:
        github.get(R, Issue)
    assert type(caught.value) is kind
    assert peer.count() == 1


def test_a_server_that_is_not_there_is_an_outage(github: GitHub, peer: Peer) -> None:
    peer.server.stop()
    with pytest.raises(ForgeUnavailableError, match="refused"):
        github.get(R, Issue)


def test_body_of_a_change_is_json(github: GitHub, peer: Peer) -> None:
    peer.on("PATCH", f"{R}/issues/3", ISSUE)
    assert github.send("PATCH", f"{R}/issues/3", Issue, {"state": "closed"}).title == "Auth"
    assert peer.asked[0].json() == {"state": "closed"}
    assert peer.asked[0].headers["content-type"] == "application/json"


def test_a_change_may_answer_nothing(github: GitHub, peer: Peer) -> None:
    peer.on("DELETE", f"{R}/issues/comments/1", Answer(204))
    peer.on("PUT", f"{R}/pulls/1/update-branch", said({"message": "Updating"}, 202))
    github.do("DELETE", f"{R}/issues/comments/1")
    github.do("PUT", f"{R}/pulls/1/update-branch", {"expected_head_sha": "a"})
    assert (peer.count("DELETE"), peer.count("PUT")) == (1, 1)


def test_kept_connection_that_the_server_closed_is_no_trouble(github: GitHub, peer: Peer) -> None:
    closing = Answer(201, b'{"number": 3}', {"content-type": "application/json", "connection": "close"})
    peer.on("POST", f"{R}/issues", closing)
    for _ in range(3):
        assert github.send("POST", f"{R}/issues", Issue, {}).number == 3
    assert peer.count("POST") == 3


# -- redirects


def to(url: str, status: int) -> Answer:
    return refused(status, "Moved Permanently", headers={"location": url})


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_reading_follows_a_renamed_repository(github: GitHub, peer: Peer, status: int) -> None:
    peer.on("GET", f"{R}/issues/3", to(f"{peer.url}/repositories/7/issues/3", status))
    peer.on("GET", "/repositories/7/issues/3", ISSUE)
    assert github.get(f"{R}/issues/3", Issue).number == 3
    assert peer.asked[1].token == TOKEN


@pytest.mark.parametrize("status", [307, 308])
def test_changing_follows_with_method_and_body(github: GitHub, peer: Peer, status: int) -> None:
    peer.on("PATCH", f"{R}/issues/3", to("/repositories/7/issues/3", status))
    peer.on("PATCH", "/repositories/7/issues/3", ISSUE)
    assert github.send("PATCH", f"{R}/issues/3", Issue, {"state": "closed"}).number == 3
    assert peer.asked[1].json() == {"state": "closed"}


@pytest.mark.parametrize("status", [301, 302])
def test_changing_does_not_follow_what_would_lose_its_method(github: GitHub, peer: Peer, status: int) -> None:
    peer.on("PATCH", f"{R}/issues/3", to("/repositories/7/issues/3", status))
    with pytest.raises(ForgeError, match="has moved"):
        github.send("PATCH", f"{R}/issues/3", Issue, {"state": "closed"})
    assert len(peer.asked) == 1


def test_redirects_in_a_circle_end(github: GitHub, peer: Peer) -> None:
    peer.on("GET", R, to(R, 301))
    with pytest.raises(ForgeError, match="has moved"):
        github.get(R, Issue)
    assert peer.count() == 4


def test_elsewhere_nothing_is_known_of_us(github: GitHub, peer: Peer) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Answer:
        seen.append(request)
        return Answer(200, b"old\nnew\n", {"content-type": "text/plain"})

    blobs = Server(answer)
    try:
        peer.on("GET", f"{R}/actions/jobs/1/logs", to(f"{blobs.url}/log?sig=secret", 302))
        reply = github.tail(f"{R}/actions/jobs/1/logs", size=4)
    finally:
        blobs.stop()
    assert (reply.body, reply.is_cut) == (b"new\n", True)
    assert "authorization" not in seen[0].headers
    assert "x-github-api-version" not in seen[0].headers


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_changes_are_not_sent_elsewhere(github: GitHub, peer: Peer, method: str) -> None:
    other = Server(lambda _: ISSUE)
    try:
        peer.on(method, R, to(f"{other.url}/x", 307))
        with pytest.raises(ForgeError, match="has moved"):
            github.send(method, R, Issue, {})
    finally:
        other.stop()


def test_address_of_a_log_is_not_told(github: GitHub, peer: Peer) -> None:
    peer.on("GET", f"{R}/logs", to("http://127.0.0.1:9/log?sig=topsecret", 302))
    with pytest.raises(ForgeUnavailableError) as caught:
        github.tail(f"{R}/logs")
    assert "topsecret" not in str(caught.value)
    assert "127.0.0.1:9" in str(caught.value)


def test_long_log_is_read_to_its_end(github: GitHub, peer: Peer) -> None:
    log = b"".join(b"line %06d\n" % n for n in range(200_000))
    peer.on("GET", f"{R}/logs", Answer(200, log, {"content-type": "text/plain"}))
    reply = github.tail(f"{R}/logs")
    assert (reply.body, reply.is_cut) == (log[-65536:], True)


# -- pages


def page(peer: Peer, number: int, last: int) -> Answer:
    link = f'<{peer.url}{R}/issues?page={number + 1}>; rel="next", <{peer.url}{R}/issues?page={last}>; rel="last"'
    return said([{"number": number}], headers={"link": link} if number < last else {})


def test_pages_are_followed_to_the_last(github: GitHub, peer: Peer) -> None:
    peer.on("GET", f"{R}/issues", *(page(peer, n, 3) for n in (1, 2, 3)))
    found = github.pages(f"{R}/issues", list[Issue], {"state": "open"})
    assert [issue.number for one in found.pages for issue in one] == [1, 2, 3]
    assert not found.is_cut
    assert peer.asked[0].query == {"per_page": "100", "state": "open"}
    assert peer.asked[2].query == {"page": "3"}


def test_pages_are_bounded(github: GitHub, peer: Peer) -> None:
    peer.on("GET", f"{R}/issues", *(page(peer, n, 30) for n in range(1, 20)))
    found = github.pages(f"{R}/issues", list[Issue], most=4)
    assert (len(found.pages), found.is_cut, peer.count()) == (4, True, 4)


def test_pages_in_a_circle_end(github: GitHub, peer: Peer) -> None:
    peer.on("GET", f"{R}/issues", page(peer, 1, 3))
    found = github.pages(f"{R}/issues", list[Issue])
    assert (len(found.pages), found.is_cut) == (2, False)


def test_token_does_not_follow_a_page_elsewhere(github: GitHub, peer: Peer) -> None:
    link = {"link": '<http://127.0.0.1:9/issues?page=2>; rel="next"'}
    peer.on("GET", f"{R}/issues", said([{"number": 1}], headers=link))
    with pytest.raises(ForgeError, match="not its own"):
        github.pages(f"{R}/issues", list[Issue])


# -- GraphQL


class Viewer(msgspec.Struct, frozen=True):
    viewer: dict[str, str]


def test_graphql_data_is_read(github: GitHub, peer: Peer) -> None:
    peer.on("POST", "/graphql", said({"data": {"viewer": {"login": "octo"}}}))
    assert github.graphql("query{viewer{login}}", {"n": 1}, Viewer).viewer == {"login": "octo"}
    assert peer.asked[0].json() == {"query": "query{viewer{login}}", "variables": {"n": 1}}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"data": None, "errors": [{"type": "NOT_FOUND", "message": "no such pull"}]}, NotFoundError),
        ({"data": {"viewer": {}}, "errors": [{"type": "FORBIDDEN", "message": "no"}]}, ForgeError),
        ({"errors": [{"message": "Field 'x' doesn't exist", "extensions": {"code": "undefinedField"}}]}, ForgeError),
        ({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}, QuotaError),
        ({"data": {"viewer": 3}}, ForgeError),
        ({"data": None}, ForgeUnavailableError),
    ],
)
def test_graphql_errors_come_with_status_200(
    github: GitHub, peer: Peer, body: object, kind: type[TinytownError]
) -> None:
    peer.on("POST", "/graphql", said(body))
    with pytest.raises(kind) as caught:
        github.graphql("query{viewer{login}}", {}, Viewer)
    assert type(caught.value) is kind


def test_graphql_that_failed_is_read_again_but_not_changed_again(github: GitHub, peer: Peer) -> None:
    wrong = said({"errors": [{"message": "Something went wrong while executing your query."}]})
    peer.on("POST", "/graphql", wrong, said({"data": {"viewer": {}}}))
    assert github.graphql("query{viewer{login}}", {}, Viewer) == Viewer({})
    peer.on("POST", "/graphql", wrong)
    with pytest.raises(ForgeUnavailableError):
        github.graphql("\n mutation{x}", {}, Viewer)
    assert peer.count("POST") == 3


# -- threads, secrets


def test_eight_threads_use_one_client(github: GitHub, peer: Peer) -> None:
    for number in range(80):
        peer.on("GET", f"{R}/issues/{number}", said({"number": number}))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda n: github.get(f"{R}/issues/{n}", Issue).number, range(80)))
    assert found == list(range(80))


def test_changes_are_made_one_at_a_time(github: GitHub, peer: Peer) -> None:
    under_way: list[int] = []
    most: list[int] = []

    def slow(_: Request) -> Answer:
        under_way.append(1)
        most.append(len(under_way))
        peer.server.pause(0.02)
        under_way.pop()
        return ISSUE

    peer.on("POST", f"{R}/issues", slow)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: github.send("POST", f"{R}/issues", Issue, {}), range(8)))
    assert most == [1] * 8


@pytest.mark.parametrize("answer", [*PASSING, refused(401, "Bad credentials"), refused(403, "no"), said({"a": 1})])
def test_token_is_in_no_error(open_github: Callable[..., GitHub], peer: Peer, answer: Answer) -> None:
    peer.on("GET", R, answer)
    with pytest.raises(TinytownError) as caught:
        open_github().get(R, Issue)
    error: BaseException | None = caught.value
    while error is not None:
        assert TOKEN not in f"{error} {error!r} {vars(error)}"
        error = error.__cause__ or error.__context__


def test_probe_answers_whatever_the_status(github: GitHub, peer: Peer) -> None:
    peer.on("GET", "/user", refused(403, "no", headers={"x-oauth-scopes": "repo"}))
    reply = github.probe("/user")
    assert (reply.status, reply.headers["x-oauth-scopes"]) == (403, "repo")
