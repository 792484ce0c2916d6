from __future__ import annotations

from datetime import timedelta

import pytest
from tests.integration.store.stores import NOW, Stores, later, make_item, make_spec

from tinytown.domain.errors import AmbiguousError, NotFoundError
from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.message import MessageKind
from tinytown.domain.task import Report, TaskState

MONTH = timedelta(days=30)


def ended(town: Stores, agent: str, task_id: str, *, secs: int = 0, by: str | None = None, result: str = "") -> None:
    """A task that was given and reported on."""
    spec = make_spec(id=task_id, parent="supervisor")
    town.tasks.assign(spec, agent, later(secs))
    town.tasks.report(task_id, Report.COMPLETED, later(secs), result=result, agent_id=by, run_id=None)


def test_task_is_found_by_the_beginning_of_its_id_also_when_it_has_ended(town: Stores) -> None:
    agent = town.agent("backend")
    ended(town, agent, "aabb-1")
    town.tasks.assign(make_spec(id="aacc-2"), agent, NOW)

    assert town.tasks.find_id("AAB") == "aabb-1"
    assert town.tasks.find_id("aacc-2") == "aacc-2"
    with pytest.raises(AmbiguousError, match="it fits aabb-1, aacc-2"):
        town.tasks.find_id("aa")
    for nothing in ("ab", "", "["):
        with pytest.raises(NotFoundError, match="no task"):
            town.tasks.find_id(nothing)


def test_tasks_of_missions_are_found_too(town: Stores) -> None:
    agent = town.agent("backend")
    task_id = town.give(town.mission(make_item()), agent)

    assert town.tasks.find_id(task_id[:10]) == task_id


def test_tasks_are_listed_the_last_to_be_given_or_ended_first(town: Stores) -> None:
    agent = town.agent("backend")
    for number in range(3):
        town.tasks.assign(make_spec(id=f"task-{number}"), agent, later(number))
    town.tasks.report("task-0", Report.FAILED, later(60), reason="no", run_id=None)

    assert [task.id for task in town.tasks.newest()] == ["task-0", "task-2", "task-1"]
    assert [task.id for task in town.tasks.newest(page=1)] == ["task-0", "task-2", "task-1"]


def test_index_forgets_what_is_forgotten(town: Stores) -> None:
    agent = town.agent("backend")
    ended(town, agent, "old")
    town.tasks.assign(make_spec(id="open"), agent, NOW)
    town.connection.execute("DEL", town.keys("task", "old"))  # as it expires
    assert [task.id for task in town.tasks.newest()] == ["open"]

    town.tasks.assign(make_spec(id="new"), agent, NOW + MONTH + timedelta(days=1))

    assert town.connection.execute("ZRANGE", town.keys("tasks"), 0, -1) == [b"open", b"new"]
    assert town.connection.execute("ZRANGE", town.keys("tasks", "ids"), 0, -1) == [b"new", b"open"]


# Telling who gave it


def test_sender_is_told_of_the_end_of_a_task_that_an_agent_reported(town: Stores) -> None:
    agent = town.agent("backend")
    ended(town, agent, "0123456789", by=agent, result="made 'tea' ☕")

    (message,) = town.inbox.waiting(CONDUCTOR)
    assert (message.sender, message.kind, message.to, message.sent_at) == ("backend", MessageKind.INFO, CONDUCTOR, NOW)
    assert message.text == "Task 01234567 (do it) is completed: made 'tea' ☕\nSee: tt task show 01234567"


def test_long_result_is_not_copied(town: Stores) -> None:
    agent = town.agent("backend")
    ended(town, agent, "0123456789", by=agent, result="x" * 2001)

    (message,) = town.inbox.waiting(CONDUCTOR)
    assert message.text == "Task 01234567 (do it) is completed\nSee: tt task show 01234567"


def test_agent_that_gave_a_task_is_told_in_its_own_inbox(town: Stores) -> None:
    lead, agent = town.agent("Lead"), town.agent("backend")
    town.tasks.assign(make_spec(id="t1", parent="Lead"), agent, NOW)
    town.tasks.report("t1", Report.FAILED, NOW, reason="no tea", agent_id=agent, run_id=None)

    (message,) = town.inbox.waiting(lead)
    assert message.text == "Task t1 (do it) is failed: no tea\nSee: tt task show t1"
    assert town.inbox.waiting(CONDUCTOR) == []


@pytest.mark.parametrize("parent", ["backend", "gone", None])
def test_nobody_is_told_who_knows_or_is_gone(town: Stores, parent: str | None) -> None:
    agent = town.agent("backend")
    town.tasks.assign(make_spec(id="t1", parent=parent), agent, NOW)
    town.tasks.report("t1", Report.COMPLETED, NOW, agent_id=agent, run_id=None)
    ended(town, agent, "t2")  # a person said so

    assert town.inbox.waiting(agent) == []
    assert town.inbox.waiting(CONDUCTOR) == []
    assert town.tasks.get("t1").state is TaskState.COMPLETED


def test_tasks_of_missions_are_not_told_of(town: Stores) -> None:
    agent = town.agent("backend")
    task_id = town.give(town.mission(make_item()), agent)
    town.tasks.report(task_id, Report.COMPLETED, NOW, agent_id=agent, run_id=None)

    assert town.inbox.waiting(CONDUCTOR) == []
