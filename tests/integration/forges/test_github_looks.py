"""Looking at a pull request of emulate's, which nobody here wrote: checks, reviews, bots, mergeability."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.peers.actor import Actor
from tests.peers.github import GitHub
from tests.repositories import branch_with

from tinytown.domain.pull import Known
from tinytown.domain.workitem import Verdict
from tinytown.forges.github import client
from tinytown.forges.github.address import Repository
from tinytown.forges.github.bots import Bots
from tinytown.forges.github.checks import Checks
from tinytown.forges.github.mergeability import Mergeability
from tinytown.forges.github.opening import open_client
from tinytown.forges.github.people import People
from tinytown.forges.github.reruns import Reruns
from tinytown.forges.github.rules import Rules
from tinytown.forges.github.threads import Threads
from tinytown.forges.github.trust import Trust
from tinytown.forges.github.writers import Writers
from tinytown.repository.git import Git
from tinytown.store.keys import Keys

TOWN = Repository(host="github.com", owner="octo", name="town")


def later() -> datetime:
    """The clock of a look, a minute after the test's doings: what has just ended has settled."""
    return datetime.now(UTC) + timedelta(minutes=1)


class Looks:
    """All looks at one pull request."""

    def __init__(self, asks: client.GitHub, number: int, known: Known) -> None:
        rules, threads = Rules(asks, TOWN, later), Threads(asks, TOWN, later)
        self.number = number
        self.known = known
        self.reruns = Reruns(asks, TOWN, later)
        self.checks = Checks(asks, TOWN, rules=rules, reruns=self.reruns, now=later)
        self.people = People(
            asks, TOWN, threads=threads, writers=Writers(asks, TOWN, later), trust=Trust(), me=lambda: "octo"
        )
        self.bots = Bots(asks, TOWN, threads=threads, me=lambda: "octo")
        self.mergeability = Mergeability(asks, TOWN, rules=rules)


@pytest.fixture
def looks(github: GitHub, checkout: Git, octo: Actor, keys: Keys) -> Iterator[Looks]:
    head = branch_with(checkout, "tt/1", {"a.py": "one\n"})
    checkout.run("push", "--quiet", "origin", "tt/1")
    number = octo.pull("tt/1")
    asks = open_client(
        api_url=github.url,
        repository=TOWN,
        environ={"GITHUB_TOKEN": "tok-octo"},
        app=None,
        connect=None,
        town=keys,
        clock=lambda: datetime.now(UTC),
    )
    yield Looks(asks, number, Known(head=head, branch="tt/1", base="main", since=datetime.now(UTC)))
    asks.close()


def test_failed_check_tells_everything_and_is_run_again(github: GitHub, octo: Actor, looks: Looks) -> None:
    github.jobs.logs["ci"] = "2026-01-02T03:04:05Z boom\n2026-01-02T03:04:05Z ##[error]Process completed\n"
    github.jobs.steps["ci"] = [{"name": "Test", "status": "completed", "conclusion": "failure", "number": 1}]
    annotation = {
        "path": "a.py", "start_line": 3, "end_line": 3, "annotation_level": "failure", "message": "no such name",
    }  # fmt: skip
    octo.check(looks.known.head, "failure", annotations=[annotation])
    seen = looks.checks.look(looks.number, looks.known)
    assert seen.verdict is Verdict.FAILED
    told = (
        "Failed steps: Test\n\na.py:3: failure: no such name\n\nThe end of its log:\nboom\n##[error]Process completed"
    )
    assert seen.runs[0].output == told
    looks.checks.again(looks.number, looks.known)
    assert looks.checks.look(looks.number, looks.known).verdict is Verdict.PENDING
    assert len(github.jobs.reruns) == 1


def test_checks_statuses_and_rules_decide_together(github: GitHub, octo: Actor, looks: Looks) -> None:
    github.rules.require("main", "ci", "jenkins")
    octo.check(looks.known.head, "success")
    seen = looks.checks.look(looks.number, looks.known)
    assert (seen.verdict, seen.note) == (Verdict.PENDING, "waits for the required check jenkins")
    github.statuses.set(looks.known.head, "jenkins", "success")
    assert looks.checks.look(looks.number, looks.known).verdict is Verdict.PASSED


def test_commit_that_was_not_pushed_is_waited_for(looks: Looks) -> None:
    unpushed = Known(head="1" * 40, branch="tt/1", base="main", since=later())
    seen = looks.checks.look(looks.number, unpushed)
    assert (seen.verdict, seen.again_secs) == (Verdict.PENDING, 5)


def test_review_asks_for_changes_and_then_approves(github: GitHub, rev: Actor, looks: Looks) -> None:
    assert looks.people.look(looks.number, looks.known).verdict is Verdict.UNKNOWN
    rev.review(looks.number, "REQUEST_CHANGES", "too slow", on=[("a.py", 1, "cache this")])
    seen = looks.people.look(looks.number, looks.known)
    assert (seen.verdict, seen.by) == (Verdict.FAILED, "rev")
    assert ["too slow" in one.text for one in seen.findings] == [True, False]
    assert "@rev on a.py:1 (" in seen.findings[1].text
    github.threads.resolved.add(int(seen.findings[1].id.removeprefix("comment:")))
    rev.review(looks.number, "APPROVE")
    assert looks.people.look(looks.number, looks.known).verdict is Verdict.PASSED


def test_approval_of_a_stranger_decides_nothing(actor: Callable[[str], Actor], looks: Looks) -> None:
    actor("stranger").review(looks.number, "APPROVE")
    seen = looks.people.look(looks.number, looks.known)
    assert (seen.verdict, seen.note) == (Verdict.UNKNOWN, "left alone, as they may not write here: stranger")


def test_bots_thread_is_a_finding_until_it_is_outdated(
    github: GitHub, actor: Callable[[str], Actor], looks: Looks
) -> None:
    actor("bot").review(looks.number, "COMMENT", "Bugbot found 1 issue", on=[("a.py", 1, "null here")])
    seen = looks.bots.look(looks.number, looks.known)
    assert (seen.verdict, len(seen.findings)) == (Verdict.FAILED, 1)
    assert looks.people.look(looks.number, looks.known).verdict is Verdict.UNKNOWN
    github.threads.outdated.add(int(seen.findings[0].id.removeprefix("comment:")))
    assert looks.bots.look(looks.number, looks.known).verdict is Verdict.PASSED


def test_behind_and_in_conflict(github: GitHub, checkout: Git, looks: Looks) -> None:
    assert looks.mergeability.look(looks.number).verdict is Verdict.PASSED
    github.rules.require("main", "ci", is_strict=True)
    branch_with(checkout, "other", {"b.py": "two\n"})
    checkout.run("push", "--quiet", "origin", "other:main")
    assert looks.mergeability.look(looks.number).is_behind
    branch_with(checkout, "other", {"a.py": "three\n"})
    checkout.run("push", "--quiet", "origin", "other:main")
    assert looks.mergeability.look(looks.number).verdict is Verdict.FAILED


def test_quiet_looks_are_one_request_each(github: GitHub, octo: Actor, looks: Looks) -> None:
    octo.check(looks.known.head, "success")
    for one in (looks.checks, looks.people, looks.bots, looks.mergeability):
        one.look(looks.number, looks.known)
    github.seen.clear()
    for one in (looks.checks, looks.people, looks.bots, looks.mergeability):
        one.look(looks.number, looks.known)
    assert github.count() == 4
