from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.integration.store.stores import NOW, Stores, later, make_spec

from tinytown.domain.errors import ConflictError, IllegalTransitionError, NotAllowedError, NotFoundError
from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.task import Report, TaskState
from tinytown.store.backlog import PART, BacklogStore
from tinytown.store.connection import connect


@pytest.fixture
def backlog(town: Stores) -> BacklogStore:
    return BacklogStore(town.connection, town.keys)


def added(town: Stores, backlog: BacklogStore, *names: str, secs: int = 0) -> None:
    """Tasks with these ids, each a second younger than the one before."""
    for number, name in enumerate(names):
        backlog.add(make_spec(id=name, parent="supervisor"), later(secs + number))


def waiting(backlog: BacklogStore) -> list[str]:
    return [task.id for task in backlog.page(100)]


def test_tasks_of_the_backlog_are_pending_and_the_oldest_comes_first(town: Stores, backlog: BacklogStore) -> None:
    added(town, backlog, "b", "a", "c")

    assert waiting(backlog) == ["b", "a", "c"]
    assert backlog.count() == 3
    assert (town.tasks.get("b").state, town.tasks.get("b").agent_id) == (TaskState.PENDING, None)
    assert town.tasks.find_id("b") == "b"
    assert town.said() == ["backlog.added"] * 3


def test_pages_go_on_where_the_last_one_ended_also_when_its_last_task_was_taken(
    town: Stores, backlog: BacklogStore
) -> None:
    for name in ("d", "b", "c", "a"):
        backlog.add(make_spec(id=name), NOW)  # all at once
    added(town, backlog, "e", secs=1)

    first = [task.id for task in backlog.page(2)]
    backlog.claim("b", town.agent("backend"), NOW)

    assert first == ["d", "b"]
    assert [task.id for task in backlog.page(2, after="b")] == ["c", "a"]
    assert [task.id for task in backlog.page(2, after="a")] == ["e"]
    assert backlog.page(2, after="e") == []


def test_pages_leave_out_nothing_that_is_as_old(town: Stores, backlog: BacklogStore) -> None:
    added(town, backlog, "a", "b", "c", "d")
    for name in "abcd":
        town.connection.execute("ZADD", town.keys("backlog"), 7, name)
        town.connection.execute("HSET", town.keys("task", name), "queued_ms", 7)
    backlog.claim("b", town.agent("backend"), NOW)

    assert [task.id for task in backlog.page(1, after="a")] == ["c"]
    assert [task.id for task in backlog.page(9, after="b")] == ["c", "d"]


def test_page_goes_on_from_a_task_that_was_in_the_backlog_once_only(town: Stores, backlog: BacklogStore) -> None:
    added(town, backlog, "a")
    town.tasks.assign(make_spec(id="given"), town.agent("backend"), NOW)

    for nothing in ("given", "nothing"):
        with pytest.raises(NotFoundError, match=f"'{nothing}' was in the backlog"):
            backlog.page(2, after=nothing)


def test_claimed_task_is_in_the_agents_inbox_and_no_longer_in_the_backlog(town: Stores, backlog: BacklogStore) -> None:
    agent = town.agent("backend")
    backlog.add(make_spec(id="t1", title="make tea", parent="Lead"), NOW, hops=3)

    backlog.claim("t1", agent, later(1))

    assert waiting(backlog) == []
    task = town.tasks.get("t1")
    assert (task.state, task.agent_id) == (TaskState.ASSIGNED, agent)
    (message,) = town.inbox.waiting(agent)
    assert (message.id, message.task_id, message.sender, message.text) == ("t1", "t1", "Lead", "make tea")
    assert (message.hops, message.sent_at) == (3, later(1))
    assert town.find(agent).open_tasks == 1
    lease = town.host()
    assert town.claim(lease, agent).task == town.tasks.get("t1")


def test_task_that_was_claimed_is_refused_with_who_has_it(town: Stores, backlog: BacklogStore) -> None:
    one, two = town.agent("one"), town.agent("two")
    added(town, backlog, "0123456789")
    backlog.claim("0123456789", one, NOW)
    before = town.dump()

    calls: list[Callable[[], None]] = [
        lambda: backlog.claim("0123456789", two, NOW),
        lambda: backlog.claim("0123456789", one, NOW),
        lambda: backlog.remove("0123456789", NOW),
    ]
    for refused in calls:
        with pytest.raises(ConflictError, match="task 01234567 is not in the backlog: it is assigned, one has it"):
            refused()
    assert town.dump() == before

    town.tasks.report("0123456789", Report.COMPLETED, NOW, run_id=None)
    with pytest.raises(ConflictError, match=r"it is completed$"):
        backlog.claim("0123456789", two, NOW)


def test_unknown_tasks_and_agents_are_not_found(town: Stores, backlog: BacklogStore) -> None:
    agent = town.agent("backend")
    added(town, backlog, "t1")

    calls: list[Callable[[], object]] = [
        lambda: backlog.claim("nothing", agent, NOW),
        lambda: backlog.claim("t1", "nobody", NOW),
        lambda: backlog.assign_all("nobody", NOW),
        lambda: backlog.remove("nothing", NOW),
    ]
    for refused in calls:
        with pytest.raises(NotFoundError):
            refused()
    assert waiting(backlog) == ["t1"]


ELSEWHERE = "choose another agent, or the backlog"
SAID = {"error": "in error"}
AGAIN = "bring it back: tt restart backend"
ADVICE = {"stopped": AGAIN, "error": AGAIN, "draining": ELSEWHERE, "closing": ELSEWHERE}


@pytest.mark.parametrize("state", ["stopped", "error", "draining", "closing"])
def test_agent_that_is_leaving_is_given_nothing(town: Stores, backlog: BacklogStore, state: str) -> None:
    agent = town.agent("backend")
    added(town, backlog, "t1")
    field, value = ("closing", "1") if state == "closing" else ("state", state)
    town.connection.execute("HSET", town.keys("agent", agent), field, value)

    with pytest.raises(
        IllegalTransitionError, match=f"^backend is {SAID.get(state, state)} and takes no tasks; {ADVICE[state]}$"
    ):
        backlog.claim("t1", agent, NOW)
    with pytest.raises(
        IllegalTransitionError, match=f"^backend is {SAID.get(state, state)} and takes no tasks; {ADVICE[state]}$"
    ):
        backlog.assign_all(agent, NOW)
    assert waiting(backlog) == ["t1"]


def test_whole_backlog_goes_to_an_agent_in_its_order(town: Stores, backlog: BacklogStore) -> None:
    agent = town.agent("backend")
    added(town, backlog, "b", "a", "c")

    assert backlog.assign_all(agent, later(9)) == ["b", "a", "c"]

    assert [message.task_id for message in town.inbox.waiting(agent)] == ["b", "a", "c"]
    assert (backlog.count(), town.find(agent).open_tasks) == (0, 3)
    assert backlog.assign_all(agent, later(9)) == []


def test_long_backlog_is_handed_out_in_parts(town: Stores, backlog: BacklogStore) -> None:
    agent = town.agent("backend")
    tasks = [f"task-{number:04}" for number in range(2 * PART + 1)]
    for task in tasks:
        backlog.add(make_spec(id=task), NOW)

    assert backlog.assign_all(agent, NOW) == tasks
    assert backlog.count() == 0


def test_nothing_is_left_in_the_index_by_wishes(town: Stores, backlog: BacklogStore) -> None:
    agent = town.agent("backend")
    for name, tags in (("a", ("x",)), ("b", ("x",)), ("c", ()), ("d", ("y", "role:X"))):
        backlog.add(make_spec(id=name, tags=tags), NOW)
    assert sorted(town.connection.execute("HVALS", town.keys("backlog", "wishes"))) == [b"", b"x", b"y\nx"]

    backlog.claim("a", agent, NOW)
    backlog.remove("d", NOW)
    town.tasks.report("c", Report.FAILED, NOW, reason="no", run_id=None)
    assert town.connection.execute("HVALS", town.keys("backlog", "wishes")) == [b"x"]
    backlog.assign_all(agent, NOW)

    assert town.connection.execute("KEYS", f"{town.keys('backlog')}*") == []


def test_removed_task_is_kept_as_cancelled_and_the_agent_that_added_it_is_told(
    town: Stores, backlog: BacklogStore
) -> None:
    lead = town.agent("Lead")
    backlog.add(make_spec(id="t1", parent="Lead"), NOW)
    added(town, backlog, "t2")

    backlog.remove("t1", NOW)
    backlog.remove("t2", NOW)

    assert [town.tasks.get(i).state for i in ("t1", "t2")] == [TaskState.CANCELLED] * 2
    assert [task.id for task in town.tasks.newest()] == ["t2", "t1"]
    assert [message.text.splitlines()[0] for message in town.inbox.waiting(lead)] == ["Task t1 (do it) is cancelled"]
    assert town.inbox.waiting(CONDUCTOR) == []


def test_owner_removes_only_its_own(town: Stores, backlog: BacklogStore) -> None:
    lead = town.agent("Lead")
    backlog.add(make_spec(id="t1", parent="Lead"), NOW)
    added(town, backlog, "t2")

    backlog.remove("t1", NOW, owner="Lead")
    with pytest.raises(NotAllowedError, match="not yours"):
        backlog.remove("t2", NOW, owner="Lead")

    assert waiting(backlog) == ["t2"]
    assert town.inbox.waiting(lead) == []


@pytest.mark.parametrize("report", [Report.COMPLETED, Report.FAILED])
def test_person_ends_a_task_that_nobody_has(town: Stores, backlog: BacklogStore, report: Report) -> None:
    added(town, backlog, "t1")

    assert town.tasks.report("t1", report, NOW, reason="no", run_id=None) == report.value

    assert (waiting(backlog), town.tasks.get("t1").is_open) == ([], False)


def test_each_task_is_claimed_by_exactly_one_of_many_who_ask_at_once(
    town: Stores, backlog: BacklogStore, redis_url: str
) -> None:
    tasks = [f"task-{number:02}" for number in range(20)]
    added(town, backlog, *tasks)
    agents = [town.agent(f"agent-{number}") for number in range(8)]

    def claim_all(agent: str) -> list[str]:
        connection = connect(redis_url)
        mine, got = BacklogStore(connection, town.keys), []
        for task in tasks:
            try:
                mine.claim(task, agent, NOW)
            except ConflictError:
                continue
            got.append(task)
        connection.close()
        return got

    with ThreadPoolExecutor(len(agents)) as pool:
        got = dict(zip(agents, pool.map(claim_all, agents), strict=True))

    assert sorted(task for each in got.values() for task in each) == tasks
    for agent in agents:
        assert {message.task_id for message in town.inbox.waiting(agent)} == set(got[agent])
        assert all(town.tasks.get(task).agent_id == agent for task in got[agent])
    assert town.said().count("task.assigned") == len(tasks)
