"""What deliveries do to a mission: it is looked at once, and only what is seen then counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.integration.services.delivering import SECRET, signed
from tests.integration.services.paper import an_item, start, the_item
from tests.properties.mission_town import PaperTown

from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import OutsideDependency, Verdict, WorkStatus
from tinytown.services.deliveries import Deliveries
from tinytown.store.connection import Connection, connect

HEAD = "a" * 40


@pytest.fixture
def deliver(paper_town: PaperTown, redis_url: str) -> Iterator[Any]:
    """Delivers an event about the paper forge's repository."""
    connection = connect(redis_url)
    count = 0

    @contextmanager
    def lend() -> Iterator[Connection]:
        yield connection

    def run(event: str, **payload: Any) -> int:
        nonlocal count
        count += 1
        home = {"html_url": "acme/shop", "full_name": "acme/shop"}
        deliveries = Deliveries(SECRET, paper_town.keys, lend, lambda: paper_town.now)
        taken = deliveries.take(*signed(event, {"repository": home, **payload}, f"d-{count}"))
        return taken.signalled

    yield run
    connection.close()


def handed_in(town: PaperTown) -> str:
    """A mission whose one pull request is open, and looked at just now; its URL."""
    start(town, items=(an_item(status=WorkStatus.BLOCKED, submitted=HEAD),))
    town.step(0)
    town.pass_time(1)
    pull = the_item(town).pull
    assert pull is not None
    assert not town.is_due()
    return pull.url


@pytest.mark.parametrize(("told", "true"), [("success", Verdict.FAILED), ("failure", Verdict.PASSED)])
def test_a_check_is_looked_at_when_it_is_delivered_and_what_was_said_of_it_does_not_count(
    paper_town: PaperTown, deliver: Any, told: str, true: Verdict
) -> None:
    url = handed_in(paper_town)
    paper_town.forge.judge(HEAD, true)
    number = int(url.rpartition("/")[2])
    run = {"head_sha": HEAD, "conclusion": told, "pull_requests": [{"number": number}]}

    assert deliver("check_run", action="completed", check_run=run) == 1
    assert paper_town.is_due()
    paper_town.step(0)

    item = the_item(paper_town)
    assert item.pull is not None
    assert item.pull.checks is true
    assert [fix.cause for fix in item.fixes] == (["checks"] if true is Verdict.FAILED else [])
    assert paper_town.read().signals == {}


def test_an_outside_issue_is_looked_at_when_its_end_is_delivered(paper_town: PaperTown, deliver: Any) -> None:
    ref = IssueRef("acme", "shop", 9)
    waits = OutsideDependency(ref=ref, is_open=True, checked_at=paper_town.now)
    paper_town.forge.open_issues.add(ref)
    start(paper_town, items=(an_item(waits_for=(waits,)),))
    paper_town.step(0)
    paper_town.pass_time(1)
    assert the_item(paper_town).status is WorkStatus.PENDING

    paper_town.forge.open_issues.discard(ref)
    assert deliver("issues", action="closed", issue={"number": 9}) == 1
    assert paper_town.is_due()
    paper_town.step(0)

    assert the_item(paper_town).waits_for[0].is_open is False
    assert the_item(paper_town).status is not WorkStatus.PENDING
    assert paper_town.read().signals == {}
