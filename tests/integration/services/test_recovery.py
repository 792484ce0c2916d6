"""Getting over what died: recovering, reclaiming, pruning; and waiting for agents."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.integration.store.stores import MACHINE, NOW, Stores, make_message, make_spec
from tests.waiting import wait_until

from tinytown.config.settings import AgentSettings
from tinytown.domain.agent import AgentState
from tinytown.domain.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from tinytown.domain.message import MessageKind
from tinytown.runtime.clis import adapter
from tinytown.services.agent_life import LONG_GONE, Kept
from tinytown.services.agents import Agents
from tinytown.services.caller import Caller
from tinytown.services.recovery import Recovery
from tinytown.services.waiting import Waited
from tinytown.store.connection import connect
from tinytown.store.events import EventStream
from tinytown.store.hosts import HostLease


class Helper:
    """The services of a town whose host is on paper."""

    def __init__(self, town: Stores, caller: str | None = None, *, may_direct: bool = False) -> None:
        self.has_host = True
        self.started = 0
        self.now: datetime = NOW
        common = {"machine": lambda: MACHINE, "clock": lambda: self.now, "caller": Caller(agent_id=caller)}
        self.recovery = Recovery(
            town.agents,
            town.hosts,
            is_host_running=lambda: self.has_host,
            start_host=self._start,
            ensure_host=self._start,
            may_direct=may_direct,
            **common,  # type: ignore[arg-type]
        )
        self.agents = Agents(
            town.agents,
            town.inbox,
            lambda: EventStream(town.connection, town.keys),
            settings=AgentSettings(default_cli="demo", may_direct=may_direct),
            adapter=lambda name: adapter(name, {}),
            path="",
            ensure_host=self._start,
            **common,  # type: ignore[arg-type]
        )

    def _start(self) -> None:
        self.started += 1


# Recovering


def test_agents_of_a_dead_host_are_recovered_at_once_and_only_once(town: Stores) -> None:
    helper = Helper(town)
    town.agent("ann")
    stopped = town.agent("bob")
    town.host()
    helper.agents.kill("bob")
    helper.has_host = False

    first = helper.recovery.recover()

    assert (first.checked, first.agents, first.elsewhere, helper.started) == (2, ("ann",), (), 1)
    assert town.find(stopped).state is AgentState.STOPPED
    assert town.hosts.all() == {}
    helper.has_host = True
    town.host("host-2")
    assert helper.recovery.recover().agents == ()
    assert helper.started == 1


def test_hosts_that_are_alive_are_left_alone(town: Stores) -> None:
    helper = Helper(town)
    ann, away = town.agent("ann"), town.agent("bob", machine="there")
    town.host()
    town.host("host-2", "there")
    helper.has_host = True

    found = helper.recovery.recover()

    assert (found.checked, found.agents, found.elsewhere) == (2, (), ())
    assert [town.find(one).state for one in (ann, away)] == [AgentState.IDLE] * 2


def test_agents_of_another_machine_turn_cold_when_its_hosts_lease_ran_out_and_are_named(town: Stores) -> None:
    helper = Helper(town)
    town.agent("ann", machine="there")
    town.host("host-2", "there")
    assert helper.recovery.recover().elsewhere == ()
    town.connection.execute("DEL", town.keys("host", "host-2", "lease"))

    for _ in range(2):
        found = helper.recovery.recover()
        assert (found.agents, found.elsewhere) == ((), ("ann",))
    assert helper.started == 0


def test_agents_that_never_had_a_host_get_one(town: Stores) -> None:
    helper = Helper(town)
    town.agent("ann")
    helper.has_host = False

    assert helper.recovery.recover().agents == ("ann",)
    assert helper.started == 1


# Reclaiming


def test_without_a_destination_reclaiming_only_counts(town: Stores) -> None:
    helper = Helper(town)
    ann = town.agent("ann")
    town.tasks.assign(make_spec(), ann, NOW)
    helper.agents.kill("ann")

    found = helper.recovery.reclaim()

    assert (found.destination, found.count, found.found.total, found.agents) == ("none", 0, 1, ("ann",))
    assert town.find(ann).open_tasks == 1
    assert helper.started == 0


def test_work_of_all_that_are_gone_is_reclaimed(town: Stores) -> None:
    helper = Helper(town)
    ids = {name: town.agent(name) for name in ("ann", "bob", "cat")}
    for agent in ids.values():
        town.tasks.assign(make_spec(), agent, NOW)
    lease = town.host()
    helper.agents.kill("ann")
    town.hosts.close(lease, NOW)
    town.agents.move(ids["cat"], AgentState.STARTING, NOW)

    found = helper.recovery.reclaim(to="cat")

    assert (found.destination, found.count, found.agents) == ("cat", 2, ("ann", "bob"))
    assert town.find(ids["cat"]).open_tasks == 3
    assert helper.started == 1


def test_cold_agent_that_is_to_have_the_work_keeps_its_own(town: Stores) -> None:
    helper = Helper(town)
    ann, bob = town.agent("ann"), town.agent("bob")
    town.hosts.close(town.host(), NOW)
    town.tasks.assign(make_spec(), ann, NOW)
    town.tasks.assign(make_spec(), bob, NOW)

    assert helper.recovery.reclaim(to="bob").agents == ("ann",)
    assert (town.find(ann).open_tasks, town.find(bob).open_tasks) == (0, 2)


def test_reclaiming_needs_one_destination_and_agents_that_there_are(town: Stores) -> None:
    recovery = Helper(town).recovery
    town.agent("ann")

    with pytest.raises(InvalidInputError, match="say one of them"):
        recovery.reclaim(to_backlog=True, to="ann")
    with pytest.raises(InvalidInputError, match="ann's already"):
        recovery.reclaim(to="ann", source="ann")
    for wish in ({"to": "nobody"}, {"source": "nobody"}):
        with pytest.raises(NotFoundError):
            recovery.reclaim(**wish)  # type: ignore[arg-type]


# Pruning


def test_only_agents_that_are_gone_are_pruned_and_those_with_work_are_named(town: Stores) -> None:
    helper = Helper(town)
    ann = town.agent("ann")
    for name in ("bob", "cat"):
        town.agent(name)
    town.tasks.assign(make_spec(), ann, NOW)
    helper.agents.kill("ann")
    helper.agents.kill("bob")

    pruned = helper.agents.prune()

    assert pruned.removed == ("bob",)
    assert pruned.kept == (Kept(name="ann", reason="has 1 unfinished task; see: tt reclaim --from ann"),)
    assert [agent.name for agent in helper.agents.all()] == ["ann", "cat"]


def test_pruning_all_takes_those_whose_host_is_long_gone_with_their_work_going_elsewhere(town: Stores) -> None:
    helper = Helper(town)
    agent = town.agent("ann")
    town.tasks.assign(make_spec(), agent, NOW)
    town.inbox.send(make_message(agent))
    town.hosts.close(town.host(), NOW)

    helper.now = NOW + LONG_GONE - timedelta(seconds=1)
    assert helper.agents.prune(is_all=True).removed == ()
    helper.now = NOW + LONG_GONE
    assert helper.agents.prune().removed == ()
    pruned = helper.agents.prune(is_all=True)

    assert (pruned.removed, pruned.moved.tasks, pruned.moved.messages) == (("ann",), 1, 1)
    assert len(town.inbox.waiting("conductor")) == 1


def test_agent_that_still_ends_its_run_is_kept(town: Stores) -> None:
    helper = Helper(town)
    agent = town.agent("ann")
    lease = town.host()
    town.tasks.assign(make_spec(), agent, NOW)
    town.claim(lease, agent)
    helper.agents.kill("ann", is_forced=True)

    assert helper.agents.prune(is_all=True).kept == (Kept(name="ann", reason="ann is still ending its last run"),)


# Who may


@pytest.mark.parametrize(
    "act",
    [
        lambda helper: helper.agents.prune(),
        lambda helper: helper.recovery.recover(),
        lambda helper: helper.recovery.reclaim(),
        lambda helper: helper.agents.kill("bob"),
        lambda helper: helper.agents.interrupt("bob"),
        lambda helper: helper.agents.resume("bob"),
        lambda helper: helper.agents.close("bob"),
        lambda helper: helper.agents.restart("bob", is_forced=True),
        lambda helper: helper.agents.wait(["ann"]),
    ],
)
def test_agents_are_refused_what_is_for_people(town: Stores, act: Callable[[Helper], object]) -> None:
    ann = town.agent("ann")
    town.agent("bob")

    with pytest.raises(NotAllowedError):
        act(Helper(town, ann))
    assert town.said() == ["agent.spawned"] * 2


def test_agents_direct_those_that_they_spawned_and_all_where_the_town_lets_them(town: Stores) -> None:
    ann = town.agent("Ann")
    town.agent("bob", parent="ann")
    town.agent("cat")

    assert Helper(town, ann).agents.kill("bob") is AgentState.STOPPED
    assert town.find(Helper(town).agents.find("bob").id).reason == "stopped by Ann"
    assert Helper(town, ann, may_direct=True).agents.kill("cat") is AgentState.STOPPED
    assert Helper(town, ann, may_direct=True).agents.prune().removed == ("bob", "cat")


# Waiting


class Waiter:
    """A wait in a thread, over a connection of its own."""

    def __init__(self, town: Stores, redis_url: str, *names: str, state: AgentState | None = None) -> None:
        self.result: Waited | None = None
        self.error: Exception | None = None
        self._connection = connect(redis_url)
        own = Stores(self._connection, town.keys)
        self._thread = threading.Thread(target=self._run, args=(Helper(own).agents, names, state))
        self._thread.start()

    def _run(self, agents: Agents, names: tuple[str, ...], state: AgentState | None) -> None:
        try:
            self.result = agents.wait(names, state=state, timeout_secs=60)
        except (ConflictError, NotFoundError) as error:
            self.error = error

    def end(self) -> Waited | None:
        self._thread.join(10)
        assert not self._thread.is_alive(), "an event woke it"
        self._connection.close()
        return self.result


def is_blocked(town: Stores) -> bool:
    clients: bytes = town.connection.execute("CLIENT", "LIST")
    return any(b"cmd=xread" in line and b" flags=b" in line for line in clients.splitlines())


def test_waiting_ends_when_all_are_idle_with_nothing_left_to_do(town: Stores, redis_url: str) -> None:
    ann, _ = town.agent("ann"), town.agent("bob")
    lease = town.host()
    town.tasks.assign(make_spec(), ann, NOW)
    town.claim(lease, ann)
    town.inbox.send(make_message(ann, "fyi", MessageKind.INFO))
    waiter = Waiter(town, redis_url, "ann", "bob")
    wait_until(lambda: is_blocked(town), "it waits for events")

    town.finish(lease, ann)

    waited = waiter.end()
    assert waited is not None
    assert ([agent.name for agent in waited.agents], waited.is_timed_out) == (["ann", "bob"], False)


def test_waiting_ends_with_an_error_when_an_agent_breaks(town: Stores, redis_url: str) -> None:
    ann = town.agent("ann")
    waiter = Waiter(town, redis_url, "ann")
    wait_until(lambda: is_blocked(town), "it waits for events")

    town.agents.move(ann, AgentState.ERROR, NOW, {"reason": "no such program"})

    assert waiter.end() is None
    assert str(waiter.error) == "ann is in error: no such program; start it again: tt restart ann"


def test_waiting_for_a_state_ends_when_it_cannot_come_any_more(town: Stores, redis_url: str) -> None:
    ann = town.agent("ann")
    town.host()
    waiter = Waiter(town, redis_url, "ann", state=AgentState.WORKING)
    wait_until(lambda: is_blocked(town), "it waits for events")

    town.agents.kill(ann, NOW, "enough", is_forced=False)

    assert waiter.end() is None
    assert "ann is stopped: enough" in str(waiter.error)


def test_waiting_is_over_at_once_for_what_is_there_or_gone(town: Stores) -> None:
    helper = Helper(town)
    ann = town.agent("ann")
    town.host()

    assert not helper.agents.wait(["ann"], timeout_secs=0).is_timed_out
    assert not helper.agents.wait([ann[:8]], state=AgentState.IDLE).is_timed_out
    helper.agents.kill("ann")
    assert not helper.agents.wait(["ann"]).is_timed_out


@pytest.mark.parametrize("state", [None, AgentState.STOPPED])
def test_stopped_agent_is_waited_for_until_its_run_has_ended(town: Stores, state: AgentState | None) -> None:
    helper, (ann, lease) = Helper(town), at_work(town)
    helper.agents.kill("ann", is_forced=True)

    assert helper.agents.wait(["ann"], state=state, timeout_secs=0).is_timed_out

    town.finish(lease, ann, "retry", is_round=False)
    assert not helper.agents.wait(["ann"], state=state, timeout_secs=0).is_timed_out


def test_interrupted_agent_is_waited_for_until_its_run_has_ended(town: Stores) -> None:
    helper, (ann, lease) = Helper(town), at_work(town)
    helper.agents.interrupt("ann")

    assert helper.agents.wait(["ann"], state=AgentState.PAUSED, timeout_secs=0).is_timed_out

    town.finish(lease, ann, "retry", is_round=False)
    assert not helper.agents.wait(["ann"], state=AgentState.PAUSED, timeout_secs=0).is_timed_out


@pytest.mark.parametrize("is_stopped_before", [True, False])
def test_agent_that_is_to_start_anew_is_waited_for(town: Stores, *, is_stopped_before: bool) -> None:
    helper, (ann, lease) = Helper(town), at_work(town)
    if is_stopped_before:
        helper.agents.kill("ann", is_forced=True)

    helper.agents.restart("ann", is_forced=True)

    for state in (None, AgentState.IDLE):
        assert helper.agents.wait(["ann"], state=state, timeout_secs=0).is_timed_out
    town.finish(lease, ann, "retry", is_round=False)
    assert helper.agents.wait(["ann"], timeout_secs=0).is_timed_out, "it is starting"


def at_work(town: Stores) -> tuple[str, HostLease]:
    ann = town.agent("ann")
    lease = town.host()
    town.tasks.assign(make_spec(), ann, NOW)
    town.claim(lease, ann)
    return ann, lease


def test_waiting_gives_up_when_its_time_is_up(town: Stores) -> None:
    helper = Helper(town)
    ann = town.agent("ann")
    town.host()
    town.inbox.send(make_message(ann))

    waited = helper.agents.wait(["ann"], timeout_secs=0.05)

    assert (waited.is_timed_out, [agent.name for agent in waited.pending]) == (True, ["ann"])


def test_waiting_needs_somebody_and_a_time_that_can_be(town: Stores) -> None:
    helper = Helper(town)
    town.agent("ann")

    with pytest.raises(InvalidInputError, match="say which agents"):
        helper.agents.wait([])
    with pytest.raises(InvalidInputError, match="at least 0"):
        helper.agents.wait(["ann"], timeout_secs=-1)
    with pytest.raises(NotFoundError):
        helper.agents.wait(["ann", "nobody"])
