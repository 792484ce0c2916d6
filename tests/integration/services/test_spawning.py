"""Agents that spawn agents: there is an end to it."""

from __future__ import annotations

import pytest
from tests.integration.store.stores import MACHINE, NOW, Stores

from tinytown.config.settings import AgentSettings
from tinytown.domain.agent import AgentState
from tinytown.domain.errors import NotAllowedError
from tinytown.runtime.clis import adapter
from tinytown.services.agents import Agents
from tinytown.services.caller import Caller
from tinytown.store.agents import MAX_SPAWNED
from tinytown.store.events import EventStream


def agents_as(town: Stores, agent_id: str | None = None) -> Agents:
    return Agents(
        town.agents,
        town.inbox,
        lambda: EventStream(town.connection, town.keys),
        settings=AgentSettings(default_cli="demo"),
        adapter=lambda name: adapter(name, {}),
        path="",
        machine=lambda: MACHINE,
        ensure_host=lambda: None,
        clock=lambda: NOW,
        caller=Caller(agent_id=agent_id),
    )


def spawn_all(town: Stores, by: str, count: int, prefix: str = "child") -> list[str]:
    return [agents_as(town, by).spawn(f"{prefix}-{number}").id for number in range(count)]


def test_agent_that_an_agent_spawns_has_it_as_parent_under_its_own_name(town: Stores) -> None:
    lead = town.agent("Lead")

    assert agents_as(town, lead).spawn("helper").parent == "Lead"
    assert agents_as(town).spawn("other", parent="LEAD").parent == "Lead"


def test_agent_spawns_eight_agents_and_no_more_until_one_of_them_stops(town: Stores) -> None:
    lead = town.agent("lead")
    children = spawn_all(town, lead, MAX_SPAWNED)

    with pytest.raises(NotAllowedError, match="8 agents"):
        agents_as(town, lead).spawn("ninth")
    assert [agent.name for agent in town.agents.all() if agent.name == "ninth"] == []

    town.agents.move(children[0], AgentState.STOPPED, NOW)
    assert agents_as(town, lead).spawn("ninth").parent == "lead"
    with pytest.raises(NotAllowedError):
        agents_as(town, lead).spawn("child-0")  # started anew, it would be one too many


def test_children_of_children_count(town: Stores) -> None:
    lead = town.agent("lead")
    first = spawn_all(town, lead, 4)
    spawn_all(town, first[0], 4, prefix="grandchild")

    for agent in (lead, *first):
        with pytest.raises(NotAllowedError, match="8 agents"):
            agents_as(town, agent).spawn("ninth")


def test_agents_of_another_family_and_those_of_people_do_not_count(town: Stores) -> None:
    lead, other = town.agent("lead"), town.agent("other")
    spawn_all(town, lead, MAX_SPAWNED)

    assert agents_as(town, other).spawn("helper").parent == "other"
    assert agents_as(town).spawn("mine").parent is None
    assert agents_as(town).spawn("hers", parent="lead").parent == "lead"


def test_agent_spawns_for_nobody_but_itself(town: Stores) -> None:
    lead = town.agent("lead")
    town.agent("other")

    with pytest.raises(NotAllowedError, match="leave --parent out"):
        agents_as(town, lead).spawn("helper", parent="other")
