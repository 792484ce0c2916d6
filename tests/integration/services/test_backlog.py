from __future__ import annotations

import pytest
from tests.integration.store.stores import NOW, Stores, make_message

from tinytown.domain.agent import AgentState
from tinytown.domain.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from tinytown.domain.message import MAX_HOPS
from tinytown.domain.task import TaskKind, TaskState
from tinytown.services.backlog import MOST_TAGS, TAG_CHARS, Backlog
from tinytown.services.caller import Caller
from tinytown.services.tasks import Tasks
from tinytown.store.backlog import BacklogStore

PERSON = Caller()


def backlog_as(town: Stores, caller: Caller = PERSON, *, may_direct: bool = False) -> Backlog:
    return Backlog(
        BacklogStore(town.connection, town.keys),
        town.tasks,
        town.agents,
        town.inbox,
        caller=caller,
        may_direct=may_direct,
        clock=lambda: NOW,
        redact=lambda text: text.replace("hunter2", "***"),
    )


def in_a_run(town: Stores, name: str, *, hops: int = 0) -> Caller:
    """An agent that calls from its run; work was passed on so often when it began."""
    agent = town.agent(name)
    lease = town.host(f"host-{name}", f"machine-{name}")
    town.connection.execute("HSET", town.keys("agent", agent), "state", "idle", "host_id", lease.host_id)
    town.inbox.send(make_message(agent, hops=hops))
    town.claim(lease, agent, run=f"run-{name}")
    return Caller(agent_id=agent, run_id=f"run-{name}")


def test_added_task_waits_with_what_was_said_of_it_without_secrets(town: Stores) -> None:
    task = backlog_as(town).add("Log in.\nThe password is hunter2.", ("role:backend", " docs ", "docs", "hunter2"))

    assert (task.state, task.agent_id, task.spec.kind) == (TaskState.PENDING, None, TaskKind.WORK)
    assert (task.spec.title, task.spec.instructions) == ("Log in.", "Log in.\nThe password is ***.")
    assert (task.spec.tags, task.spec.parent) == (("role:backend", "docs", "***"), "supervisor")
    assert backlog_as(town).list() == [task]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        (" \n", ()),
        ("do it", ("",)),
        ("do it", ("two\nlines",)),
        ("do it", ("x" * (TAG_CHARS + 1),)),
        ("do it", tuple(map(str, range(MOST_TAGS + 1)))),
    ],
)
def test_nothing_and_strange_tags_are_not_added(town: Stores, text: str, tags: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInputError):
        backlog_as(town).add(text, tags)

    assert backlog_as(town).count() == 0


@pytest.mark.parametrize("limit", [0, 1001])
def test_limit_of_a_list_is_bounded(town: Stores, limit: int) -> None:
    with pytest.raises(InvalidInputError, match="1 to 1000"):
        backlog_as(town).list(limit)


def test_tasks_are_named_by_the_beginning_of_their_ids(town: Stores) -> None:
    agent = town.agent("backend")
    backlog = backlog_as(town)
    first, second = backlog.add("one"), backlog.add("two")

    claimed, owner = backlog.claim(first.id[:12], "BACKEND")
    removed = backlog.remove(second.id[:12])

    assert (claimed.id, claimed.state, claimed.agent_id, owner.id) == (first.id, TaskState.ASSIGNED, agent, agent)
    assert (removed.id, removed.state) == (second.id, TaskState.CANCELLED)
    assert backlog.list() == []
    assert backlog.list(after=first.id[:12]) == []
    with pytest.raises(NotFoundError):
        backlog.claim("ffffffff", "backend")
    with pytest.raises(ConflictError, match="it is assigned, backend has it"):
        backlog.remove(first.id)


def test_person_says_who_is_to_have_a_task(town: Stores) -> None:
    task = backlog_as(town).add("one")

    with pytest.raises(InvalidInputError, match="which agent"):
        backlog_as(town).claim(task.id)


def test_agent_claims_for_itself_only(town: Stores) -> None:
    caller = in_a_run(town, "ann")
    town.agent("bob")
    first, second = backlog_as(town).add("one"), backlog_as(town).add("two")

    assert backlog_as(town, caller).claim(first.id)[1].name == "ann"
    with pytest.raises(NotAllowedError, match="for itself only"):
        backlog_as(town, caller).claim(second.id, "bob")
    assert backlog_as(town, caller).claim(second.id, "Ann")[0].agent_id == caller.agent_id


def test_what_an_agent_claimed_itself_goes_back_when_it_stops_and_what_a_person_gave_it_waits(town: Stores) -> None:
    caller = in_a_run(town, "ann")
    first, second = backlog_as(town).add("one"), backlog_as(town).add("two")
    backlog_as(town, caller).claim(first.id)
    backlog_as(town).claim(second.id, "ann")

    town.agents.move(caller.agent_id or "", AgentState.STOPPED, NOW)

    assert [task.id for task in backlog_as(town).list()] == [first.id]
    assert [message.task_id for message in town.inbox.waiting(caller.agent_id or "") if message.task_id] == [second.id]


def test_agent_does_not_decide_about_what_others_added_unless_it_may_direct(town: Stores) -> None:
    caller = in_a_run(town, "ann")
    own, others = backlog_as(town, caller).add("mine"), backlog_as(town).add("theirs")
    third = backlog_as(town).add("one more")

    assert backlog_as(town, caller).remove(own.id).state is TaskState.CANCELLED
    with pytest.raises(NotAllowedError, match="not yours"):
        backlog_as(town, caller).remove(others.id)
    with pytest.raises(NotAllowedError, match="hand out the whole backlog"):
        backlog_as(town, caller).assign_all("ann")
    assert backlog_as(town, caller, may_direct=True).remove(others.id).state is TaskState.CANCELLED
    owner, given = backlog_as(town, caller, may_direct=True).assign_all("ann")
    assert (owner.name, [task.id for task in given]) == ("ann", [third.id])


def test_agent_that_added_a_task_is_told_what_came_of_it(town: Stores) -> None:
    caller = in_a_run(town, "ann")
    task = backlog_as(town, caller).add("make tea")
    bob = town.agent("bob")
    backlog_as(town).claim(task.id, "bob")

    Tasks(town.tasks, town.agents, town.inbox, Caller(agent_id=bob), lambda: NOW, str).complete(task.id, "here it is")

    told = [message.text for message in town.inbox.waiting(caller.agent_id or "") if message.sender == "bob"]
    assert told == [f"Task {task.id[:8]} (make tea) is completed: here it is\nSee: tt task show {task.id[:8]}"]


def test_work_that_agents_add_in_a_circle_ends(town: Stores) -> None:
    ann = in_a_run(town, "ann", hops=MAX_HOPS - 1)
    task = backlog_as(town, ann).add("your turn")
    bob = town.agent("bob")
    backlog_as(town).claim(task.id, "bob")
    assert [message.hops for message in town.inbox.waiting(bob)] == [MAX_HOPS]
    lease = town.host("host-bob")
    town.claim(lease, bob, run="run-bob")

    with pytest.raises(NotAllowedError, match="8 agents in a row"):
        backlog_as(town, Caller(agent_id=bob, run_id="run-bob")).add("your turn again")

    assert backlog_as(town).count() == 0
