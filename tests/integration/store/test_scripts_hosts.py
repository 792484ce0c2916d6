from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from tests.integration.store.stores import MACHINE, NOW, Stores, later, make_item, make_message, make_spec, running

from tinytown.domain.agent import AgentState
from tinytown.domain.errors import (
    LeaseLostError,
    NotFoundError,
)
from tinytown.domain.message import MessageKind
from tinytown.domain.task import TaskState
from tinytown.store.connection import connect
from tinytown.store.dispatchers import GRACE_MS, STALE_MS, Dispatcher
from tinytown.store.events import EventStream
from tinytown.store.hosts import HostLease


def expire(town: Stores, lease: HostLease) -> None:
    """The host has not renewed its lease in time."""
    town.connection.execute("DEL", town.keys("host", lease.host_id, "lease"))


def abandon(town: Stores, lease: HostLease) -> None:
    """The host is silent for so long that a dispatcher releases it."""
    expire(town, lease)
    miss(town)
    town.due(later(60))


def miss(town: Stores) -> None:
    """The host did not come back for its lease in the time that is left to it."""
    town.due()
    town.due(later(GRACE_MS / 1000))


# Hosts


def test_host_takes_the_agents_of_its_machine_that_nobody_has(town: Stores) -> None:
    mine, other = town.agent("mine"), town.agent("other", machine="there")
    stopped = town.agent("stopped")
    town.agents.move(stopped, AgentState.STOPPED, NOW)

    lease, _ = town.hosts.open("host-1", MACHINE, {"pid": "7"}, NOW)

    assert town.hosts.adopt(lease, MACHINE, NOW) == [mine]
    assert (town.find(mine).state, town.find(mine).host_id) == (AgentState.IDLE, "host-1")
    assert (town.find(other).state, town.find(stopped).state) == (AgentState.STARTING, AgentState.STOPPED)
    assert town.hosts.adopt(lease, MACHINE, NOW) == [mine]


def test_hosts_are_listed_with_whether_they_live(town: Stores) -> None:
    lease = town.host("host-1")
    town.host("host-2", "there")
    expire(town, lease)

    found = town.hosts.all()

    assert {host: record["is_alive"] for host, record in found.items()} == {"host-1": "no", "host-2": "yes"}
    assert found["host-2"]["machine"] == "there"


def test_tokens_of_hosts_rise(town: Stores) -> None:
    first, second = town.host("host-1"), town.host("host-2", "there")

    assert int(second.token) > int(first.token)


@pytest.mark.parametrize("how", ["closed", "silent", "replaced"])
def test_what_a_host_was_running_is_given_back_when_it_ends(town: Stores, how: str) -> None:
    agent, lease, mission_id, task = running(town)

    runs: list[str] = []
    if how == "closed":
        town.hosts.close(lease, NOW)
    elif how == "silent":
        abandon(town, lease)
    else:
        _, runs = town.hosts.open("host-2", MACHINE, {}, NOW)

    cold, handed = town.find(agent), town.tasks.get(task)
    assert (cold.state, cold.run_id, cold.task_id, cold.host_id) == (AgentState.COLD, None, None, None)
    assert (cold.inbox_len, cold.open_tasks) == (2, 1)
    assert (handed.state, handed.run_id, handed.agent_id) == (TaskState.ASSIGNED, None, agent)
    assert runs == (["run-1"] if how == "replaced" else [])
    assert town.due(later(60)).missions == (mission_id,)
    assert {"task.handed_back", "agent.cold", "host.released"} <= set(town.said())


def test_work_of_a_dead_host_goes_on_at_the_next_one(town: Stores) -> None:
    agent, lease, _, task = running(town)
    abandon(town, lease)

    new = town.host("host-2")
    claim = town.claim(new, agent, "run-2")

    assert claim.task is not None
    assert (claim.task.id, claim.task.runs) == (task, 2)
    assert [message.text for message in claim.messages] == ["do it", "fyi"]


def test_task_whose_runs_take_their_hosts_with_them_fails(town: Stores) -> None:
    agent = town.agent("backend")
    mission_id = town.mission(make_item())
    lease = town.host()
    task = town.give(mission_id, agent)

    for n in range(3):
        assert town.tasks.get(task).is_open
        town.claim(lease, agent, f"run-{n}")
        lease = town.host(f"host-{n + 2}")

    failed = town.tasks.get(task)
    assert (failed.state, failed.runs) == (TaskState.FAILED, 3)
    assert failed.reason == "its host died 3 times in a row while it was at it"
    assert (town.find(agent).inbox_len, town.find(agent).open_tasks, town.find(agent).state) == (0, 0, AgentState.IDLE)
    assert town.due().missions == (mission_id,)
    assert town.hosts.claim(lease, agent, "run-9", NOW) is None


def test_deaths_of_hosts_count_in_a_row_and_an_orderly_end_is_none(town: Stores) -> None:
    agent = town.agent("backend")
    lease = town.host()
    task = make_spec()
    town.tasks.assign(task, agent, NOW)

    for n, is_death in enumerate((True, True, False, True, True)):
        town.claim(lease, agent, f"run-{n}")
        if n == 3:
            town.finish(lease, agent, "retry", run=f"run-{n}")
            town.claim(lease, agent, "run-3b")
        if not is_death:
            town.hosts.close(lease, NOW)
        lease = town.host(f"host-{n + 2}")

    assert town.tasks.get(task.id).state is TaskState.ASSIGNED


def test_message_whose_runs_take_their_hosts_with_them_is_dropped_and_others_stay(town: Stores) -> None:
    agent = town.agent("backend")
    lease = town.host()
    town.inbox.send(make_message(agent, "deadly"))
    town.inbox.send(make_message(agent, "fyi", MessageKind.INFO))

    for n in range(3):
        town.claim(lease, agent, f"run-{n}")
        lease = town.host(f"host-{n + 2}")

    assert [message.text for message in town.inbox.waiting(agent)] == ["fyi"]
    assert [e.text for e in town.history() if e.type == "message.dropped"] == ["its host died 3 times"]


def test_outcome_from_a_host_that_was_released_is_refused(town: Stores) -> None:
    agent, lease, _, task = running(town)
    abandon(town, lease)
    before = town.dump()

    for act in (
        lambda: town.finish(lease, agent, task_fields={"result": "late"}),
        lambda: town.hosts.claim(lease, agent, "run-9", NOW),
        lambda: town.hosts.renew(lease),
        lambda: town.hosts.adopt(lease, MACHINE, NOW),
        lambda: town.hosts.close(lease, NOW),
    ):
        with pytest.raises(LeaseLostError):
            act()
    assert town.dump() == before
    assert town.tasks.get(task).state is TaskState.ASSIGNED


def test_host_that_was_only_late_takes_its_lease_up_again(town: Stores) -> None:
    agent, lease, _, task = running(town)
    expire(town, lease)

    town.hosts.renew(lease)
    town.finish(lease, agent)

    assert town.tasks.get(task).state is TaskState.COMPLETED
    assert town.connection.execute("PTTL", town.keys("host", lease.host_id, "lease")) > 0


def test_host_that_slept_with_everything_else_stores_what_its_run_did(town: Stores) -> None:
    """A dispatcher that wakes first leaves it the time to come back, and a late host need not renew first."""
    agent, lease, _, task = running(town)
    expire(town, lease)
    town.due()

    town.finish(lease, agent, task_fields={"result": "made it"})

    assert town.tasks.get(task).state is TaskState.COMPLETED
    assert town.hosts.all()["host-1"]["is_alive"] == "yes"
    expire(town, lease)
    town.due(later(GRACE_MS / 1000))  # a new absence, not the rest of the old one
    assert town.find(agent).state is AgentState.IDLE


def test_host_that_stays_away_is_released_when_its_time_is_over(town: Stores) -> None:
    agent, lease, _, _ = running(town)
    expire(town, lease)

    for secs in (0, 3, 7):
        town.due(later(secs))
        assert town.find(agent).state is AgentState.WORKING
    town.due(later(GRACE_MS / 1000))

    assert town.find(agent).state is AgentState.COLD


def test_agent_that_was_ending_has_ended_when_its_host_dies(town: Stores) -> None:
    agent, lease, _, _ = running(town)
    town.agents.move(agent, AgentState.DRAINING, NOW)

    town.hosts.close(lease, NOW)

    assert town.find(agent).state is AgentState.STOPPED


@pytest.mark.parametrize("state", [AgentState.STOPPED, AgentState.ERROR])
def test_agent_that_has_stopped_stays_so_when_its_host_dies(town: Stores, state: AgentState) -> None:
    agent, lease = town.agent("backend"), town.host()
    town.hosts.adopt(lease, MACHINE, NOW)
    town.agents.move(agent, state, NOW)

    town.hosts.close(lease, NOW)

    assert town.find(agent).state is state


def test_checks_of_a_dead_host_are_queued_again(town: Stores) -> None:
    lease = town.host()
    name = town.keys("checks", "running")
    town.connection.execute("HSET", name, "1:abc", lease.host_id, "2:def", "another")

    abandon(town, lease)

    assert town.connection.execute("HGETALL", name) == [b"2:def", b"another"]
    assert town.connection.execute("ZRANGE", town.keys("checks", "queued"), 0, -1) == [b"1:abc"]


def test_host_of_another_machine_is_left_alone(town: Stores) -> None:
    far = town.host("host-1", "there")

    town.host("host-2", MACHINE)

    town.hosts.renew(far)
    assert set(town.hosts.all()) == {"host-1", "host-2"}


# Messages


def test_message_to_nobody_is_refused(town: Stores) -> None:
    with pytest.raises(NotFoundError, match="no agent nobody"):
        town.inbox.send(make_message("nobody"))
    assert town.dump() == {}


def test_conductors_messages_are_read_and_gone(town: Stores) -> None:
    sent = [make_message("conductor", text) for text in ("one", "two")]
    for message in sent:
        town.inbox.send(message)

    assert town.inbox.waiting("conductor") == sent
    assert town.inbox.take("conductor") == sent
    assert (town.inbox.take("conductor"), town.inbox.waiting("conductor")) == ([], [])


def test_message_comes_back_whatever_its_text(town: Stores) -> None:
    message = make_message("conductor", 'äöü 🛰️ \0 \x1b[31m "quoted" \\ \u2028' + "x" * 200_000)

    town.inbox.send(message)

    assert town.inbox.take("conductor") == [message]


# Dispatchers


def test_heartbeat_says_what_is_due_active_and_next(town: Stores) -> None:
    now, soon, never = (town.mission() for _ in range(3))
    town.commit(town.read(soon), due=later(40))
    town.commit(town.read(never), due=None)

    due = town.due()

    assert (due.missions, due.next_at) == ((now,), later(40))
    assert set(due.active) == {now, soon, never}


def test_next_due_time_is_told_to_the_millisecond(town: Stores) -> None:
    at = datetime(2026, 1, 5, 12, 0, 1, 234_000, tzinfo=UTC)
    mission_id = town.mission()
    town.commit(town.read(mission_id), due=at)

    assert town.due().next_at == at
    assert town.due(at).missions == (mission_id,)


def test_dispatcher_not_heard_of_for_long_is_forgotten(town: Stores) -> None:
    town.due(NOW, "old")
    town.due(later(STALE_MS / 1000), "new")
    assert [d.id for d in town.dispatchers.all()] == ["old", "new"]

    town.due(later(STALE_MS / 1000 + 1), "new")

    assert [d.id for d in town.dispatchers.all()] == ["new"]


def test_dispatcher_says_how_it_is_doing(town: Stores) -> None:
    record = Dispatcher(id="d1", machine=MACHINE, pid=7, started_at=NOW, steps=12, last_step_ms=0.5)

    town.dispatchers.beat(record, later(3))

    (found,) = town.dispatchers.all()
    assert (found.steps, found.last_step_ms, found.pid, found.at_ms) == (12, 0.5, 7, int(later(3).timestamp() * 1000))


# The event stream


def test_reader_sees_what_happens_from_now_on_in_order(town: Stores) -> None:
    town.agent("a")
    stream = EventStream(town.connection, town.keys)
    assert stream.wait(0) == []

    agent = town.agent("b")
    town.tasks.assign(make_spec(), agent, later(2))

    events = stream.wait(0)
    assert [event.type for event in events] == ["agent.spawned", "task.assigned"]
    assert (events[0].agent_id, events[0].text, events[0].at) == (agent, "b", NOW)
    assert stream.wait(0) == []


def test_reader_goes_on_where_another_stopped(town: Stores) -> None:
    town.agent("a")
    first = EventStream(town.connection, town.keys, after="0-0")
    first.wait(0)
    town.agent("b")

    assert [e.text for e in EventStream(town.connection, town.keys, after=first.after).wait(0)] == ["b"]


def test_reader_takes_as_many_as_it_asks_for(town: Stores) -> None:
    for name in "abc":
        town.agent(name)
    stream = EventStream(town.connection, town.keys, after="0-0")

    assert [e.text for e in stream.wait(0, limit=2)] == ["a", "b"]
    assert [e.text for e in stream.wait(0, limit=2)] == ["c"]


def test_waiting_reader_is_woken_by_an_event(town: Stores, redis_url: str) -> None:
    other = connect(redis_url)
    found: list[str] = []
    stream = EventStream(other, town.keys)
    thread = threading.Thread(target=lambda: found.extend(event.type for event in stream.wait(10)))
    thread.start()
    try:
        town.agent("a")
    finally:
        thread.join(12)
        other.close()

    assert found == ["agent.spawned"]


def test_waiting_reader_gives_up_in_time(town: Stores) -> None:
    assert EventStream(town.connection, town.keys).wait(0.01) == []


@pytest.mark.parametrize("kind", [MessageKind.INFO, MessageKind.QUERY])
def test_message_sent_is_an_event_for_its_receiver(town: Stores, kind: MessageKind) -> None:
    agent = town.agent("a")

    town.inbox.send(make_message(agent, kind=kind))

    assert [(e.agent_id, e.text) for e in town.history() if e.type == "message.sent"] == [(agent, "supervisor")]
