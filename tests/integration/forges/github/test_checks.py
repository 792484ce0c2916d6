"""Looking at the checks of a head: what is asked, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime

import msgspec
import pytest
from tests.integration.forges.github.conftest import Clock, Peer
from tests.integration.forges.github.looking import (
    HEAD,
    KNOWN,
    OTHER,
    TOWN,
    R,
    asked,
    assert_described,
    check,
    checks,
    pull,
    quiet,
    statuses,
)
from tests.peers.exchange import Answer, Request, refused, said
from tests.peers.server import Server

from tinytown.domain.errors import ForgeError, ForgeUnavailableError
from tinytown.domain.pull import ChecksSeen
from tinytown.domain.workitem import Verdict
from tinytown.forges.github.checks import Checks
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.reruns import Reruns
from tinytown.forges.github.rules import Rules

LOG = "2026-01-02T03:04:05.1Z \x1b[31mE   assert 1 == 2\x1b[0m\n2026-01-02T03:04:05.2Z ##[error]Process completed\n"


@pytest.fixture(autouse=True)
def _quiet(peer: Peer) -> Iterator[None]:
    quiet(peer)
    yield
    assert_described(peer)


@pytest.fixture
def reruns(github: GitHub, clock: Clock) -> Reruns:
    return Reruns(github, TOWN, clock)


@pytest.fixture
def looking(github: GitHub, clock: Clock, reruns: Reruns) -> Checks:
    return Checks(github, TOWN, rules=Rules(github, TOWN, clock), reruns=reruns, now=clock, flaky=(r"port \d+ in use",))


@pytest.fixture
def logs(peer: Peer) -> Iterator[Server]:
    """The other host that keeps logs; it refuses requests with a token."""
    server = Server(lambda asked: refused(400, "x") if "authorization" in asked.headers else Answer(200, LOG.encode()))
    peer.on("GET", f"{R}/actions/jobs/1/logs", Answer(302, headers={"location": f"{server.url}/log?sig=x"}))
    peer.on("GET", f"{R}/actions/jobs/1", said({"id": 1, "run_id": 500, "run_attempt": 1, "steps": [
        {"name": "Checkout", "conclusion": "success"}, {"name": "Test", "conclusion": "failure"},
    ]}))  # fmt: skip
    yield server
    server.stop()


def runs(peer: Peer, *answers: Answer) -> None:
    peer.on("GET", f"{R}/commits/{HEAD}/check-runs", *answers)


def test_green_checks_pass(looking: Checks, peer: Peer) -> None:
    runs(peer, checks(check()))
    assert looking.look(7, KNOWN).verdict is Verdict.PASSED


def test_without_anything_known_the_pull_requests_own_head_is_looked_at(looking: Checks, peer: Peer) -> None:
    runs(peer, checks(check()))
    assert looking.look(7) == looking.look(7, KNOWN)


def test_second_look_at_a_quiet_head_is_one_request(looking: Checks, peer: Peer) -> None:
    runs(peer, checks(check(1, None)))
    looking.look(7, KNOWN)
    peer.asked.clear()
    looking.look(7, KNOWN)
    assert asked(peer) == [f"/commits/{HEAD}/check-runs"]


def test_nothing_passes_before_its_statuses_were_asked_for(looking: Checks, peer: Peer) -> None:
    runs(peer, checks(check(1, None)), checks(check()))
    assert looking.look(7, KNOWN).verdict is Verdict.PENDING
    peer.on("GET", f"{R}/commits/{HEAD}/status", statuses(("jenkins", "failure")))
    seen = looking.look(7, KNOWN)
    assert (seen.verdict, [run.name for run in seen.runs]) == (Verdict.FAILED, ["ci", "jenkins"])


def test_status_that_comes_after_a_pass_is_seen(looking: Checks, peer: Peer) -> None:
    runs(peer, checks(check()))
    peer.on("GET", f"{R}/commits/{HEAD}/status", statuses(), statuses(("jenkins", "failure")))
    assert [looking.look(7, KNOWN).verdict for _ in range(2)] == [Verdict.PASSED, Verdict.FAILED]


def test_statuses_are_asked_for_each_time_where_there_are_any(looking: Checks, peer: Peer) -> None:
    runs(peer, checks(check()))
    peer.on("GET", f"{R}/commits/{HEAD}/status", statuses(("jenkins", "success")), statuses(("jenkins", "failure")))
    assert [looking.look(7, KNOWN).verdict for _ in range(2)] == [Verdict.PASSED, Verdict.FAILED]


def test_statuses_without_any_are_not_githubs_pending(looking: Checks, peer: Peer, clock: Clock) -> None:
    looking.look(7, KNOWN)
    clock.advance(seconds=301)
    assert looking.look(7, KNOWN).verdict is Verdict.PASSED


def test_required_check_that_is_missing_may_be_a_status(looking: Checks, peer: Peer) -> None:
    rule = {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "jenkins"}]}}
    peer.on("GET", f"{R}/rules/branches/main", said([rule]))
    runs(peer, checks(check()))
    assert looking.look(7, KNOWN).note.startswith("waits for the required check jenkins")
    peer.on("GET", f"{R}/commits/{HEAD}/status", statuses(("jenkins", "success")))
    assert looking.look(7, KNOWN).verdict is Verdict.PASSED


def test_no_checks_wait_for_the_grace_time_since_the_head_was_handed_in(
    looking: Checks, peer: Peer, clock: Clock
) -> None:
    known = msgspec.structs.replace(KNOWN, since=clock.now)
    clock.advance(seconds=100)
    assert looking.look(7, known).again_secs == 200


def test_commit_that_github_does_not_have_yet_is_pending_and_asked_for_soon(
    looking: Checks, peer: Peer, clock: Clock
) -> None:
    runs(peer, refused(422, f"No commit found for SHA: {HEAD}"))
    seen = []
    for _ in range(3):
        seen.append(looking.look(7, KNOWN))
        clock.advance(seconds=60)
    assert [one.verdict for one in seen] == [Verdict.PENDING] * 3
    assert [one.again_secs for one in seen] == [5, 15, 60]
    assert seen[0].note == f"GitHub does not have the commit {HEAD[:10]} yet"


def test_refusal_is_no_lag(looking: Checks, peer: Peer) -> None:
    runs(peer, refused(403, "Resource not accessible by personal access token"))
    with pytest.raises(ForgeError, match="Resource not accessible"):
        looking.look(7, KNOWN)


def test_failure_carries_steps_annotations_and_the_end_of_the_log(looking: Checks, peer: Peer, logs: Server) -> None:
    runs(peer, checks(check(1, "failure", annotations=3)))
    notice = {"path": "b.py", "start_line": 1, "annotation_level": "notice", "message": "slow", "title": None}
    boom = {"path": "a.py", "start_line": 3, "annotation_level": "failure", "message": "boom", "title": "E1"}
    peer.on("GET", f"{R}/check-runs/1/annotations", said([notice, boom]))
    seen = looking.look(7, KNOWN)
    assert seen.verdict is Verdict.FAILED
    assert seen.runs[0].output == (
        "Failed steps: Test\n\na.py:3: failure: E1: boom\nb.py:1: notice: slow\n(1 more annotations)\n\n"
        "The end of its log:\nE   assert 1 == 2\n##[error]Process completed"
    )
    assert seen.runs[0].link == "https://github.com/octo/town/actions/runs/500/job/1"


def test_what_a_failed_check_said_is_read_once(looking: Checks, peer: Peer, logs: Server) -> None:
    runs(peer, checks(check(1, "failure")))
    first = looking.look(7, KNOWN)
    peer.asked.clear()
    assert looking.look(7, KNOWN) == first
    assert asked(peer) == [f"/commits/{HEAD}/check-runs"]


def test_failure_waits_for_its_log_until_the_workflow_run_ends(
    looking: Checks, peer: Peer, clock: Clock, logs: Server
) -> None:
    redirect = Answer(302, headers={"location": f"{logs.url}/log"})
    peer.on("GET", f"{R}/actions/jobs/1/logs", refused(404, "Not Found"), refused(404, "Not Found"), redirect)
    runs(peer, checks(check(1, "failure"), check(2, None, name="slow")))
    assert looking.look(7, KNOWN).note == "ci failed; its log is not there yet"
    clock.advance(seconds=300)
    assert looking.look(7, KNOWN).verdict is Verdict.PENDING
    seen = looking.look(7, KNOWN)
    assert (seen.verdict, "assert 1 == 2" in seen.runs[0].output) == (Verdict.FAILED, True)


def test_log_that_never_comes_is_waited_for_some_seconds_after_the_end(
    looking: Checks, peer: Peer, clock: Clock
) -> None:
    runs(peer, checks(check(1, "failure")))
    assert looking.look(7, KNOWN).verdict is Verdict.PENDING
    clock.advance(seconds=10)
    assert looking.look(7, KNOWN).verdict is Verdict.FAILED


@pytest.mark.parametrize("answer", [refused(410, "Gone"), refused(403, "Must have admin rights to Repository.")])
def test_log_that_may_not_be_read_is_left_out(looking: Checks, peer: Peer, answer: Answer) -> None:
    peer.on("GET", f"{R}/actions/jobs/1/logs", answer)
    runs(peer, checks(check(1, "failure")))
    assert looking.look(7, KNOWN).verdict is Verdict.FAILED


def test_outage_while_a_log_is_read_is_an_outage(looking: Checks, peer: Peer) -> None:
    peer.on("GET", f"{R}/actions/jobs/1/logs", refused(502, "bad"))
    runs(peer, checks(check(1, "failure")))
    with pytest.raises(ForgeUnavailableError):
        looking.look(7, KNOWN)


def test_failure_of_another_app_carries_its_own_summary(looking: Checks, peer: Peer) -> None:
    run = check(1, "failure", app={"id": 9, "slug": "circle"})
    run["output"] |= {"title": "2 broken", "summary": "see **here**", "text": "details"}
    runs(peer, checks(run))
    seen = looking.look(7, KNOWN).runs[0]
    assert (seen.summary, seen.output) == ("failure: 2 broken", "see **here**\n\ndetails")
    assert "/actions/jobs/1" not in asked(peer)


def test_configured_pattern_in_the_log_makes_a_failure_worth_a_rerun(looking: Checks, peer: Peer) -> None:
    run = check(1, "failure", app=None)
    run["output"]["summary"] = "listen: port 8080 in use"
    runs(peer, checks(run))
    assert looking.look(7, KNOWN).is_worth_rerun


def test_attempt_of_the_job_bounds_the_reruns(looking: Checks, peer: Peer) -> None:
    peer.on("GET", f"{R}/actions/jobs/1", said({"id": 1, "run_id": 500, "run_attempt": 3, "steps": []}))
    runs(peer, checks(check(1, "cancelled")))
    assert looking.look(7, KNOWN).trouble == "check ci: it ended as cancelled 3 times"


def test_runs_of_all_pages_count(looking: Checks, peer: Peer) -> None:
    more = {"link": f'<{peer.url}{R}/commits/{HEAD}/check-runs?filter=latest&per_page=100&page=2>; rel="next"'}
    first = checks(check(1))
    runs(
        peer,
        msgspec.structs.replace(first, headers=dict(first.headers) | more),
        checks(check(2, None, name="slow")),
    )
    assert looking.look(7, KNOWN).verdict is Verdict.PENDING


def endless(peer: Peer, path: str, answer: Answer) -> Answer:
    """A page of that list that is never the last."""
    pages = iter(range(2, 1000))

    def page(_: Request) -> Answer:
        more = {"link": f'<{peer.url}{path}?per_page=100&page={next(pages)}>; rel="next"'}
        return msgspec.structs.replace(answer, headers=dict(answer.headers) | more)

    peer.on("GET", path, page)
    return answer


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (f"{R}/commits/{HEAD}/check-runs", checks(check())),
        (f"{R}/commits/{HEAD}/status", statuses(("jenkins", "success"))),
    ],
)
def test_list_that_is_too_long_does_not_pass_but_is_for_a_person(
    looking: Checks, peer: Peer, path: str, answer: Answer
) -> None:
    rule = {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "ci"}]}}
    peer.on("GET", f"{R}/rules/branches/main", said([rule]))
    runs(peer, checks(check()))
    endless(peer, path, answer)
    seen = looking.look(7, KNOWN)
    assert seen.verdict is Verdict.UNKNOWN
    assert "there are more than could be read" in seen.trouble


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_how_long_ago_a_check_ended_is_told_by_githubs_clock(
    looking: Checks, peer: Peer, clock: Clock, ahead: float
) -> None:
    there = clock.now + timedelta(seconds=ahead)
    known = msgspec.structs.replace(KNOWN, since=clock.now)

    def at(secs: float) -> Answer:
        ended = checks(check(ended=there.isoformat()))
        date = format_datetime(there + timedelta(seconds=secs), usegmt=True)
        return msgspec.structs.replace(ended, headers=dict(ended.headers) | {"date": date})

    runs(peer, at(10), at(31))
    first, second = looking.look(7, known), looking.look(7, known)
    assert (first.verdict, first.again_secs) == (Verdict.PENDING, 20)
    assert second.verdict is Verdict.PASSED


def seen_after_rerun(looking: Checks) -> ChecksSeen:
    looking.again(7, KNOWN)
    return looking.look(7, KNOWN)


def test_only_what_gates_is_run_again(looking: Checks, peer: Peer) -> None:
    rule = {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "ci"}]}}
    peer.on("GET", f"{R}/rules/branches/main", said([rule]))
    runs(peer, checks(check(1, "failure"), check(2, "failure", name="deploy", suite=6)))
    peer.on("POST", f"{R}/actions/runs/500/rerun-failed-jobs", said({}, 201))
    peer.on("POST", f"{R}/actions/runs/600/rerun-failed-jobs", said({}, 201))
    looking.again(7, KNOWN)
    assert [path for path in asked(peer) if "rerun" in path] == ["/actions/runs/500/rerun-failed-jobs"]


def test_known_head_is_run_again_though_github_lags(looking: Checks, peer: Peer) -> None:
    peer.on("GET", f"{R}/commits/{OTHER}/check-runs", checks(check(1, "failure")))
    runs(peer, checks(check(2, "failure", suite=6)))
    peer.on("POST", f"{R}/actions/runs/500/rerun-failed-jobs", said({}, 201))
    looking.again(7, msgspec.structs.replace(KNOWN, head=OTHER))
    assert peer.count("POST") == 1


def test_failed_jobs_are_run_again_by_their_workflow_run(looking: Checks, peer: Peer) -> None:
    runs(peer, checks(check(1, "failure"), check(2, "cancelled", name="b"), check(3, name="c")))
    peer.on("POST", f"{R}/actions/runs/500/rerun-failed-jobs", said({}, 201))
    seen = seen_after_rerun(looking)
    assert [request.path for request in peer.asked if request.method == "POST"] == [
        f"{R}/actions/runs/500/rerun-failed-jobs"
    ]
    assert seen.verdict is Verdict.PENDING


def test_old_result_counts_again_when_no_new_run_came(looking: Checks, peer: Peer, clock: Clock) -> None:
    runs(peer, checks(check(1, "failure", app={"id": 9, "slug": "circle"})))
    peer.on("POST", f"{R}/check-runs/1/rerequest", said({}, 201))
    assert seen_after_rerun(looking).verdict is Verdict.PENDING
    clock.advance(seconds=301)
    assert looking.look(7, KNOWN).verdict is Verdict.FAILED


def test_rerun_is_not_asked_for_twice(looking: Checks, peer: Peer) -> None:
    runs(peer, checks(check(1, "failure")))
    peer.on("POST", f"{R}/actions/runs/500/rerun-failed-jobs", said({}, 201))
    looking.again(7)
    looking.again(7)
    assert peer.count("POST") == 1


@pytest.mark.parametrize(
    "listed",
    [
        (check(1),),
        (check(1, None),),
        (check(1, "failure"), check(2, None, name="b")),
        (check(1, "action_required"),),
    ],
)
def test_what_is_under_way_or_well_is_left_alone(looking: Checks, peer: Peer, listed: tuple[dict[str, object]]) -> None:
    runs(peer, checks(*listed))
    looking.again(7)
    assert peer.count("POST") == 0


def test_pull_request_that_is_not_open_is_left_alone(looking: Checks, peer: Peer) -> None:
    peer.on("GET", f"{R}/pulls/7", pull(state="closed"))
    runs(peer, checks(check(1, "failure")))
    looking.again(7)
    assert peer.count("POST") == 0


def test_rerun_that_is_under_way_already_is_done(looking: Checks, peer: Peer) -> None:
    runs(peer, checks(check(1, "failure")))
    peer.on("POST", f"{R}/actions/runs/500/rerun-failed-jobs", refused(403, "This workflow is already running"))
    assert seen_after_rerun(looking).verdict is Verdict.PENDING


def test_rerun_that_is_refused_names_the_check_and_its_link(looking: Checks, peer: Peer) -> None:
    runs(peer, checks(check(1, "failure")))
    peer.on("POST", f"{R}/actions/runs/500/rerun-failed-jobs", refused(403, "Unable to retry: it is over a month old"))
    with pytest.raises(ForgeError, match=r"by hand: ci \(https://.*/job/1\); .*over a month old"):
        looking.again(7)


def test_job_without_a_usual_link_is_run_again_by_asking_for_its_run(looking: Checks, peer: Peer) -> None:
    run = check(1, "failure") | {"details_url": None, "html_url": None}
    runs(peer, checks(run))
    peer.on("GET", f"{R}/actions/jobs/1", said({"id": 1, "run_id": 42}))
    peer.on("POST", f"{R}/actions/runs/42/rerun-failed-jobs", said({}, 201))
    looking.again(7)
    assert peer.count("POST") == 1


def test_new_attempt_replaces_the_old_result(looking: Checks, peer: Peer, clock: Clock) -> None:
    peer.on("POST", f"{R}/actions/runs/500/rerun-failed-jobs", said({}, 201))
    runs(peer, checks(check(1, "failure")))
    looking.again(7)
    runs(peer, checks(check(9)))
    assert looking.look(7, KNOWN).verdict is Verdict.PASSED


def test_head_that_is_not_named_by_the_branch_is_the_one_asked_about(looking: Checks, peer: Peer) -> None:
    known = msgspec.structs.replace(KNOWN, head=OTHER)
    peer.on("GET", f"{R}/commits/{OTHER}/check-runs", checks(check()))
    peer.on("GET", f"{R}/commits/{OTHER}/status", statuses())
    assert looking.look(7, known).head == OTHER


Make = Callable[..., GitHub]


def test_quiet_look_of_another_process_is_not_charged(
    open_github: Make, peer: Peer, clock: Clock, looking: Checks
) -> None:
    tagged = checks(check())
    answer = msgspec.structs.replace(tagged, headers=dict(tagged.headers) | {"etag": 'W/"1"'})
    runs(peer, answer, Answer(304, headers={"etag": 'W/"1"'}))
    first = looking.look(7, KNOWN)
    client = open_github()
    again = Checks(client, TOWN, rules=Rules(client, TOWN, clock), reruns=Reruns(client, TOWN, clock), now=clock).look(
        7, KNOWN
    )
    assert again == first
    assert [request.headers["if-none-match"] for request in peer.asked if "if-none-match" in request.headers] == [
        'W/"1"'
    ]
