from __future__ import annotations

import pytest
from tests.integration.store.stores import NOW, Stores, later, make_spec, running

from tinytown.domain.agent import AGENT_LIFECYCLE, AgentState
from tinytown.domain.errors import (
    AlreadyExistsError,
    AmbiguousError,
    IllegalTransitionError,
    NotFoundError,
)


def test_agent_comes_back_as_it_was_registered(town: Stores) -> None:
    agent = town.agent("Backend-2", role="backend", nickname="Bea", max_rounds=3)

    found = town.agents.get(agent)

    assert (found.name, found.spec.role, found.spec.nickname, found.spec.max_rounds) == (
        "Backend-2",
        "backend",
        "Bea",
        3,
    )
    assert (found.state, found.open_tasks) == (AgentState.STARTING, 0)


def test_name_is_taken_in_whatever_letter_case(town: Stores) -> None:
    town.agent("Backend")

    with pytest.raises(AlreadyExistsError, match="there is an agent 'backend' already; choose another name"):
        town.agent("backend")
    assert len(town.agents.all()) == 1


@pytest.mark.parametrize("state", [AgentState.STOPPED, AgentState.ERROR])
def test_agent_that_stopped_or_broke_starts_anew_with_what_waits_for_it(town: Stores, state: AgentState) -> None:
    agent = town.agent("Backend", max_rounds=1)
    lease = town.host()
    task = make_spec()
    town.tasks.assign(task, agent, NOW)
    town.agents.move(agent, state, NOW, {"reason": "broken"})

    again = town.agent("backend", cli="other", machine="there")

    found = town.find(agent)
    assert [each.id for each in town.agents.all()] == [agent]
    assert (again != agent, found.spec.id) == (True, agent)
    assert (found.state, found.reason, found.host_id) == (AgentState.STARTING, "", None)
    assert (found.spec.cli, found.spec.machine, found.open_tasks, found.inbox_len) == ("other", "there", 1, 1)
    town.hosts.close(lease, NOW)
    assert town.find(agent).state is AgentState.STARTING, "its old host has nothing to do with it any more"
    claim = town.claim(town.host("host-2", "there"), agent)
    assert claim.task is not None
    assert claim.task.id == task.id


def test_agent_that_is_still_in_its_last_run_does_not_start_anew(town: Stores) -> None:
    agent, lease, _, _ = running(town)
    town.agents.move(agent, AgentState.STOPPED, NOW)

    with pytest.raises(AlreadyExistsError, match="still ending its last run"):
        town.agent("backend")
    town.finish(lease, agent, "retry")
    town.agent("backend")

    assert town.find(agent).state is AgentState.STARTING


def test_agents_are_listed_by_name(town: Stores) -> None:
    for name in ("b", "C", "a"):
        town.agent(name)

    assert [agent.name for agent in town.agents.all()] == ["a", "b", "C"]


def test_agent_is_found_by_name_or_prefix_of_its_id(town: Stores) -> None:
    agent = town.agent("Backend")

    assert town.agents.find_id("BACKEND") == agent
    assert town.agents.find_id(agent[:12]) == agent


def test_unknown_agent_is_told_with_those_there_are(town: Stores) -> None:
    with pytest.raises(NotFoundError, match="none yet; start one: tt spawn NAME"):
        town.agents.find_id("x")
    town.agent("backend")
    with pytest.raises(NotFoundError, match="no agent 'x'; there are: backend"):
        town.agents.find_id("x")
    with pytest.raises(NotFoundError, match="no agent 'gone'"):
        town.agents.get("gone")
    with pytest.raises(NotFoundError, match="no agent gone"):
        town.agents.move("gone", AgentState.IDLE, NOW)


def test_prefix_that_fits_two_agents_is_ambiguous(town: Stores) -> None:
    town.agent("a", id="abc1" + "0" * 32)
    town.agent("b", id="abc2" + "0" * 32)

    with pytest.raises(AmbiguousError, match="agent 'abc' is ambiguous"):
        town.agents.find_id("abc")


@pytest.mark.parametrize(
    ("old", "new"),
    [(old, new) for old in AgentState for new in AgentState if not AGENT_LIFECYCLE.allows(old, new)][::4],
)
def test_illegal_change_of_an_agent_changes_nothing(town: Stores, old: AgentState, new: AgentState) -> None:
    agent = town.agent("backend")
    town.connection.execute("HSET", town.keys("agent", agent), "state", old.value)
    before = town.dump()

    with pytest.raises(IllegalTransitionError, match=f"the agent is {old.value} and cannot become {new.value}"):
        town.agents.move(agent, new, later(1), {"reason": "x"})
    assert town.dump() == before


def test_change_of_an_agent_is_told_with_its_reason_and_wakes_missions(town: Stores) -> None:
    agent = town.agent("backend")
    mission_id = town.mission()
    town.commit(town.read(mission_id), due=None)

    town.agents.move(agent, AgentState.STOPPED, later(5), {"reason": "by hand", "paused_until": ""})

    found = town.find(agent)
    assert (found.state, found.since, found.reason) == (AgentState.STOPPED, later(5), "by hand")
    assert [e.text for e in town.history() if e.type == "agent.stopped"] == ["by hand"]
    assert town.due(later(5)).missions == (mission_id,)


def test_output_of_agents_is_noted(town: Stores) -> None:
    agent = town.agent("backend")

    town.agents.saw_output({agent: later(3)})

    assert town.find(agent).last_output_at == later(3)
