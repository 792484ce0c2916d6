"""What the tests' GitHub says beyond emulate, and what goes wrong on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx2
import pytest
from gidgethub.apps import get_jwt
from tests.peers.actor import Actor
from tests.peers.emulate import APP_ID, INSTALLATION_ID
from tests.peers.exchange import CUT, Answer, Request, refused, said
from tests.peers.github import GitHub
from tests.peers.samples import Sample
from tests.repositories import branch_with

from tinytown.repository.git import Git

ROOT = "/repos/octo/town"


@pytest.fixture
def client(github: GitHub) -> Iterator[httpx2.Client]:
    """What is under test: its requests are counted and checked."""
    headers = {"authorization": "Bearer tok-octo"}
    with httpx2.Client(base_url=github.url, headers=headers, verify=False, timeout=5) as opened:
        yield opened


@pytest.fixture
def head(github: GitHub, checkout: Git) -> str:
    """The commit of branch tt/1, pushed."""
    sha = branch_with(checkout, "tt/1", {"one.txt": "1\n2\n3\n"})
    checkout.run("push", "--quiet", "origin", "tt/1")
    return sha


def test_what_did_not_change_is_304_and_free(github: GitHub, client: httpx2.Client, octo: Actor) -> None:
    number = octo.issue("First")
    first = client.get(f"{ROOT}/issues/{number}")
    again = {"if-none-match": first.headers["etag"]}
    second = client.get(f"{ROOT}/issues/{number}", headers=again)
    octo.comment(number, "news")
    octo.call("PATCH", f"issues/{number}", {"title": "Other"})
    third = client.get(f"{ROOT}/issues/{number}", headers=again)

    assert [one.status_code for one in (first, second, third)] == [200, 304, 200]
    assert (second.content, third.json()["title"]) == (b"", "Other")
    assert first.headers["x-ratelimit-remaining"] == second.headers["x-ratelimit-remaining"]
    assert (github.count(status=200), github.count(status=304), github.count()) == (2, 1, 3)


@pytest.mark.parametrize(
    ("method", "path", "body", "fault"),
    [
        ("GET", f"{ROOT}/isues/1", None, f"there is no operation GET {ROOT}/isues/1"),
        ("GET", f"{ROOT}/pulls?sate=all", None, "GET /repos/{owner}/{repo}/pulls has no query ['sate']"),
        ("GET", f"{ROOT}/pulls?state=any", None, "state=any is none of ['open', 'closed', 'all']"),
        ("PATCH", f"{ROOT}/issues/1", {"sate": "closed"}, "takes no ['sate']"),
        ("POST", f"{ROOT}/pulls", {"head": "tt/1"}, "'base' is a required property"),
    ],
)
def test_a_request_that_github_does_not_describe_is_a_fault(
    github: GitHub, client: httpx2.Client, method: str, path: str, body: object, fault: str
) -> None:
    client.request(method, path, json=body)

    assert len(github.faults) == 1
    assert fault in github.faults.pop()


def test_an_answer_that_github_does_not_describe_is_a_fault(github: GitHub, client: httpx2.Client) -> None:
    github.samples.append(Sample("GET", rf"{ROOT}/commits/\w+/status", said({"state": "fine"})))

    assert client.get(f"{ROOT}/commits/main/status").json() == {"state": "fine"}
    assert "an answer that GitHub does not give" in github.faults.pop()


def test_a_test_can_make_calls_fail(github: GitHub, client: httpx2.Client, octo: Actor) -> None:
    number = octo.issue("First")
    path = f"{ROOT}/issues/{number}"
    late = refused(503, "later", headers={"retry-after": "7"})
    github.samples += [Sample("GET", path, late, times=1), Sample("GET", path, CUT, times=1)]
    github.samples.append(Sample("GET", path, Answer(200, b"half of it", cut_after=4), times=1))
    github.samples.append(Sample("GET", path, Answer(200, b"{}", wait_secs=30), times=1, is_described=False))

    refusal = client.get(path)
    assert (refusal.status_code, refusal.headers["retry-after"]) == (503, "7")
    for _ in range(2):
        with pytest.raises(httpx2.RemoteProtocolError):
            client.get(path)
    with pytest.raises(httpx2.ReadTimeout):
        client.get(path, timeout=0.1)
    assert client.get(path).json()["title"] == "First"


def test_a_call_can_take_effect_although_its_answer_is_lost(github: GitHub, client: httpx2.Client, octo: Actor) -> None:
    number = octo.issue("First")
    lost = Sample("PATCH", f"{ROOT}/issues/{number}", CUT, times=1, takes_effect=True)
    github.samples.append(lost)

    with pytest.raises(httpx2.RemoteProtocolError):
        client.patch(f"{ROOT}/issues/{number}", json={"state": "closed"})

    assert (lost.used, octo.call("GET", f"issues/{number}")["state"]) == (1, "closed")


def test_relations_of_issues(github: GitHub, client: httpx2.Client, octo: Actor) -> None:
    whole, part, blocker = (octo.issue(title) for title in ("Whole", "Part", "Blocker"))
    github.issues.add_part(whole, part)
    github.issues.block(whole, by=blocker)
    octo.call("PATCH", f"issues/{blocker}", {"state": "closed"})
    issue = client.get(f"{ROOT}/issues/{whole}").json()

    assert issue["sub_issues_summary"] == {"total": 1, "completed": 0, "percent_completed": 0}
    assert issue["issue_dependencies_summary"]["blocked_by"] == 0
    assert issue["issue_dependencies_summary"]["total_blocked_by"] == 1
    assert [one["number"] for one in client.get(f"{ROOT}/issues/{whole}/sub_issues").json()] == [part]
    blockers = client.get(f"{ROOT}/issues/{whole}/dependencies/blocked_by").json()
    assert [(one["number"], one["state"]) for one in blockers] == [(blocker, "closed")]
    assert client.get(f"{ROOT}/issues/{part}/parent").json()["number"] == whole
    assert client.get(f"{ROOT}/issues/{blocker}/dependencies/blocking").json()[0]["title"] == "Whole"


def test_pull_requests_are_among_the_issues(github: GitHub, client: httpx2.Client, octo: Actor, head: str) -> None:
    octo.issue("First")
    number = octo.pull("tt/1")

    listed = client.get(f"{ROOT}/issues").json()

    assert {one["number"]: "pull_request" in one for one in listed} == {1: False, number: True}
    assert client.get(f"{ROOT}/issues/{number}").json()["pull_request"]["merged_at"] is None
    found = client.get("/search/issues", params={"q": "repo:octo/town is:pr"}).json()["items"]
    assert [one["pull_request"]["url"] for one in found] == [f"{github.url}{ROOT}/pulls/{number}"]


def test_statuses_and_rules(github: GitHub, client: httpx2.Client, octo: Actor, head: str) -> None:
    none = client.get(f"{ROOT}/commits/{head}/status").json()
    github.rules.require("main", "lint")
    number = octo.pull("tt/1")
    states = [client.get(f"{ROOT}/pulls/{number}").json()["mergeable_state"]]
    github.statuses.set(head, "lint", "success")
    states.append(client.get(f"{ROOT}/pulls/{number}").json()["mergeable_state"])
    octo.check(head, "failure", name="nice to have")
    states.append(client.get(f"{ROOT}/pulls/{number}").json()["mergeable_state"])

    assert (none["state"], none["total_count"]) == ("pending", 0)
    assert client.get(f"{ROOT}/commits/tt%2F1/status").json()["state"] == "success"
    assert states == ["blocked", "clean", "unstable"]
    rules = client.get(f"{ROOT}/rules/branches/main").json()
    assert rules[0]["parameters"]["required_status_checks"] == [{"context": "lint"}]
    assert client.get(f"{ROOT}/branches/main/protection").json()["message"] == "Branch not protected"


def test_a_test_says_when_mergeability_is_not_known_yet(
    github: GitHub, client: httpx2.Client, octo: Actor, head: str
) -> None:
    number = octo.pull("tt/1")
    github.gate.says[number] = [(None, "unknown")]
    seen = [client.get(f"{ROOT}/pulls/{number}").json() for _ in range(2)]

    assert [(one["mergeable"], one["mergeable_state"]) for one in seen] == [(None, "unknown"), (True, "clean")]


def test_a_job_has_a_log_at_another_host_and_can_run_again(
    github: GitHub, client: httpx2.Client, octo: Actor, head: str
) -> None:
    note = {"path": "one.txt", "start_line": 3, "end_line": 3, "annotation_level": "failure", "message": "boom"}
    octo.check(head, "failure", annotations=[note])
    github.jobs.logs["ci"] = "##[error]boom\n"
    run = client.get(f"{ROOT}/commits/{head}/check-runs").json()["check_runs"][0]
    job = client.get(f"{ROOT}/actions/jobs/{run['id']}").json()
    place = client.get(f"{ROOT}/actions/jobs/{run['id']}/logs")

    assert run["app"]["slug"] == "github-actions"
    assert client.get(f"{ROOT}/check-runs/{run['id']}/annotations").json()[0]["message"] == "boom"
    assert (place.status_code, place.headers["location"].startswith(github.url)) == (302, False)
    assert httpx2.get(place.headers["location"], verify=False).text == "##[error]boom\n"
    assert client.get(place.headers["location"]).status_code == 400
    again = f"actions/runs/{job['run_id']}/rerun-failed-jobs"
    assert client.post(f"{ROOT}/{again}").status_code == 201
    latest = client.get(f"{ROOT}/commits/{head}/check-runs", params={"filter": "latest"}).json()["check_runs"]
    assert [(one["name"], one["status"]) for one in latest] == [("ci", "queued")]
    assert client.get(f"{ROOT}/actions/jobs/{latest[0]['id']}").json()["run_attempt"] == 2
    assert client.post(f"{ROOT}/{again}").status_code == 403
    assert github.jobs.reruns == [again, again]


THREADS = """
query($o: String!, $r: String!, $n: Int!, $after: String) { repository(owner: $o, name: $r) { pullRequest(number: $n) {
  headRefOid reviewDecision reviewThreads(first: 100, after: $after) { pageInfo { hasNextPage endCursor }
  nodes { id isResolved isOutdated path line comments(last: 50) { totalCount nodes {
    databaseId author { login __typename } authorAssociation body createdAt url } } } } } } }
"""


def test_threads_are_made_of_review_comments(
    github: GitHub, client: httpx2.Client, octo: Actor, actor: Callable[[str], Actor], head: str
) -> None:
    number = octo.pull("tt/1")
    actor("bot").review(number, "COMMENT", "two things", on=[("one.txt", 2, "why?"), ("one.txt", 3, "how?")])
    first, second = (one["id"] for one in client.get(f"{ROOT}/pulls/{number}/comments").json())
    client.post(f"{ROOT}/pulls/{number}/comments/{first}/replies", json={"body": "Because."})
    github.threads.resolved.add(first)
    github.threads.outdated.add(second)
    asked = {"query": THREADS, "variables": {"o": "octo", "r": "town", "n": number, "after": None}}
    pull = client.post("/graphql", json=asked).json()["data"]["repository"]["pullRequest"]
    threads = pull["reviewThreads"]["nodes"]

    assert pull["headRefOid"] == head
    assert [(one["isResolved"], one["isOutdated"], one["line"]) for one in threads] == [
        (True, False, 2),
        (False, True, None),
    ]
    assert [one["body"] for one in threads[0]["comments"]["nodes"]] == ["why?", "Because."]
    assert threads[1]["comments"]["nodes"][0]["author"] == {"login": "cursor", "__typename": "Bot"}
    assert client.get(f"{ROOT}/pulls/{number}/comments").json()[1]["line"] is None
    unknown = client.post("/graphql", json={"query": "{ viewer { age } }"}).json()
    assert unknown["errors"][0]["type"] == "undefinedField"


def test_the_merge_queue_takes_what_may_not_be_merged_directly(
    github: GitHub, client: httpx2.Client, octo: Actor, head: str
) -> None:
    github.rules.queue("main")
    number = octo.pull("tt/1")
    pull = client.get(f"{ROOT}/pulls/{number}").json()
    refusal = client.put(f"{ROOT}/pulls/{number}/merge", json={"sha": head})
    enter = "mutation($i: EnqueuePullRequestInput!) { enqueuePullRequest(input: $i) { mergeQueueEntry { position } } }"
    asked = {"query": enter, "variables": {"i": {"pullRequestId": pull["node_id"], "expectedHeadOid": head}}}
    entered = client.post("/graphql", json=asked).json()

    assert (refusal.status_code, refusal.json()["message"]) == (405, "Changes must be made through the merge queue")
    assert entered["data"] == {"enqueuePullRequest": {"mergeQueueEntry": {"position": 1}}}
    assert github.graphql.queue == [number]
    github.merge_queued()
    assert client.get(f"{ROOT}/pulls/{number}").json()["merged"] is True
    assert github.bare.contains("main", head)


def test_a_renamed_repository_redirects(github: GitHub, client: httpx2.Client, octo: Actor) -> None:
    number = octo.issue("First")
    github.renames.old.add("octo/village")
    read = client.get(f"/repos/octo/village/issues/{number}")
    written = client.patch(f"/repos/octo/village/issues/{number}", json={"state": "closed"})

    assert (read.status_code, written.status_code) == (301, 307)
    assert read.headers["location"] == written.headers["location"]
    assert client.get(read.headers["location"]).json()["title"] == "First"


def test_tokens_and_quota(github: GitHub, client: httpx2.Client) -> None:
    assert client.get("/user").headers["x-oauth-scopes"] == "repo, workflow"
    wrong = client.get("/user", headers={"authorization": "Bearer other"})
    assert (wrong.status_code, wrong.json()["message"]) == (401, "Bad credentials")
    github.quota.limits["core"] = 2
    assert client.get("/user").headers["x-ratelimit-remaining"] == "0"
    refusal = client.get("/user")
    assert (refusal.status_code, refusal.headers["x-ratelimit-remaining"]) == (403, "0")
    assert client.get("/rate_limit").json()["resources"]["core"]["remaining"] == 0


def test_nobody_approves_his_own_pull_request(github: GitHub, octo: Actor, rev: Actor, head: str) -> None:
    number = octo.pull("tt/1")
    own = octo.ask("POST", f"pulls/{number}/reviews", {"event": "APPROVE"})
    rev.review(number, "APPROVE")

    assert own.status_code == 422
    assert own.json()["errors"] == ["Can not approve your own pull request"]
    reviews = octo.call("GET", f"pulls/{number}/reviews")
    assert [(one["user"]["login"], one["state"], one["author_association"]) for one in reviews] == [
        ("rev", "APPROVED", "COLLABORATOR")
    ]


def test_an_unexpected_request_of_a_sample_is_passed_on(github: GitHub, client: httpx2.Client) -> None:
    def never(_: Request) -> Answer | None:
        return None

    github.samples.append(Sample("GET", "/user", never))
    assert client.get("/user").json()["login"] == "octo"


def test_a_thread_moves_with_its_line_until_that_is_changed(
    github: GitHub, client: httpx2.Client, checkout: Git, octo: Actor, rev: Actor, head: str
) -> None:
    number = octo.pull("tt/1")
    rev.review(number, "REQUEST_CHANGES", on=[("one.txt", 3, "why?")])
    seen = []
    for text in ("1\n2\n3\n", "0\n1\n2\n3\n", "0\n1\n2\nfour\n"):
        branch_with(checkout, "tt/1", {"one.txt": text})
        checkout.run("push", "--quiet", "origin", "tt/1")
        seen.append(client.get(f"{ROOT}/pulls/{number}/comments").json()[0])

    assert [(one["line"], one["original_line"]) for one in seen] == [(3, 3), (4, 3), (None, 3)]
    assert "in_reply_to_id" not in seen[0]


def test_an_app_has_tokens_of_its_installation(github: GitHub, client: httpx2.Client) -> None:
    claim = get_jwt(app_id=str(APP_ID), private_key=github.emulate.app_key)
    as_app = {"authorization": f"Bearer {claim}"}
    installation = client.get(f"{ROOT}/installation", headers=as_app).json()["id"]
    made = client.post(f"/app/installations/{installation}/access_tokens", headers=as_app)
    token = made.json()["token"]
    issue = client.post(f"{ROOT}/issues", json={"title": "x"}, headers={"authorization": f"Bearer {token}"})

    assert (installation, made.status_code, token[:4]) == (INSTALLATION_ID, 201, "ghs_")
    assert issue.json()["user"]["login"] == "tinytown[bot]"


def test_who_may_do_what(github: GitHub, client: httpx2.Client, octo: Actor, head: str) -> None:
    number = octo.pull("tt/1")
    octo.call("POST", f"pulls/{number}/requested_reviewers", {"reviewers": ["rev"]})
    said = [client.get(f"{ROOT}/collaborators/{login}/permission").json() for login in ("octo", "rev", "stranger")]
    asked = client.get(f"{ROOT}/pulls/{number}/requested_reviewers").json()

    assert [one["permission"] for one in said] == ["admin", "write", "read"]
    assert [one["login"] for one in asked["users"]] == ["rev"]


def test_branches_that_a_merge_removes_take_stacked_pull_requests_to_their_base(
    github: GitHub, checkout: Git, octo: Actor, head: str
) -> None:
    branch_with(checkout, "tt/2", {"two.txt": "2\n"}, start="tt/1")
    checkout.run("push", "--quiet", "origin", "tt/2")
    below, above = octo.pull("tt/1"), octo.pull("tt/2", base="tt/1")
    octo.call("PATCH", "", {"delete_branch_on_merge": True})
    octo.call("PUT", f"pulls/{below}/merge", {})
    pull = octo.call("GET", f"pulls/{above}")

    assert (pull["state"], pull["base"]["ref"], pull["mergeable_state"]) == ("open", "main", "clean")
    assert github.bare.branches().keys() == {"main", "tt/2"}
