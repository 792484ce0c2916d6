"""What the conductor is asked, when, and what becomes of a question that nobody needs to answer any more."""

from __future__ import annotations

import pytest
from tests.unit.planner.world import (
    AT_WORK,
    HEAD,
    NOW,
    decided,
    handed_in,
    in_work,
    item_id,
    later,
    make_agent,
    make_draft,
    make_item,
    make_mission,
    make_snapshot,
    make_task,
    ready,
    step,
)

from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.message import Message
from tinytown.domain.mission import MissionState
from tinytown.domain.workitem import WorkItem, WorkKind, WorkStatus
from tinytown.planner import directives
from tinytown.planner.help import ask
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.tick import Decision

GATE = make_item(4, kind=WorkKind.MERGE_GATE, status=WorkStatus.READY)
RUN = "00000000"


def held(number: int, why: str = "failed 3 times") -> WorkItem:
    return make_item(number, status=WorkStatus.BLOCKED, hold=why)


def question(decision: Decision) -> Message:
    (message,) = decision.changes.messages
    return message


def asked_for(*items: WorkItem) -> tuple[Snapshot, Message]:
    """A mission whose conductor was asked about these items."""
    snapshot, decision = step(make_snapshot(*items, make_agent("backend")))
    return snapshot, question(decision)


def test_question_is_withdrawn_when_its_cause_is_gone() -> None:
    snapshot, asked = asked_for(held(1))
    (item,) = snapshot.items.values()
    mended = make_snapshot(ready(1), make_agent("backend"), mission=snapshot.mission)

    assert item.hold is not None
    assert decided(item, AT_WORK, mission=snapshot.mission).changes.withdrawn == ()
    assert step(mended)[1].changes.withdrawn == ((CONDUCTOR, asked.id),)


@pytest.mark.parametrize("verb", ["resume", "pause"])
def test_question_is_withdrawn_when_a_person_decides(verb: str) -> None:
    snapshot, asked = asked_for(held(1))
    draft = make_draft(*snapshot.items.values(), mission=snapshot.mission)

    directives.note(draft, verb)

    assert draft.changes().withdrawn == ((CONDUCTOR, asked.id),)
    assert draft.mission.help is None


def test_question_is_withdrawn_when_the_mission_is_done() -> None:
    snapshot, asked = asked_for(held(1))

    done = decided(make_item(1, status=WorkStatus.DONE), mission=snapshot.mission)

    assert done.changes.mission.state is MissionState.COMPLETED
    assert done.changes.withdrawn == ((CONDUCTOR, asked.id),)


def test_question_about_several_causes_stays_until_the_last_is_gone() -> None:
    snapshot, asked = asked_for(held(1), held(2))

    one_left, first = step(make_snapshot(held(2), AT_WORK, mission=snapshot.mission))
    _, second = step(make_snapshot(in_work(2), make_task(in_work(2)), AT_WORK, mission=one_left.mission))

    assert (first.changes.withdrawn, first.changes.messages) == ((), ())
    assert second.changes.withdrawn == ((CONDUCTOR, asked.id),)


def test_question_asked_again_takes_the_place_of_the_earlier_ones() -> None:
    snapshot, first = asked_for(held(1))
    snapshot, decision = step(make_snapshot(held(1), held(2), make_agent("backend"), mission=snapshot.mission))
    second = question(decision)

    _, again = step(snapshot, now=later(300))

    assert set(again.changes.withdrawn) == {(CONDUCTOR, first.id), (CONDUCTOR, second.id)}
    assert "#1: failed 3 times; #2: failed 3 times" in question(again).text
    assert again.changes.mission.help is not None
    assert [one.id for one in again.changes.mission.help.questions] == [question(again).id]


def test_new_cause_of_a_kind_that_may_pass_is_asked_about_after_a_while() -> None:
    agent = make_agent("reviewer")
    snapshot, first = step(make_snapshot(ready(1, owner_role="backend"), agent))
    assert first.changes.messages == ()
    snapshot, asked = step(snapshot, now=later(30))
    both = (ready(1, owner_role="backend"), ready(2, owner_role="frontend"))

    snapshot, early = step(make_snapshot(*both, agent, mission=snapshot.mission), now=later(40))
    _, late = step(snapshot, now=later(70))

    assert "#1" in question(asked).text
    assert (early.changes.messages, early.wake_at) == ((), later(70))
    assert "#2" in question(late).text
    assert "#1" not in question(late).text


def test_wholly_different_cause_starts_anew() -> None:
    draft = make_draft(mission=make_mission())
    ask(draft, ("no route",), first_at=NOW)
    again = make_draft(mission=draft.mission)
    ask(again, ("no memory",), first_at=later(60))

    assert again.mission.help is not None
    assert (again.mission.help.times_asked, again.mission.help.ask_at) == (0, later(60))
    assert len(again.changes().withdrawn) == 1


def test_question_whose_cause_is_back_among_wholly_different_ones_is_taken_back() -> None:
    first = make_draft(mission=make_mission())
    ask(first, ("a gate", "no memory"), first_at=NOW)
    second = make_draft(mission=first.mission)
    ask(second, ("no memory", "no route"), first_at=NOW)
    third = make_draft(mission=second.mission)
    ask(third, ("a gate",), first_at=NOW)

    gone = {message_id for _, message_id in (*second.changes().withdrawn, *third.changes().withdrawn)}
    assert gone == {message.id for draft in (first, second) for message in draft.changes().messages}


def test_gate_is_asked_about_with_the_command_that_opens_it() -> None:
    text = question(decided(GATE)).text

    assert text.splitlines()[1:] == [f"Answer with: tt mission approve 4 --run {RUN}"]
    assert "note" not in text


def test_gate_beside_something_else_is_asked_about_with_both_commands() -> None:
    text = question(decided(GATE, held(1), make_agent("backend"))).text

    assert f"tt mission approve 4 --run {RUN}" in text
    assert f'tt mission note {RUN} "resume' in text


def test_mission_is_not_called_stuck_while_other_items_go_on() -> None:
    working = in_work(2)
    things = (working, make_task(working), AT_WORK)

    assert question(decided(held(1), *things)).text.startswith(
        f"Mission {RUN} needs a person; the rest of it goes on: #1"
    )
    assert question(decided(held(1), make_agent("backend"))).text.startswith(f"Mission {RUN} is stuck: #1")


def test_item_that_lacks_an_agent_is_asked_about_beside_one_that_is_held() -> None:
    lacking = handed_in(2, fixes=(), assigned_to=None, pull=None, submitted=HEAD)
    text = question(decided(held(1), ready(3, owner_role="backend"), lacking)).text

    assert "#1: failed 3 times" in text
    assert "no agent can take #3" in text
    assert item_id(2) not in text
