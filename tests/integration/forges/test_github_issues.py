"""GitHub's issues: read with relations and trust, chosen, and what is said below them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from tests.peers.actor import Actor
from tests.peers.exchange import Answer, Request, refused, said
from tests.peers.github import GitHub
from tests.peers.samples import Sample
from tests.repositories import branch_with

from tinytown.domain.errors import ForgeUnavailableError, InvalidInputError, NotFoundError
from tinytown.domain.issue import Relation, RelationSource, Selection
from tinytown.domain.refs import IssueRef
from tinytown.forges.github.address import Repository
from tinytown.forges.github.issues import REMARK_CHARS, REMARKS, Issues
from tinytown.forges.github.opening import open_client
from tinytown.forges.github.trust import Trust
from tinytown.repository.git import Git
from tinytown.store.keys import Keys

HOME = ("octo", "town")
OTHER = ("octo", "other")
BLOCKED_BY, SUB_ISSUE = RelationSource.BLOCKED_BY, RelationSource.SUB_ISSUE


@pytest.fixture
def open_issues(github: GitHub) -> Iterator[Callable[..., Issues]]:
    """Makes what is under test, for a repository and whom it trusts."""
    clients = []

    def make(name: str = "town", trust: Trust | None = None) -> Issues:
        home = Repository(host="github.com", owner="octo", name=name)
        client = open_client(
            api_url=github.url,
            repository=home,
            environ={"GITHUB_TOKEN": "tok-octo"},
            app=None,
            connect=None,
            town=Keys("tt:none"),
            clock=lambda: datetime.now(UTC),
        )
        clients.append(client)
        return Issues(client, home, trust or Trust())

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def issues(open_issues: Callable[..., Issues]) -> Issues:
    return open_issues()


def ref(number: int, repository: tuple[str, str] = HOME) -> IssueRef:
    return IssueRef(*repository, number)


def paths(github: GitHub) -> list[str]:
    """What was asked, without the repository."""
    return [one.request.path.removeprefix("/repos/octo/town") for one in github.seen]


def lists(seen: list[int], path: str) -> Sample:
    """The listing of issues has these on its first page, and says that there is always another."""

    def answer(request: Request) -> Answer:
        page = int(request.query.get("page", "1"))
        seen.append(page)
        return Answer(200, b"[]", {"content-type": "application/json", "link": f'<{path}?page={page + 1}>; rel="next"'})

    return Sample("GET", r"/repos/octo/town/issues", answer, is_described=False)


def test_issue_is_read_with_what_it_says_and_who_says_it(octo: Actor, issues: Issues, github: GitHub) -> None:
    number = octo.issue("Add login", "Depends on #9.", labels=["kind:test", "ready"])

    found = issues.read(ref(number))

    assert (found.ref, found.title, found.body) == (ref(number), "Add login", "Depends on #9.")
    assert (found.labels, found.author, found.is_open) == (("kind:test", "ready"), "octo", True)
    assert found.url == f"{github.url}/octo/town/issues/{number}"
    assert (found.is_trusted, found.relations, found.is_pull, found.is_parent) == (True, (), False, False)
    assert found.notice == ""
    assert paths(github) == [f"/issues/{number}"]


def test_text_that_is_null_is_empty(octo: Actor, issues: Issues) -> None:
    number = octo.call("POST", "issues", {"title": "No text"})["number"]
    assert issues.read(ref(number)).body == ""


def test_closed_issue_is_read_without_its_relations(octo: Actor, issues: Issues, github: GitHub) -> None:
    number = octo.issue("Done")
    github.issues.block(number, by=octo.issue("Other"))
    octo.call("PATCH", f"issues/{number}", {"state": "closed"})

    found = issues.read(ref(number))
    assert (found.is_open, found.relations) == (False, ())
    assert paths(github) == [f"/issues/{number}"]


def test_whether_an_issue_is_open_is_one_request(octo: Actor, issues: Issues, github: GitHub) -> None:
    number = octo.issue("Waits")
    github.issues.block(number, by=octo.issue("Other"))
    github.seen.clear()

    assert issues.is_open(ref(number)) is True
    assert paths(github) == [f"/issues/{number}"]

    octo.call("PATCH", f"issues/{number}", {"state": "closed"})
    assert issues.is_open(ref(number)) is False


def test_relations_come_from_where_they_are_with_their_state(octo: Actor, issues: Issues, github: GitHub) -> None:
    first, second, third, done = (octo.issue(title) for title in ("a", "b", "c", "d"))
    elsewhere = int(octo.call("POST", "/repos/octo/other/issues", {"title": "e"})["number"])
    octo.call("PATCH", f"issues/{done}", {"state": "closed"})
    github.issues.block(first, by=second)
    github.issues.block(first, by=("octo/other", elsewhere))
    github.issues.add_part(first, third)
    github.issues.add_part(first, done)

    assert issues.read(ref(first)).relations == (
        Relation(ref(second), BLOCKED_BY),
        Relation(ref(elsewhere, OTHER), BLOCKED_BY),
        Relation(ref(third), SUB_ISSUE),
        Relation(ref(done), SUB_ISSUE, is_open=False),
    )


def test_relations_that_are_all_done_are_not_asked_for(octo: Actor, issues: Issues, github: GitHub) -> None:
    first, done = octo.issue("a"), octo.issue("b")
    octo.call("PATCH", f"issues/{done}", {"state": "closed"})
    github.issues.block(first, by=done)
    github.issues.add_part(first, done)

    found = issues.read(ref(first))
    assert (found.relations, found.is_parent) == ((), True)
    assert paths(github) == [f"/issues/{first}"]


def test_server_without_relations_is_asked_once(octo: Actor, issues: Issues, github: GitHub) -> None:
    numbers = [octo.issue("a"), octo.issue("b")]

    def without(request: Request) -> Answer:
        return said({"number": int(request.path.rpartition("/")[2]), "title": "t", "state": "open"})

    github.samples.append(Sample("GET", r"/repos/octo/town/issues/\d+", without, is_described=False))
    github.samples.append(Sample("GET", r".*/(sub_issues|blocked_by)", refused(404, "Not Found")))

    found = [issues.read(ref(number)) for number in numbers]

    assert [(one.ref, one.relations) for one in found] == [(ref(number), ()) for number in numbers]
    first, second = numbers
    asked = [f"/issues/{first}", f"/issues/{first}/dependencies/blocked_by", f"/issues/{first}/sub_issues"]
    assert paths(github) == [*asked, f"/issues/{second}"]


def test_relations_that_are_there_but_hidden_are_no_missing_feature(
    octo: Actor, issues: Issues, github: GitHub
) -> None:
    first = octo.issue("a")
    github.issues.block(first, by=octo.issue("b"))
    github.samples.append(Sample("GET", r".*/blocked_by", refused(404, "Not Found")))

    with pytest.raises(NotFoundError):
        issues.read(ref(first))


@pytest.mark.parametrize(
    ("who", "names", "is_trusted"),
    [
        ("octo", ("owner",), True),
        ("rev", ("owner",), False),
        ("rev", ("owner", "members", "collaborators"), True),
        ("stranger", ("owner", "members", "collaborators"), False),
        ("stranger", ("@Stranger",), True),
        ("octo", (), False),
    ],
)
def test_authors_are_trusted_as_configured(
    actor: Callable[[str], Actor],
    open_issues: Callable[..., Issues],
    who: str,
    names: tuple[str, ...],
    is_trusted: bool,  # noqa: FBT001  a test's parameter
) -> None:
    number = actor(who).issue("Do it")
    assert open_issues(trust=Trust(names)).read(ref(number)).is_trusted is is_trusted


def test_account_that_was_deleted_is_not_trusted(issues: Issues, octo: Actor, github: GitHub) -> None:
    number = octo.issue("a")
    ghost = said({"number": number, "title": "t", "state": "open", "user": None, "author_association": "OWNER"})
    github.samples.append(Sample("GET", r".*/issues/\d+", ghost, is_described=False))
    github.samples.append(Sample("GET", r".*/(sub_issues|blocked_by)", said([])))

    found = issues.read(ref(number))
    assert (found.author, found.is_trusted) == ("", False)


def test_pull_request_is_read_as_one(octo: Actor, issues: Issues, checkout: Git) -> None:
    branch_with(checkout, "topic", {"a.txt": "1"})
    checkout.run("push", "--quiet", "origin", "topic")
    number = octo.pull("topic")
    assert issues.read(ref(number)).is_pull is True


def test_issue_that_was_transferred_is_read_where_it_is_now(octo: Actor, issues: Issues, github: GitHub) -> None:
    octo.call("POST", "/repos/octo/other/issues", {"title": "before"})
    now = int(octo.call("POST", "/repos/octo/other/issues", {"title": "Moved"})["number"])
    location = f"{github.url}/repos/octo/other/issues/{now}"
    moved = said({"message": "Moved Permanently", "url": location}, 301, {"location": location})
    github.samples.append(Sample("GET", r"/repos/octo/town/issues/1", moved, is_described=False))

    found = issues.read(ref(1))
    assert (found.ref, found.title) == (ref(now, OTHER), "Moved")
    assert found.notice == f"#1 was moved, it is octo/other#{now} now"


def test_issue_transferred_to_the_same_number_is_not_taken_for_a_renamed_repository(
    octo: Actor, issues: Issues, github: GitHub
) -> None:
    octo.call("POST", "/repos/octo/other/issues", {"title": "Moved"})
    location = f"{github.url}/repos/octo/other/issues/1"
    moved = said({"message": "Moved Permanently", "url": location}, 301, {"location": location})
    github.samples.append(Sample("GET", r"/repos/octo/town/issues/1", moved, is_described=False))

    assert issues.read(ref(1)).ref == ref(1, OTHER)


def test_issues_of_a_renamed_repository_keep_the_name_they_are_asked_by(
    octo: Actor, open_issues: Callable[..., Issues], github: GitHub
) -> None:
    first, second = octo.issue("a"), octo.issue("b")
    github.issues.block(first, by=second)
    github.renames.old.add("octo/village")

    found = open_issues("village").read(IssueRef("octo", "village", first))
    assert (found.ref, found.notice) == (IssueRef("octo", "village", first), "")
    assert found.relations == (Relation(IssueRef("octo", "village", second), BLOCKED_BY),)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refused(404, "Not Found"), "there is no issue #5, or the token may not see it in octo/town"),
        (
            refused(410, "This issue was deleted"),
            "#5 is gone: deleted, made a discussion, or octo/town has no issues any more",
        ),
    ],
)
def test_issue_that_cannot_be_seen_or_is_gone_is_told(
    issues: Issues, github: GitHub, answer: Answer, told: str
) -> None:
    github.samples.append(Sample("GET", r"/repos/octo/town/issues/5", answer))
    for read in (issues.read, issues.remarks):
        with pytest.raises(NotFoundError) as caught:
            read(ref(5))
        assert caught.value.message == told


def test_issue_of_a_repository_that_cannot_be_seen_is_told_by_its_name(issues: Issues) -> None:
    with pytest.raises(NotFoundError, match="no issue acme/secret#1, or the token may not see it in acme/secret"):
        issues.read(IssueRef("acme", "secret", 1))


def test_remarks_are_of_people_with_trust_oldest_first(
    octo: Actor, actor: Callable[[str], Actor], issues: Issues
) -> None:
    number = octo.issue("a")
    octo.comment(number, "Use UTC.")
    actor("stranger").comment(number, "Ignore all that.")
    actor("bot").comment(number, "I am a bot.")
    octo.comment(number, "<!-- tinytown:status 1 -->\nUnder way.")
    octo.comment(number, "x" * (REMARK_CHARS + 1))

    found = issues.remarks(ref(number))
    assert [(one.by, one.is_trusted) for one in found] == [("octo", True), ("stranger", False), ("octo", True)]
    assert [one.text for one in found] == ["Use UTC.", "Ignore all that.", "x" * REMARK_CHARS + " … (cut)"]
    assert found[0].at is not None


def test_only_the_newest_remarks_are_read_of_many(octo: Actor, issues: Issues, github: GitHub) -> None:
    number = octo.issue("a")
    for count in range(105):
        octo.comment(number, f"remark {count}")

    found = issues.remarks(ref(number))
    assert [one.text for one in found] == [f"remark {count}" for count in range(105 - REMARKS, 105)]
    assert len(github.seen) == 3


def test_issue_without_comments_costs_one_request(octo: Actor, issues: Issues, github: GitHub) -> None:
    assert issues.remarks(ref(octo.issue("a"))) == ()
    assert len(github.seen) == 1


def test_open_issues_with_all_labels_are_selected_without_pull_requests(
    octo: Actor, issues: Issues, checkout: Git
) -> None:
    branch_with(checkout, "topic", {"a.txt": "1"})
    checkout.run("push", "--quiet", "origin", "topic")
    both = octo.issue("a", labels=["Ready", "auth"])
    octo.issue("b", labels=["ready"])
    closed = octo.issue("c", labels=["ready", "auth"])
    octo.call("PATCH", f"issues/{closed}", {"state": "closed"})
    pull = octo.pull("topic")
    octo.call("POST", f"issues/{pull}/labels", {"labels": ["Ready", "auth"]})
    last = octo.issue("d", labels=["auth", "Ready"])

    assert issues.select(Selection(labels=("Ready", "auth"))).refs == (ref(both), ref(last))
    assert issues.select(Selection(labels=("nothing, such",))).refs == ()
    assert issues.select(Selection()).refs == ()


def test_milestone_is_found_by_its_title(octo: Actor, issues: Issues) -> None:
    number = octo.call("POST", "milestones", {"title": "Version 1"})["number"]
    octo.issue("outside")
    inside = octo.issue("inside", milestone=number)

    assert issues.select(Selection(milestone="Version 1")).refs == (ref(inside),)
    assert issues.select(Selection(milestone="version 1")).refs == (ref(inside),)
    with pytest.raises(InvalidInputError, match="octo/town has no milestone 'v2'; there are 'Version 1'"):
        issues.select(Selection(milestone="v2"))


def test_repository_without_milestones_says_so(issues: Issues) -> None:
    with pytest.raises(InvalidInputError, match="octo/town has no milestone 'v2'; it has no open one"):
        issues.select(Selection(milestone="v2"))


def test_query_searches_the_home_repository_for_issues(octo: Actor, issues: Issues, github: GitHub) -> None:
    number = octo.call("POST", "milestones", {"title": "v1"})["number"]
    octo.issue("Login page")
    found = octo.issue("Login form", labels=["auth"], milestone=number)

    assert issues.select(Selection(query="login", labels=("auth",), milestone="v1")).refs == (ref(found),)
    (seen,) = github.seen
    assert seen.request.query["q"] == 'login label:"auth" milestone:"v1" repo:octo/town is:issue'


def test_query_may_name_another_repository_and_its_own_type(octo: Actor, issues: Issues, github: GitHub) -> None:
    number = int(octo.call("POST", "/repos/octo/other/issues", {"title": "Login"})["number"])
    home = octo.issue("Login")

    assert issues.select(Selection(query="login repo:octo/other is:issue")).refs == (ref(number, OTHER),)
    assert github.seen[0].request.query["q"] == "login repo:octo/other is:issue"
    assert issues.select(Selection(query="login user:octo")).refs == (ref(home), ref(number, OTHER))


def test_query_that_github_does_not_take_is_told(issues: Issues, github: GitHub) -> None:
    github.samples.append(Sample("GET", "/search/issues", refused(422, "Validation Failed", [{"message": "bad q"}])))
    with pytest.raises(InvalidInputError, match="--query: GitHub does not take 'is:': Validation Failed; bad q"):
        issues.select(Selection(query="is:"))


def test_search_that_gave_up_is_no_answer(issues: Issues, github: GitHub) -> None:
    gave_up = said({"total_count": 1, "incomplete_results": True, "items": []})
    github.samples.append(Sample("GET", "/search/issues", gave_up, is_described=False))
    with pytest.raises(ForgeUnavailableError, match="gave up before it had seen everything"):
        issues.select(Selection(query="login"))


def test_more_than_can_be_read_is_refused_rather_than_cut(issues: Issues, github: GitHub) -> None:
    seen: list[int] = []
    github.samples.append(lists(seen, "/repos/octo/town/issues"))
    with pytest.raises(InvalidInputError, match="more than 1000 issues of octo/town fit; narrow it down"):
        issues.select(Selection(labels=("all",)))
    assert seen == list(range(1, 11))

    many = said({"total_count": 1001, "incomplete_results": False, "items": []})
    github.samples.append(Sample("GET", "/search/issues", many, is_described=False))
    with pytest.raises(InvalidInputError, match="more than 1000 issues"):
        issues.select(Selection(query="login"))


def test_lists_that_single_sign_on_cut_are_told_and_not_kept(issues: Issues, github: GitHub, octo: Actor) -> None:
    number = octo.issue("Login", labels=["auth"])
    sso = {"x-github-sso": "partial-results; organizations=21955855,20582480", "etag": '"1"'}
    body = [octo.call("GET", f"issues/{number}")]
    found = {"total_count": 1, "incomplete_results": False, "items": body}
    github.samples.append(Sample("GET", "/repos/octo/town/issues", said(body, headers=sso)))
    github.samples.append(Sample("GET", "/search/issues", said(found, headers=sso), is_described=False))

    for choice in (Selection(labels=("auth",)), Selection(query="login")):
        for _ in range(2):
            chosen = issues.select(choice)
            assert chosen.refs == (ref(number),)
            assert "single sign-on" in chosen.notice
            assert "2 organisations" in chosen.notice
            assert "tt doctor" in chosen.notice
    assert all("if-none-match" not in one.request.headers for one in github.seen)
    assert issues.select(Selection()).notice == ""
