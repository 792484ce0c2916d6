"""Idle agents take from the backlog by themselves."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.integration.store.stores import MACHINE, NOW, Stores, later, make_item, make_message, make_spec
from tests.unit.planner import world

from tinytown.domain.agent import AgentState
from tinytown.domain.message import MessageKind
from tinytown.domain.task import TaskState
from tinytown.domain.workitem import WorkKind
from tinytown.planner.fit import suitable_workers
from tinytown.store.backlog import BacklogStore
from tinytown.store.hosts import Claim, HostLease

LONG_AFTER = later(60)
ROLES = {"backend": "backend", "docs": "writer", "helper": "worker", "critic": "reviewer"}


@pytest.fixture
def backlog(town: Stores) -> BacklogStore:
    return BacklogStore(town.connection, town.keys)


def took(
    town: Stores, lease: HostLease, agent: str, run: str = "run-1", at: datetime = LONG_AFTER
) -> str | datetime | None:
    """The task that the agent has now, or when it looks again."""
    found = town.hosts.claim(lease, agent, run, at, takes_backlog=True)
    if isinstance(found, Claim):
        assert found.task is not None
        return found.task.id
    return found


def free_everybody(town: Stores, backlog: BacklogStore) -> None:
    """As if nobody had taken anything."""
    for agent in town.agents.all():
        for task in town.agents.task_ids(agent.id):
            town.connection.execute("DEL", town.keys("task", task))
        for part in ((), ("messages",), ("claimed",)):
            town.connection.execute("DEL", town.keys("inbox", agent.id, *part))
        town.connection.execute("DEL", town.keys("agent", agent.id, "tasks"))
        town.connection.execute("HSET", town.keys("agent", agent.id), "state", "idle")
        town.connection.execute("HDEL", town.keys("agent", agent.id), "run_id", "task_id")
    for key in town.connection.execute("KEYS", f"{town.keys('backlog')}*"):
        town.connection.execute("DEL", key)
    assert backlog.count() == 0


def test_idle_agent_takes_the_oldest_task_and_runs_it(town: Stores, backlog: BacklogStore) -> None:
    agent, lease = town.agent("backend"), town.host()
    backlog.add(make_spec(id="younger"), later(1))
    backlog.add(make_spec(id="t1", title="make tea", parent="Lead"), NOW, hops=2)

    claim = town.hosts.claim(lease, agent, "run-1", LONG_AFTER, takes_backlog=True)

    assert isinstance(claim, Claim)
    assert claim.task == town.tasks.get("t1")
    assert (claim.task.state, claim.task.agent_id, claim.task.run_id) == (TaskState.RUNNING, agent, "run-1")
    (message,) = claim.messages
    assert (message.task_id, message.sender, message.hops, message.kind) == ("t1", "Lead", 2, MessageKind.TASK)
    assert [task.id for task in backlog.page(10)] == ["younger"]
    assert town.hosts.claim(lease, agent, "run-1", LONG_AFTER, takes_backlog=True) == claim  # the answer was lost
    town.finish(lease, agent)
    assert town.tasks.get("t1").state is TaskState.COMPLETED
    assert took(town, lease, agent, "run-2") == "younger"


def test_what_is_to_be_known_comes_with_the_task(town: Stores, backlog: BacklogStore) -> None:
    agent, lease = town.agent("backend"), town.host()
    town.inbox.send(make_message(agent, "fyi", MessageKind.INFO))
    backlog.add(make_spec(title="make tea"), NOW)

    claim = town.hosts.claim(lease, agent, "run-1", LONG_AFTER, takes_backlog=True)

    assert isinstance(claim, Claim)
    assert [message.text for message in claim.messages] == ["make tea", "fyi"]


def test_agent_that_may_not_takes_nothing(town: Stores, backlog: BacklogStore) -> None:
    agent, lease = town.agent("backend"), town.host()
    backlog.add(make_spec(), NOW)

    assert town.hosts.claim(lease, agent, "run-1", LONG_AFTER) is None
    assert backlog.count() == 1


@pytest.mark.parametrize("state", ["paused", "draining", "stopped", "error", "cold", "starting", "working"])
def test_agent_that_is_not_idle_takes_nothing(town: Stores, backlog: BacklogStore, state: str) -> None:
    agent, lease = town.agent("backend"), town.host()
    backlog.add(make_spec(), NOW)
    town.connection.execute("HSET", town.keys("agent", agent), "state", state)

    assert took(town, lease, agent) is None
    assert backlog.count() == 1


def test_own_work_comes_first_also_when_it_may_only_be_begun_later(town: Stores, backlog: BacklogStore) -> None:
    agent, lease = town.agent("backend"), town.host()
    backlog.add(make_spec(), NOW)
    mission = town.mission(make_item())
    given = town.give(mission, agent)

    assert took(town, lease, agent) == given
    town.finish(lease, agent, "retry", retry_at=later(90), task_fields={"reason": "no"})
    assert took(town, lease, agent, "run-2") == later(90)
    assert backlog.count() == 1


def test_agent_with_an_open_task_takes_no_other(town: Stores, backlog: BacklogStore) -> None:
    agent, lease = town.agent("backend"), town.host()
    backlog.add(make_spec(), NOW)
    town.connection.execute("SADD", town.keys("agent", agent, "tasks"), "one")

    assert took(town, lease, agent) is None


def test_agent_that_became_free_is_left_to_an_active_mission_for_a_moment(town: Stores, backlog: BacklogStore) -> None:
    agent, lease = town.agent("backend"), town.host()
    backlog.add(make_spec(id="t1"), NOW)
    town.mission(make_item())
    town.inbox.send(make_message(agent))
    town.claim(lease, agent, at=later(9))
    town.finish(lease, agent, at=later(10))

    assert took(town, lease, agent, "run-2", later(10.4)) == later(11)
    assert took(town, lease, agent, "run-2", later(11)) == "t1"


def test_task_is_left_to_somebody_better_suited_for_a_moment(town: Stores, backlog: BacklogStore) -> None:
    backend, worker = town.agent("backend"), town.agent("helper", role="worker")
    lease = town.host()
    backlog.add(make_spec(id="t1", tags=("role:backend",)), later(10))
    backlog.add(make_spec(id="t2", tags=("role:backend",)), later(10))

    assert took(town, lease, worker, at=later(10.4)) == later(11)
    assert took(town, lease, backend, at=later(10.4)) == "t1"
    assert took(town, lease, worker, "run-2", at=later(10.4)) == "t2"  # who is better suited is busy now


def test_task_that_somebody_better_suited_leaves_is_taken(town: Stores, backlog: BacklogStore) -> None:
    town.agent("backend")
    worker, lease = town.agent("helper", role="worker"), town.host()
    backlog.add(make_spec(id="t1", tags=("backend",)), later(10))

    assert took(town, lease, worker, at=later(11)) == "t1"


def test_clock_that_is_behind_keeps_nobody_from_a_task(town: Stores, backlog: BacklogStore) -> None:
    town.agent("backend")
    worker, lease = town.agent("helper", role="worker"), town.host()
    backlog.add(make_spec(id="t1", tags=("backend",)), later(10))

    assert took(town, lease, worker, at=later(3)) == "t1"


def test_task_for_others_does_not_keep_an_agent_from_what_fits_it(town: Stores, backlog: BacklogStore) -> None:
    town.agent("backend")
    frontend, lease = town.agent("frontend"), town.host()
    for number in range(450):
        backlog.add(make_spec(id=f"b-{number}", tags=("role:backend",)), NOW)
    backlog.add(make_spec(id="any"), later(1))

    assert took(town, lease, frontend) == "any"
    town.finish(lease, frontend)
    assert took(town, lease, frontend, "run-2") is None


@pytest.mark.parametrize("gone", ["stopped", "error", "draining"])
def test_whom_a_task_is_for_is_not_waited_for_when_it_is_leaving(
    town: Stores, backlog: BacklogStore, gone: str
) -> None:
    backend, frontend = town.agent("backend"), town.agent("frontend")
    lease = town.host()
    backlog.add(make_spec(id="t1", tags=("role:backend",)), NOW)
    assert took(town, lease, frontend) is None

    town.connection.execute("HSET", town.keys("agent", backend), "state", gone)

    assert took(town, lease, frontend) == "t1"


@pytest.mark.parametrize("wish", [None, "backend", "Writer", "docs", "worker", "reviewer", "critic", "nobody"])
@pytest.mark.parametrize("present", ["backend docs helper critic", "docs critic", "backend helper", "critic", "helper"])
def test_backlog_suits_the_agents_that_work_of_no_kind_suits(
    town: Stores, backlog: BacklogStore, wish: str | None, present: str
) -> None:
    agents = {name: town.agent(name, role=ROLES[name]) for name in present.split()}
    lease = town.host()
    item = world.ready(1, owner_role=wish, kind=WorkKind.MERGE_GATE)
    draft = world.make_draft(item, *(world.make_agent(name, ROLES[name]) for name in agents))
    suited = {agent.name for agent in suitable_workers(draft, item)}

    takers = set()
    for number, (name, agent) in enumerate(agents.items()):
        backlog.add(make_spec(id=f"t{number}", tags=(f"role:{wish}",) if wish else ()), NOW)
        if took(town, lease, agent) == f"t{number}":
            takers.add(name)
        free_everybody(town, backlog)

    assert takers == suited


# What was taken is not lost


def test_taken_task_goes_back_when_its_agent_stops_and_is_as_old_as_it_was(town: Stores, backlog: BacklogStore) -> None:
    agent, other = town.agent("one"), town.agent("two")
    lease = town.host()
    for number, name in enumerate(("t1", "t2")):
        backlog.add(make_spec(id=name), later(number), hops=number + 3)
    assert took(town, lease, agent) == "t1"
    town.agents.move(agent, AgentState.DRAINING, LONG_AFTER)

    town.finish(lease, agent, "retry", task_fields={"reason": "no"})

    assert [task.id for task in backlog.page(10)] == ["t1", "t2"]
    task = town.tasks.get("t1")
    assert (task.state, task.agent_id, task.reason) == (
        TaskState.PENDING,
        None,
        "the agent that had taken it stopped",
    )
    assert (town.inbox.waiting(agent), town.agents.task_ids(agent)) == ([], [])
    claim = town.hosts.claim(lease, other, "run-2", LONG_AFTER, takes_backlog=True)
    assert isinstance(claim, Claim)
    assert [(message.task_id, message.hops) for message in claim.messages] == [("t1", 3)]
    assert claim.task is not None
    assert claim.task.runs == 2


def test_taken_task_that_waits_to_be_begun_again_goes_back_when_its_agent_is_stopped(
    town: Stores, backlog: BacklogStore
) -> None:
    agent, lease = town.agent("one"), town.host()
    backlog.add(make_spec(id="t1"), NOW)
    took(town, lease, agent)
    town.finish(lease, agent, "retry", retry_at=later(90), task_fields={"reason": "no"})
    assert backlog.count() == 0

    town.agents.move(agent, AgentState.STOPPED, LONG_AFTER)

    assert [task.retry_at for task in backlog.page(10)] == [None]


def test_task_that_was_given_to_an_agent_waits_for_it(town: Stores, backlog: BacklogStore) -> None:
    agent = town.agent("one")
    town.host()
    backlog.add(make_spec(id="t1"), NOW)
    backlog.claim("t1", agent, NOW)

    town.agents.move(agent, AgentState.STOPPED, LONG_AFTER)

    assert (backlog.count(), town.tasks.get("t1").agent_id) == (0, agent)


def test_taken_task_stays_its_agents_when_the_host_dies_and_fails_after_three_deaths(
    town: Stores, backlog: BacklogStore
) -> None:
    agent = town.agent("one")
    backlog.add(make_spec(id="t1"), NOW)
    for number in range(3):
        lease = town.host(f"host-{number}", MACHINE)  # the one before is dead, as its machine has another
        assert took(town, lease, agent, f"run-{number}") == "t1"
        assert town.tasks.get("t1").runs == number + 1

    town.host("host-3", MACHINE)

    task = town.tasks.get("t1")
    assert (task.state, task.reason) == (TaskState.FAILED, "its host died 3 times in a row while it was at it")
    assert backlog.count() == 0


def test_taken_task_of_a_forced_stop_goes_back_also_when_the_host_dies_first(
    town: Stores, backlog: BacklogStore
) -> None:
    agent, lease = town.agent("one"), town.host()
    backlog.add(make_spec(id="t1"), NOW)
    took(town, lease, agent)
    town.agents.move(agent, AgentState.STOPPED, LONG_AFTER)
    assert backlog.count() == 0  # its run is still under way

    town.host("host-2")

    assert [task.id for task in backlog.page(10)] == ["t1"]
