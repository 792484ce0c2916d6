from __future__ import annotations

from tests.unit.planner.world import NOW, decided, handed_in, later, make_agent, make_draft, make_mission, ready, said

from tinytown.domain.mission import Help, MissionState
from tinytown.domain.workitem import WorkStatus
from tinytown.planner.reasons import reasons
from tinytown.planner.trouble import put_off


def test_mission_in_trouble_is_blocked_and_looked_at_again_when_due() -> None:
    draft = make_draft(ready(1), make_agent("worker"))

    put_off(draft, "no memory left", later(30))

    changes = draft.changes()
    assert (changes.mission.state, changes.mission.blocked_reason) == (MissionState.BLOCKED, "no memory left")
    assert changes.mission.next_wake_at == later(30)
    assert (changes.messages, said(changes)) == ((), ["mission.blocked"])


def test_mission_that_is_not_planned_yet_stays_so() -> None:
    draft = make_draft(mission=make_mission(state=MissionState.PLANNING))

    put_off(draft, "no route", later(30))

    assert (draft.mission.state, draft.mission.blocked_reason) == (MissionState.PLANNING, "no route")


def test_help_is_asked_for_when_trouble_lasts() -> None:
    known = Help(cause="no route", since=NOW, ask_at=NOW)
    draft = make_draft(mission=make_mission(state=MissionState.PLANNING, help=known))

    put_off(draft, "no route", later(30))

    (message,) = draft.changes().messages
    assert "no route" in message.text


def test_stopped_mission_in_trouble_keeps_quiet() -> None:
    stopped = make_mission(state=MissionState.BLOCKED, blocked_reason="stopped", is_paused=True)
    draft = make_draft(ready(1), mission=stopped)

    put_off(draft, "no memory left", later(30))

    assert (draft.mission.blocked_reason, draft.mission.help) == ("stopped", None)
    assert draft.wake_at == later(30)


def test_items_of_a_mission_in_trouble_say_so_until_it_is_stepped_again() -> None:
    item, done = ready(1), handed_in(2, status=WorkStatus.DONE)
    draft = make_draft(item, done, make_agent("worker"))
    put_off(draft, "no memory left", later(30))
    mission = draft.changes().mission

    assert reasons(make_draft(item, done, mission=mission), item)[0] == (
        "the mission cannot be stepped: no memory left; tries again at 12:00:30 UTC"
    )
    assert "memory" not in "".join(reasons(make_draft(item, done, mission=mission), done))
    assert decided(item, make_agent("worker"), mission=mission).changes.mission.trouble is None
    assert reasons(make_draft(item, mission=make_mission(trouble="no memory left")), item)[0] == (
        "the mission cannot be stepped: no memory left"
    )
