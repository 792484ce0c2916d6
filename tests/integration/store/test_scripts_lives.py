"""Agents interrupted, closed, stopped and started anew at whatever moment; each transition whole."""

from __future__ import annotations

import pytest
from tests.integration.store.lives import WHY, at_work, kill
from tests.integration.store.stores import NOW, Stores, later, make_message, make_spec

from tinytown.domain.agent import AgentState
from tinytown.domain.errors import ConflictError, IllegalTransitionError, NotFoundError
from tinytown.domain.message import MessageKind
from tinytown.domain.task import TaskState

# Interrupting and resuming


def test_interruption_names_the_run_that_is_to_be_stopped(town: Stores) -> None:
    agent, _, _ = at_work(town)

    assert town.agents.interrupt(agent, NOW, WHY) is AgentState.PAUSED

    event = town.history()[-1]
    assert (event.type, event.agent_id, event.run_id, event.text) == ("agent.paused", agent, "run-1", WHY)


def test_interrupted_agent_takes_nothing_until_it_is_resumed(town: Stores) -> None:
    agent, lease = town.agent("backend"), town.host()
    town.agents.interrupt(agent, NOW, WHY)
    town.tasks.assign(make_spec(), agent, NOW)

    assert town.hosts.claim(lease, agent, "run-1", NOW) is None
    assert town.agents.resume(agent, NOW) == (AgentState.IDLE, None)
    town.claim(lease, agent)


@pytest.mark.parametrize("agent_state", ["idle", "paused"])
def test_interrupted_agent_stays_paused_however_its_run_ends(town: Stores, agent_state: str) -> None:
    agent, lease, _ = at_work(town)
    town.agents.interrupt(agent, NOW, WHY)

    fields = {"paused_until": later(60).isoformat(), "reason": "rate limited"} if agent_state == "paused" else {}
    state = town.finish(lease, agent, "retry", agent_state=agent_state, agent_fields=fields, is_round=False)

    found = town.find(agent)
    assert (state, found.state, found.paused_until, found.reason) == ("paused", AgentState.PAUSED, None, WHY)
    assert found.rounds_completed == 0


def test_agent_that_is_resumed_while_its_run_still_ends_is_working(town: Stores) -> None:
    agent, lease, _ = at_work(town)
    town.agents.interrupt(agent, NOW, WHY)

    assert town.agents.resume(agent, NOW)[0] is AgentState.WORKING
    assert town.finish(lease, agent, "retry", is_round=False) == "idle"
    assert town.claim(lease, agent, "run-2").task is not None


def test_run_that_counts_for_nothing_costs_its_message_no_try(town: Stores) -> None:
    agent, lease = town.agent("backend"), town.host()
    town.inbox.send(make_message(agent))
    for number in range(5):
        town.claim(lease, agent, f"run-{number}")
        town.finish(lease, agent, "retry", run=f"run-{number}", is_round=False)

    assert len(town.inbox.waiting(agent)) == 1


@pytest.mark.parametrize("state", [AgentState.STARTING, AgentState.COLD])
def test_agent_that_is_interrupted_while_its_host_is_away_comes_back_paused(town: Stores, state: AgentState) -> None:
    agent = town.agent("backend")
    if state is AgentState.COLD:
        town.hosts.close(town.host(), NOW)

    assert town.agents.interrupt(agent, NOW, WHY) is state

    town.host("host-2")
    found = town.find(agent)
    assert (found.state, found.reason) == (AgentState.PAUSED, "interrupted before its host came back")
    assert town.agents.resume(agent, NOW) == (AgentState.IDLE, None)


def test_interrupting_twice_or_what_will_not_go_on_is_refused(town: Stores) -> None:
    agent, _, _ = at_work(town)
    town.agents.interrupt(agent, NOW, WHY)
    with pytest.raises(ConflictError, match="interrupted already; to let it go on: tt resume backend"):
        town.agents.interrupt(agent, NOW, WHY)
    kill(town, agent)
    with pytest.raises(ConflictError, match="stops when its run ends"):
        town.agents.interrupt(agent, NOW, WHY)
    kill(town, agent, is_forced=True)
    with pytest.raises(ConflictError, match="backend is stopped; there is nothing to interrupt"):
        town.agents.interrupt(agent, NOW, WHY)
    with pytest.raises(NotFoundError):
        town.agents.interrupt("nobody", NOW, WHY)


def test_resuming_what_is_not_paused_is_refused(town: Stores) -> None:
    agent = town.agent("backend")
    town.host()

    with pytest.raises(ConflictError, match="backend is idle, not paused"):
        town.agents.resume(agent, NOW)


def test_end_of_a_rate_limit_ends_only_the_pause_that_was_made_for_it(town: Stores) -> None:
    agent, lease, task = at_work(town)
    fields = {"paused_until": later(60).isoformat(), "reason": "rate limited"}
    town.finish(lease, agent, "retry", agent_state="paused", agent_fields=fields, retry_at=later(60))

    with pytest.raises(ConflictError):
        town.agents.resume(agent, later(50), until=later(50))
    assert town.agents.resume(agent, NOW) == (AgentState.IDLE, later(60))
    assert town.tasks.get(task).retry_at is None
    claim = town.claim(lease, agent, "run-2")
    assert claim.task is not None

    town.agents.interrupt(agent, NOW, WHY)
    with pytest.raises(ConflictError):
        town.agents.resume(agent, later(60), until=later(60))
    assert town.find(agent).state is AgentState.PAUSED


# Closing


def test_closing_an_agent_with_nothing_to_do_stops_it(town: Stores) -> None:
    agent = town.agent("backend")
    town.host()
    town.inbox.send(make_message(agent, "fyi", MessageKind.INFO))

    assert town.agents.close(agent, NOW, WHY) is AgentState.STOPPED


def test_closed_agent_does_what_came_before_and_not_what_comes_after(town: Stores) -> None:
    agent, lease = town.agent("backend"), town.host()
    before, urgent, after = make_message(agent, "1"), make_message(agent, "2"), make_message(agent, "3", is_urgent=True)
    town.inbox.send(before)
    town.inbox.send(urgent)

    assert town.agents.close(agent, NOW, WHY) is AgentState.DRAINING

    town.inbox.send(after)
    left = ""
    for number, message in enumerate((before, urgent)):
        claim = town.claim(lease, agent, f"run-{number}")
        assert claim.messages[0] == message
        assert town.find(agent).state is AgentState.DRAINING
        left = town.finish(lease, agent, run=f"run-{number}")
    assert left == "stopped"
    assert town.inbox.waiting(agent) == [after]
    with pytest.raises(IllegalTransitionError):
        town.tasks.assign(make_spec(), agent, NOW)


def test_closed_agent_waits_for_what_is_to_be_tried_again_later(town: Stores) -> None:
    agent, lease, _ = at_work(town)
    town.agents.close(agent, NOW, WHY)

    assert town.finish(lease, agent, "retry", retry_at=later(30)) == "draining"
    assert town.hosts.claim(lease, agent, "run-2", NOW) == later(30)
    town.claim(lease, agent, "run-2", later(30))
    assert town.finish(lease, agent, run="run-2") == "stopped"


def test_closed_agent_whose_last_message_was_taken_away_stops_when_it_looks_again(town: Stores) -> None:
    agent, lease = town.agent("backend"), town.host()
    spec = make_spec()
    town.tasks.assign(spec, agent, NOW)
    town.agents.close(agent, NOW, WHY)
    town.agents.reclaim(agent, "backlog", NOW, may_live=True)

    assert town.hosts.claim(lease, agent, "run-1", NOW) is None
    assert town.find(agent).state is AgentState.STOPPED


@pytest.mark.parametrize("agent_state", ["error", "stopped", "paused"])
def test_closed_agent_with_work_left_may_still_break_or_meet_a_limit(town: Stores, agent_state: str) -> None:
    agent, lease, _ = at_work(town)
    town.agents.close(agent, NOW, WHY)

    assert town.finish(lease, agent, "retry", agent_state=agent_state) == agent_state

    if agent_state == "paused":
        assert town.agents.resume(agent, NOW)[0] is AgentState.DRAINING


def test_closing_outlives_the_death_of_the_host(town: Stores) -> None:
    agent, _, task = at_work(town)
    town.agents.close(agent, NOW, WHY)

    lease, _ = town.hosts.open("host-2", "here", {}, NOW)
    assert town.find(agent).state is AgentState.COLD
    with pytest.raises(IllegalTransitionError, match="closing"):
        town.tasks.assign(make_spec(), agent, NOW)
    town.hosts.adopt(lease, "here", NOW)

    assert town.find(agent).state is AgentState.DRAINING
    town.claim(lease, agent, "run-2")
    assert town.finish(lease, agent, run="run-2") == "stopped"
    assert town.tasks.get(task).state is TaskState.COMPLETED


def test_paused_agent_that_is_closed_does_what_it_has_when_it_is_resumed(town: Stores) -> None:
    agent, lease = town.agent("backend"), town.host()
    town.agents.interrupt(agent, NOW, WHY)
    town.inbox.send(make_message(agent))

    assert town.agents.close(agent, NOW, WHY) is AgentState.PAUSED
    assert town.agents.resume(agent, NOW)[0] is AgentState.DRAINING
    town.claim(lease, agent)


def test_paused_agent_that_is_closed_stops_when_nothing_is_left(town: Stores) -> None:
    agent = town.agent("backend")
    town.host()
    town.agents.interrupt(agent, NOW, WHY)
    spec = make_spec()
    town.tasks.assign(spec, agent, NOW)
    town.agents.close(agent, NOW, WHY)
    town.agents.reclaim(agent, "backlog", NOW, may_live=True)

    assert town.agents.resume(agent, NOW)[0] is AgentState.STOPPED


def test_closing_twice_is_refused(town: Stores) -> None:
    agent, _, _ = at_work(town)
    town.agents.close(agent, NOW, WHY)
    with pytest.raises(ConflictError, match="closing already"):
        town.agents.close(agent, NOW, WHY)
    assert kill(town, agent) is AgentState.DRAINING
    with pytest.raises(ConflictError, match="stops when its run ends already"):
        town.agents.close(agent, NOW, WHY)
    kill(town, agent, is_forced=True)
    with pytest.raises(ConflictError, match="stopped already"):
        town.agents.close(agent, NOW, WHY)


# Stopping


def test_killed_agent_stops_after_its_run_or_at_once(town: Stores) -> None:
    agent, lease, _ = at_work(town)

    assert kill(town, agent) is AgentState.DRAINING
    with pytest.raises(ConflictError, match="tt kill backend --force"):
        kill(town, agent)
    assert kill(town, agent, is_forced=True) is AgentState.STOPPED
    with pytest.raises(ConflictError, match="stopped already"):
        kill(town, agent)
    assert town.finish(lease, agent, "retry") == "stopped"


# Starting anew


@pytest.mark.parametrize("state", [AgentState.STOPPED, AgentState.ERROR])
def test_restarted_agent_keeps_what_it_has_and_counts_its_rounds_anew(town: Stores, state: AgentState) -> None:
    agent, lease, task = at_work(town)
    town.finish(lease, agent, "retry", agent_state=state.value, agent_fields={"reason": WHY})

    assert town.agents.restart(agent, NOW, WHY, is_forced=False) is AgentState.STARTING

    found = town.find(agent)
    assert (found.reason, found.rounds_completed, found.starts, found.host_id) == ("", 0, 1, None)
    town.hosts.adopt(lease, "here", NOW)
    again = town.claim(lease, agent, "run-2")
    assert again.task is not None
    assert again.task.id == task


def test_agent_that_is_there_is_restarted_by_force_alone(town: Stores) -> None:
    agent, lease = town.agent("backend"), town.host()
    with pytest.raises(
        ConflictError, match="backend is idle; to stop it first, with its run: tt restart backend --force"
    ):
        town.agents.restart(agent, NOW, WHY, is_forced=False)

    assert town.agents.restart(agent, NOW, WHY, is_forced=True) is AgentState.STARTING

    assert town.said()[-2:] == ["agent.stopped", "agent.starting"]
    assert town.hosts.adopt(lease, "here", NOW) == [agent]


def test_run_under_way_is_ended_before_its_agent_starts_anew(town: Stores) -> None:
    agent, lease, _ = at_work(town)

    assert town.agents.restart(agent, NOW, WHY, is_forced=True) is AgentState.PAUSED

    with pytest.raises(ConflictError, match="restarting already"):
        town.agents.restart(agent, NOW, WHY, is_forced=True)
    assert town.finish(lease, agent, "retry", is_round=False) == "starting"
    assert (town.find(agent).starts, town.find(agent).run_id) == (1, None)


def test_new_work_waits_for_an_agent_whose_run_is_ended_to_start_anew(town: Stores) -> None:
    agent, lease, task = at_work(town)
    town.agents.restart(agent, NOW, WHY, is_forced=True)
    spec = make_spec()

    town.tasks.assign(spec, agent, NOW)

    town.finish(lease, agent, "retry", is_round=False)
    assert set(town.tasks.open_ids([agent])) == {task, spec.id}


def test_agent_that_is_restarting_is_not_steered_otherwise(town: Stores) -> None:
    agent, lease, _ = at_work(town)
    town.agents.restart(agent, NOW, WHY, is_forced=True)

    for act in (town.agents.interrupt, town.agents.close):
        with pytest.raises(ConflictError, match="backend is restarting; try again in a moment"):
            act(agent, NOW, WHY)
    with pytest.raises(ConflictError, match="backend is restarting; it goes on by itself"):
        town.agents.resume(agent, NOW)

    assert town.finish(lease, agent, "retry", is_round=False) == "starting"


def test_agent_that_broke_in_the_run_that_is_ended_starts_anew_all_the_same(town: Stores) -> None:
    agent, lease, _ = at_work(town)
    town.agents.restart(agent, NOW, WHY, is_forced=True)

    assert town.finish(lease, agent, "retry", agent_state="error", agent_fields={"reason": "broken"}) == "starting"
    assert town.find(agent).reason == ""


@pytest.mark.parametrize("state", [AgentState.PAUSED, AgentState.STOPPED, AgentState.ERROR])
def test_event_says_why_an_agent_does_not_go_on_after_its_run(town: Stores, state: AgentState) -> None:
    agent, lease, _ = at_work(town)

    town.finish(lease, agent, "retry", agent_state=state.value, agent_fields={"reason": "no such program"})

    assert (town.history()[-1].type, town.history()[-1].text) == (f"agent.{state.value}", "no such program")


def test_pause_is_told_once(town: Stores) -> None:
    agent, lease, _ = at_work(town)
    town.agents.interrupt(agent, NOW, WHY)

    town.finish(lease, agent, "retry", is_round=False)

    assert town.said().count("agent.paused") == 1


def test_restart_happens_although_the_host_dies_meanwhile(town: Stores) -> None:
    agent, _, _ = at_work(town)
    town.agents.restart(agent, NOW, WHY, is_forced=True)

    town.hosts.open("host-2", "here", {}, NOW)

    assert town.find(agent).state is AgentState.STARTING


def test_restart_is_called_off_by_stopping_the_agent(town: Stores) -> None:
    agent, lease, _ = at_work(town)
    town.agents.restart(agent, NOW, WHY, is_forced=True)

    assert kill(town, agent) is AgentState.STOPPED

    assert town.finish(lease, agent, "retry") == "stopped"


def test_agent_that_is_ending_its_last_run_is_not_restarted_without_force(town: Stores) -> None:
    agent, _, _ = at_work(town)
    kill(town, agent, is_forced=True)

    with pytest.raises(ConflictError, match="still ending its last run"):
        town.agents.restart(agent, NOW, WHY, is_forced=False)
