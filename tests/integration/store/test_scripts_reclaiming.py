"""What agents that are gone leave: reclaimed, pruned, released; each transition whole."""

from __future__ import annotations

import pytest
from tests.integration.store.lives import WHY, at_work, kill
from tests.integration.store.stores import NOW, Stores, make_message, make_spec, running

from tinytown.domain.agent import AgentState
from tinytown.domain.errors import ConflictError, IllegalTransitionError, LeaseLostError
from tinytown.domain.message import MessageKind
from tinytown.domain.task import TaskState


def test_reclaimed_task_and_messages_are_another_agents(town: Stores) -> None:
    ann, bob = town.agent("ann"), town.agent("bob")
    lease = town.host()
    spec = make_spec()
    town.tasks.assign(spec, ann, NOW, is_urgent=True, hops=3)
    town.inbox.send(make_message(ann, "Which port?", sender="cat", hops=2))
    kill(town, ann)

    found = town.agents.reclaim(ann, bob, NOW, may_live=False)

    assert (found.tasks, found.messages, found.mission_tasks, found.under_way) == (1, 1, 0, 0)
    task = town.tasks.get(spec.id)
    assert (task.state, task.agent_id, task.reason) == (TaskState.ASSIGNED, bob, "ann, which had it, is stopped")
    brought, asked = town.inbox.waiting(bob)
    assert (brought.task_id, brought.to, brought.is_urgent, brought.hops) == (spec.id, bob, True, 3)
    assert (asked.text, asked.sender, asked.hops) == (
        "[This was sent to ann, which is stopped.]\n\nWhich port?",
        "cat",
        2,
    )
    assert [(town.find(one).open_tasks, town.find(one).inbox_len) for one in (ann, bob)] == [(0, 0), (1, 2)]
    claim = town.claim(lease, bob)
    assert claim.task is not None
    assert claim.task.id == spec.id


def test_reclaimed_work_goes_to_the_backlog_and_words_to_the_conductor(town: Stores) -> None:
    ann, spec = town.agent("ann"), make_spec()
    town.tasks.assign(spec, ann, NOW)
    town.inbox.send(make_message(ann, "Which port?"))
    kill(town, ann)

    assert town.agents.reclaim(ann, None, NOW, may_live=False).total == 2
    assert town.find(ann).inbox_len == 2
    assert town.agents.reclaim(ann, "backlog", NOW, may_live=False).total == 2

    task = town.tasks.get(spec.id)
    assert (task.state, task.agent_id) == (TaskState.PENDING, None)
    assert town.connection.execute("ZRANGE", town.keys("backlog"), 0, -1) == [spec.id.encode()]
    assert [message.text.splitlines()[-1] for message in town.inbox.waiting("conductor")] == ["Which port?"]
    assert town.agents.reclaim(ann, "backlog", NOW, may_live=False).total == 0


def test_missions_task_goes_back_to_its_mission(town: Stores) -> None:
    agent, lease, mission_id, task = running(town)
    kill(town, agent, is_forced=True)
    town.finish(lease, agent, "retry", keeps_extras=True)
    bob = town.agent("bob")
    town.commit(town.read(mission_id), due=None)
    assert town.due().missions == ()

    found = town.agents.reclaim(agent, bob, NOW, may_live=False)

    assert (found.tasks, found.messages, found.mission_tasks) == (0, 1, 1)
    assert town.tasks.get(task).state is TaskState.CANCELLED
    assert town.tasks.get(task).reason == "backend, which had it, is stopped"
    assert town.due().missions == (mission_id,)
    assert [message.kind for message in town.inbox.waiting(bob)] == [MessageKind.INFO]


def test_what_an_agent_is_at_is_not_reclaimed(town: Stores) -> None:
    agent, lease, task = at_work(town)
    second = make_spec()
    town.tasks.assign(second, agent, NOW)

    with pytest.raises(IllegalTransitionError, match="backend is there again"):
        town.agents.reclaim(agent, "backlog", NOW, may_live=False)
    found = town.agents.reclaim(agent, "backlog", NOW, may_live=True)

    assert (found.tasks, found.under_way) == (1, 1)
    assert town.tasks.get(task).state is TaskState.RUNNING
    assert town.tasks.get(second.id).state is TaskState.PENDING
    assert town.finish(lease, agent) == "idle"


def test_either_the_host_that_comes_back_has_the_work_or_who_reclaimed_it(town: Stores) -> None:
    agent, lease, task = at_work(town)
    (record,) = town.hosts.all().values()
    assert town.hosts.release_lost(lease.host_id, record["token"], NOW, is_dead=True) == ["backend"]
    bob = town.agent("bob", machine="there")

    town.agents.reclaim(agent, bob, NOW, may_live=False)

    with pytest.raises(LeaseLostError):
        town.finish(lease, agent)
    again = town.host("host-2")
    assert town.hosts.claim(again, agent, "run-2", NOW) is None
    assert town.tasks.get(task).agent_id == bob


def test_agent_that_takes_no_tasks_is_given_none(town: Stores) -> None:
    ann, bob = town.agent("ann"), town.agent("bob")
    town.tasks.assign(make_spec(), ann, NOW)
    kill(town, ann)
    kill(town, bob)

    with pytest.raises(ConflictError, match="is stopped and takes no tasks; bring it back: tt restart"):
        town.agents.reclaim(ann, bob, NOW, may_live=False)
    assert town.find(ann).open_tasks == 1


# Pruning


def test_pruned_agent_leaves_nothing_behind_and_its_name_is_free(town: Stores) -> None:
    agent = town.agent("Backend")
    town.host()
    child = town.agent("helper", parent="Backend")
    kill(town, agent)

    is_gone, found = town.agents.prune(agent, {AgentState.STOPPED}, NOW, hands_over=False)

    assert (is_gone, found.total) == (True, 0)
    assert town.find(child).spec.parent == "Backend"
    assert [key for key in town.dump() if agent.encode() in key] == []
    assert agent.encode() not in town.connection.execute("SMEMBERS", town.keys("host", "host-1", "agents"))
    assert town.agent("backend") != agent


def test_agent_with_work_is_pruned_only_when_it_goes_elsewhere(town: Stores) -> None:
    agent, spec = town.agent("backend"), make_spec()
    town.tasks.assign(spec, agent, NOW)
    kill(town, agent)

    is_gone, found = town.agents.prune(agent, {AgentState.STOPPED}, NOW, hands_over=False)
    assert (is_gone, found.tasks, town.find(agent).open_tasks) == (False, 1, 1)

    is_gone, found = town.agents.prune(agent, {AgentState.STOPPED}, NOW, hands_over=True)
    assert (is_gone, found.tasks, town.agents.all()) == (True, 1, [])
    assert town.tasks.get(spec.id).reason == "backend, which had it, was pruned"


def test_agent_that_was_started_again_or_still_runs_is_not_pruned(town: Stores) -> None:
    agent, lease, _ = at_work(town)
    kill(town, agent, is_forced=True)
    with pytest.raises(IllegalTransitionError, match="still ending its last run"):
        town.agents.prune(agent, {AgentState.STOPPED}, NOW, hands_over=True)
    town.finish(lease, agent, "retry")
    town.agents.restart(agent, NOW, WHY, is_forced=False)
    with pytest.raises(IllegalTransitionError, match="backend is starting"):
        town.agents.prune(agent, {AgentState.STOPPED}, NOW, hands_over=True)


# Hosts that are gone


def test_host_that_is_alive_is_given_up_only_by_who_knows_that_it_is_dead(town: Stores) -> None:
    agent, lease, task = at_work(town)
    (record,) = town.hosts.all().values()

    assert town.hosts.release_lost(lease.host_id, record["token"], NOW, is_dead=False) == []
    assert town.hosts.release_lost(lease.host_id, "another", NOW, is_dead=True) == []
    assert town.find(agent).state is AgentState.WORKING
    assert town.hosts.release_lost(lease.host_id, record["token"], NOW, is_dead=True) == ["backend"]
    assert town.hosts.release_lost(lease.host_id, record["token"], NOW, is_dead=True) == []
    assert (town.find(agent).state, town.tasks.get(task).state) == (AgentState.COLD, TaskState.ASSIGNED)
