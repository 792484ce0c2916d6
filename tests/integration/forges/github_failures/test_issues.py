"""What becomes of missions whose issues are not there (any more), and when GitHub is away while they are planned."""

from __future__ import annotations

import re

from tests.integration.forges.github_failures import outcomes
from tests.integration.forges.github_failures.hub import Hub
from tests.integration.forges.github_failures.outcomes import R, answering, everywhere
from tests.peers.exchange import CUT, Answer, refused

from tinytown.domain.mission import MissionState
from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import OutsideDependency, WorkStatus

ISSUE = IssueRef("octo", "town", 1)


def says(row: outcomes.IssueOutcome, text: str | None) -> bool:
    return re.fullmatch(".*".join(map(re.escape, row.says.split("…"))), text or "") is not None


def test_mission_waits_to_be_planned_for_as_long_as_github_is_away(hub: Hub) -> None:
    hub.octo.issue("thing")
    hub.start(objectives=(ISSUE,))
    everywhere(CUT)(hub)
    hub.step()
    assert hub.next_due() == 30
    for _ in range(6):
        hub.pass_time(hub.next_due() or 0)
        hub.step()
    mission = hub.read().mission
    assert (mission.state, hub.next_due()) == (MissionState.PLANNING, 300)
    assert says(outcomes.AWAY, mission.blocked_reason)
    assert mission.help is not None, "a person is told when it lasts"

    hub.github.samples.clear()
    hub.live(lambda: bool(hub.read().items))
    assert [item.key for item in hub.read().items.values()] == ["#1"]


def test_mission_of_an_issue_that_is_gone_is_not_started(hub: Hub) -> None:
    answering("GET", f"{R}/issues/1", refused(410, "This issue was deleted"))(hub)
    hub.start(objectives=(ISSUE,))
    hub.step()
    assert hub.read().mission.state is MissionState.FAILED
    assert says(outcomes.GONE, hub.read().mission.blocked_reason)


def test_mission_of_an_issue_that_is_not_there_is_not_started(hub: Hub) -> None:
    hub.start(objectives=(ISSUE,))
    hub.step()
    assert hub.read().mission.state is MissionState.FAILED
    assert says(outcomes.UNSEEN, hub.read().mission.blocked_reason)


def test_transferred_issue_is_worked_on_where_it_is_now(hub: Hub) -> None:
    for _ in range(2):
        hub.octo.issue("thing")
    there = Answer(301, b"{}", {"location": f"{hub.github.url}{R}/issues/2"})
    answering("GET", f"{R}/issues/1(/.*)?", there)(hub)
    hub.start(objectives=(ISSUE,))
    hub.step()
    assert [item.key for item in hub.read().items.values()] == ["#2"]
    assert any(says(outcomes.MOVED, text) for text in hub.log("mission.warning"))


def test_issue_that_others_wait_for_and_that_is_gone_is_a_persons_business(hub: Hub) -> None:
    needed = IssueRef("octo", "town", 9)
    answering("GET", f"{R}/issues/9", refused(410, "This issue was deleted"))(hub)
    item = hub.hand_in(1)
    outside = OutsideDependency(ref=needed, is_open=True, checked_at=hub.now)
    waiting = {"status": WorkStatus.PENDING, "submitted": None, "tasks_given": 0, "waits_for": (outside,)}
    hub.start(hub.changed(item, **waiting))
    hub.live(lambda: hub.read().mission.help is not None)
    assert any(says(outcomes.NEEDED, line) for line in hub.why()), hub.why()

    hub.github.samples.clear()
    numbers = [hub.octo.issue("thing") for _ in range(8)]
    hub.octo.call("PATCH", f"issues/{numbers[-1]}", {"state": "closed"})
    hub.live(lambda: hub.item().status is WorkStatus.READY)


def test_issue_that_was_deleted_meanwhile_does_not_keep_its_work_from_being_done(hub: Hub) -> None:
    answering("GET", f"{R}/issues/1", refused(410, "This issue was deleted"))(hub)
    hub.start(hub.ready(1))
    hub.live(hub.is_completed)
    assert hub.log("merge.notice") == [], "there is nothing that anybody has to close"


def test_person_is_told_of_an_issue_that_may_not_be_closed(hub: Hub) -> None:
    hub.github.merging.closes_issues = False
    answering("PATCH", f"{R}/issues/1", refused(403, "Must have admin rights to Repository."))(hub)
    hub.start(hub.ready(1))
    hub.live(hub.is_completed)
    (notice,) = hub.log("merge.notice")
    assert says(outcomes.UNCLOSED, notice), notice


def test_locked_issue_gets_no_comment_and_is_done_all_the_same(hub: Hub) -> None:
    locked = refused(403, "Unable to create comment because issue is locked.")
    answering("POST", f"{R}/issues/1/comments", locked)(hub)
    hub.start(hub.ready(1))
    hub.live(hub.is_completed)
    assert hub.comments() == []
    assert hub.octo.call("GET", "issues/1")["state"] == "closed"
