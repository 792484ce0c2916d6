"""The town's events as they are shown and followed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.integration.store.stores import NOW, Stores, make_item, make_message

from tinytown.domain.agent import AgentState
from tinytown.domain.errors import NotFoundError
from tinytown.domain.event import EventFilter
from tinytown.domain.message import Message
from tinytown.services.following import Follower
from tinytown.services.journal import Journal, seen, seen_with_message
from tinytown.store.codec import at_text, decode, encode
from tinytown.store.connection import Connection, connect
from tinytown.store.events import EventStream
from tinytown.store.keys import Keys


@pytest.fixture
def town(connection: Connection, keys: Keys) -> Stores:
    return Stores(connection, keys)


@pytest.fixture
def journal(town: Stores) -> Journal:
    return Journal(lambda: EventStream(town.connection, town.keys, "0-0"), town.agents, town.missions)


@pytest.fixture
def follower(redis_url: str, town: Stores) -> Iterator[Follower]:
    with closing(Follower(connect(redis_url), town.keys)) as opened:
        yield opened


def types(journal: Journal, limit: int, wanted: EventFilter) -> list[str]:
    return [event.type for event in journal.recent(limit, wanted).events]


def test_last_events_are_those_that_are_wanted_the_oldest_first(town: Stores, journal: Journal) -> None:
    backend, frontend = town.agent("Backend"), town.agent("frontend")
    mission = town.mission(make_item())
    town.give(mission, backend)
    town.inbox.send(make_message(frontend))

    assert types(journal, 10, journal.wanted(agent="backend")) == ["agent.spawned", "task.assigned"]
    assert types(journal, 1, journal.wanted(agent=backend[:8])) == ["task.assigned"]
    assert types(journal, 10, journal.wanted(mission=mission[:8])) == ["task.assigned"]
    assert types(journal, 10, journal.wanted(type_prefix="message.")) == ["message.sent"]
    assert journal.recent(0).events == ()
    assert journal.recent(2).position == town.history()[-1].id


def test_a_town_where_nothing_happened_begins_at_the_beginning(journal: Journal) -> None:
    assert (journal.recent(5).events, journal.recent(5).position) == ((), "0-0")


def test_unknown_agents_and_missions_are_refused_and_the_conductor_is_known(journal: Journal) -> None:
    assert journal.wanted(agent="Supervisor") == EventFilter(agent_id="conductor")
    with pytest.raises(NotFoundError, match="no agent 'nobody'"):
        journal.wanted(agent="nobody")
    with pytest.raises(NotFoundError, match="no mission 'ffff'"):
        journal.wanted(mission="ffff")


def test_a_follower_gives_what_happens_next_with_the_names_of_new_agents(town: Stores, follower: Follower) -> None:
    assert follower.wait(0) == []
    agent = town.agent("Backend")
    (spawned,) = follower.wait(5)
    assert seen(spawned, follower.names).agent_name == "Backend"
    message = make_message(agent)
    town.inbox.send(message)
    (sent,) = follower.wait(5)
    shown = seen_with_message(sent, follower.names)
    assert decode(bytes(shown.message or b""), Message) == message
    assert "message" not in encode(seen(sent, follower.names)).replace("message.sent", "")
    assert follower.after == sent.id


def test_a_follower_whose_connection_was_cut_misses_nothing(town: Stores, follower: Follower) -> None:
    town.agent("a")
    assert len(follower.wait(5)) == 1
    town.connection.execute("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    town.agent("b")
    assert [seen(event, follower.names).agent_name for event in follower.wait(5)] == ["b"]


def test_an_agent_that_is_gone_and_the_conductor_have_the_names_that_are_left(town: Stores, journal: Journal) -> None:
    town.inbox.send(make_message("conductor"))
    town.connection.execute("XADD", town.keys("events"), "*", "type", "agent.idle", "at", at_text(NOW), "agent", "gone")
    shown = [seen(event, journal.names()) for event in journal.recent(2).events]
    assert [(one.agent_id, one.agent_name) for one in shown] == [("conductor", "conductor"), ("gone", None)]


def test_the_last_events_of_a_pruned_agent_bear_its_name(town: Stores, journal: Journal) -> None:
    agent = town.agent("Backend")
    town.agents.kill(agent, NOW, "enough", is_forced=True)
    town.agents.prune(agent, {AgentState.STOPPED}, NOW, hands_over=False)
    town.agent("frontend")
    found = journal.recent(10, journal.wanted(type_prefix="agent."))
    names = journal.names(found)
    shown = [(event.type, seen(event, names).agent_name) for event in found.events]
    assert shown[0] == ("agent.spawned", "Backend")
    assert shown[-2:] == [("agent.pruned", "Backend"), ("agent.spawned", "frontend")]
    assert seen(found.events[-2], {}).agent_name == "Backend"
