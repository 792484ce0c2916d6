from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.integration.store.stores import NOW, Stores, later, make_item, make_message, make_spec

from tinytown.domain.agent import AgentState
from tinytown.domain.errors import ConflictError, IllegalTransitionError, LeaseLostError, NotFoundError, StaleError
from tinytown.domain.message import MessageKind
from tinytown.domain.task import Report, TaskState
from tinytown.store.hosts import Claim, HostLease


def texts(claim: Claim) -> list[str]:
    return [message.text for message in claim.messages]


def hosted(town: Stores, name: str = "backend") -> tuple[str, HostLease]:
    """An idle agent and its host."""
    agent = town.agent(name)
    return agent, town.host()


# Claiming


def test_agent_without_messages_has_nothing_to_do(town: Stores) -> None:
    agent, lease = hosted(town)

    assert town.hosts.claim(lease, agent, "run-1", NOW) is None
    assert town.find(agent).state is AgentState.IDLE


def test_run_of_a_task_makes_agent_and_task_busy_and_wakes_the_mission(town: Stores) -> None:
    agent, lease = hosted(town)
    mission_id = town.mission(make_item())
    task = town.give(mission_id, agent)
    town.commit(town.read(mission_id), due=None)

    claim = town.claim(lease, agent)

    assert claim.task is not None
    assert (claim.task.id, claim.task.state, claim.task.run_id, claim.task.runs) == (
        task,
        TaskState.RUNNING,
        "run-1",
        1,
    )
    working = town.find(agent)
    assert (working.state, working.run_id, working.task_id) == (AgentState.WORKING, "run-1", task)
    assert town.due().missions == (mission_id,)
    assert "run.started" in town.said()


def test_urgent_messages_come_first_then_the_oldest(town: Stores) -> None:
    agent, lease = hosted(town)
    for text, is_urgent in (("old", False), ("new", False), ("urgent", True), ("also urgent", True)):
        town.inbox.send(make_message(agent, text, is_urgent=is_urgent))

    assert [message.text for message in town.inbox.waiting(agent)] == ["urgent", "also urgent", "old", "new"]
    assert texts(town.claim(lease, agent)) == ["urgent"]
    assert (town.find(agent).inbox_len, town.find(agent).urgent_len) == (4, 2)


def test_one_run_has_one_task_and_everything_there_is_to_know(town: Stores) -> None:
    agent, lease = hosted(town)
    town.inbox.send(make_message(agent, "fyi", MessageKind.INFO))
    town.inbox.send(make_message(agent, "first", MessageKind.QUERY))
    town.inbox.send(make_message(agent, "second", MessageKind.QUERY))
    town.inbox.send(make_message(agent, "got it", MessageKind.ACK))

    assert texts(town.claim(lease, agent)) == ["first", "fyi", "got it"]


def test_information_alone_starts_no_run(town: Stores) -> None:
    agent, lease = hosted(town)
    town.inbox.send(make_message(agent, "fyi", MessageKind.INFO))

    assert town.hosts.claim(lease, agent, "run-1", NOW) is None


def test_task_behind_a_flood_of_information_is_still_found(town: Stores) -> None:
    agent, lease = hosted(town)
    for n in range(250):
        town.inbox.send(make_message(agent, str(n), MessageKind.INFO))
    town.inbox.send(make_message(agent, "work"))

    told = texts(town.claim(lease, agent))

    assert (told[0], told[1], len(told)) == ("work", "0", 201)
    town.finish(lease, agent)
    assert town.find(agent).inbox_len == 50


def test_busy_agent_and_agent_of_another_host_are_given_nothing(town: Stores) -> None:
    agent, lease = hosted(town)
    town.inbox.send(make_message(agent))
    town.inbox.send(make_message(agent))
    other, _ = town.hosts.open("host-2", "there", {}, NOW)

    assert town.hosts.claim(other, agent, "run-0", NOW) is None
    town.claim(lease, agent)
    assert town.hosts.claim(lease, agent, "run-2", NOW) is None


@pytest.mark.parametrize("kind", [MessageKind.TASK, MessageKind.QUERY])
def test_claim_whose_answer_was_lost_can_be_repeated(town: Stores, kind: MessageKind) -> None:
    agent, lease = hosted(town)
    town.inbox.send(make_message(agent, "fyi", MessageKind.INFO))
    if kind is MessageKind.TASK:
        town.tasks.assign(make_spec(title="work"), agent, NOW)
    else:
        town.inbox.send(make_message(agent, "work"))

    first, again = town.claim(lease, agent), town.claim(lease, agent)

    assert first == again
    assert texts(first) == ["work", "fyi"]
    assert first.task is None or first.task.runs == 1


def test_message_is_not_claimed_before_its_time(town: Stores) -> None:
    agent, lease = hosted(town)
    town.inbox.send(make_message(agent))
    town.claim(lease, agent)
    town.finish(lease, agent, "retry", retry_at=later(20))

    assert town.hosts.claim(lease, agent, "run-2", NOW) == later(20)
    assert isinstance(town.hosts.claim(lease, agent, "run-2", later(20)), Claim)


def test_earliest_of_several_times_is_told_and_other_messages_go_ahead(town: Stores) -> None:
    agent, lease = hosted(town)
    for run, secs in (("run-1", 50), ("run-2", 20)):
        town.inbox.send(make_message(agent, run))
        town.claim(lease, agent, run)
        town.finish(lease, agent, "retry", run=run, retry_at=later(secs))

    assert town.hosts.claim(lease, agent, "run-3", NOW) == later(20)
    town.inbox.send(make_message(agent, "new"))
    assert texts(town.claim(lease, agent, "run-3")) == ["new"]


# Finishing


def test_outcome_and_acknowledgement_are_one_step(town: Stores) -> None:
    agent, lease = hosted(town)
    mission_id = town.mission(make_item())
    task = town.give(mission_id, agent)
    town.inbox.send(make_message(agent, "fyi", MessageKind.INFO))
    town.claim(lease, agent)
    town.commit(town.read(mission_id), due=None)
    assert town.find(agent).inbox_len == 2

    state = town.finish(lease, agent, task_fields={"head": "abc", "result": "made it"}, tokens=40, cost_usd=0.25)

    ended, free = town.tasks.get(task), town.find(agent)
    assert state == "idle"
    assert (ended.state, ended.head, ended.result, ended.run_id) == (TaskState.COMPLETED, "abc", "made it", None)
    assert (ended.tokens, ended.cost_usd, ended.finished_at) == (40, 0.25, NOW)
    assert (free.state, free.run_id, free.task_id) == (AgentState.IDLE, None, None)
    assert (free.inbox_len, free.open_tasks, free.rounds_completed, free.tasks_completed) == (0, 0, 1, 1)
    assert (free.tokens, free.cost_usd) == (40, 0.25)
    assert town.due().missions == (mission_id,)
    assert {"task.completed", "run.finished", "agent.idle"} <= set(town.said())


def test_finish_whose_answer_was_lost_can_be_repeated(town: Stores) -> None:
    agent, lease = hosted(town)
    task = make_spec()
    town.tasks.assign(task, agent, NOW)
    town.claim(lease, agent)

    assert town.finish(lease, agent, tokens=5) == town.finish(lease, agent, tokens=5) == "idle"

    assert (town.find(agent).rounds_completed, town.find(agent).tokens) == (1, 5)


def test_outcome_of_a_run_that_the_agent_is_not_in_is_refused(town: Stores) -> None:
    agent, lease = hosted(town)
    town.inbox.send(make_message(agent))
    town.claim(lease, agent)

    with pytest.raises(LeaseLostError, match="another run"):
        town.finish(lease, agent, run="run-0")
    assert town.find(agent).state is AgentState.WORKING


def test_task_handed_back_waits_in_the_inbox_with_the_reason(town: Stores) -> None:
    agent, lease = hosted(town)
    mission_id = town.mission(make_item())
    task = town.give(mission_id, agent)
    town.claim(lease, agent)
    town.tasks.report(task, Report.COMPLETED, NOW, result="made it", run_id="run-1")
    town.commit(town.read(mission_id), due=None)

    town.finish(
        lease, agent, "retry", task_fields={"nudges": "1", "reason": "no commit", "result": ""}, retry_at=later(5)
    )

    handed = town.tasks.get(task)
    assert (handed.state, handed.nudges, handed.reason, handed.result) == (TaskState.ASSIGNED, 1, "no commit", "")
    assert (handed.report, handed.run_id) == (None, None)
    assert town.find(agent).open_tasks == 1
    assert town.due().missions == (mission_id,)
    assert handed.retry_at == later(5)
    assert town.claim(lease, agent, "run-2", later(5)).task is not None


def test_task_is_not_dropped_however_often_it_is_handed_back(town: Stores) -> None:
    agent, lease = hosted(town)
    town.tasks.assign(make_spec(), agent, NOW)

    for n in range(6):
        assert town.claim(lease, agent, f"run-{n}").task is not None
        town.finish(lease, agent, "retry", run=f"run-{n}", max_tries=3)

    assert town.find(agent).inbox_len == 1


def test_message_whose_runs_keep_failing_is_dropped_and_told(town: Stores) -> None:
    agent, lease = hosted(town)
    town.inbox.send(make_message(agent))

    for n in range(3):
        assert town.find(agent).inbox_len == 1
        town.claim(lease, agent, f"run-{n}")
        town.finish(lease, agent, "retry", run=f"run-{n}", max_tries=3)

    assert town.find(agent).inbox_len == 0
    assert [event.text for event in town.history() if event.type == "message.dropped"] == ["tried 3 times"]


@pytest.mark.parametrize("outcome", ["retry", "dropped"])
def test_what_nobody_read_waits_for_the_next_run_however_often(town: Stores, outcome: str) -> None:
    agent, lease = hosted(town)
    town.inbox.send(make_message(agent, "fyi", MessageKind.INFO))

    for n in range(5):
        town.tasks.assign(make_spec(), agent, NOW)
        assert texts(town.claim(lease, agent, f"run-{n}"))[1:] == ["fyi"]
        town.finish(lease, agent, outcome, run=f"run-{n}", keeps_extras=True)

    assert "fyi" in [message.text for message in town.inbox.waiting(agent)]
    town.claim(lease, agent, "run-9")
    town.finish(lease, agent, run="run-9")
    assert "fyi" not in [message.text for message in town.inbox.waiting(agent)]


@pytest.mark.parametrize(
    ("during", "ends_as"),
    [
        (AgentState.DRAINING, "stopped"),
        (AgentState.STOPPED, "stopped"),
        (AgentState.ERROR, "error"),
        (AgentState.PAUSED, "paused"),
    ],
)
def test_what_a_person_decided_during_the_run_stands_with_its_reason(
    town: Stores, during: AgentState, ends_as: str
) -> None:
    agent, lease = hosted(town)
    town.inbox.send(make_message(agent))
    town.claim(lease, agent)
    town.agents.move(agent, during, NOW, {"reason": "stopped by the operator"})

    assert town.finish(lease, agent) == ends_as

    assert (town.find(agent).state.value, town.find(agent).reason) == (ends_as, "stopped by the operator")


def test_rate_limited_agent_is_paused_until_told(town: Stores) -> None:
    agent, lease = hosted(town)
    town.inbox.send(make_message(agent))
    town.claim(lease, agent)

    fields = {"paused_until": later(60).isoformat(), "reason": "rate limited"}
    town.finish(lease, agent, "retry", agent_state="paused", agent_fields=fields, retry_at=later(60))

    paused = town.find(agent)
    assert (paused.state, paused.paused_until, paused.reason) == (AgentState.PAUSED, later(60), "rate limited")


# Reporting


def test_report_of_a_running_task_becomes_final_when_its_run_ends(town: Stores) -> None:
    agent, lease = hosted(town)
    spec = make_spec()
    town.tasks.assign(spec, agent, NOW)
    town.claim(lease, agent)

    assert town.tasks.report(spec.id, Report.COMPLETED, NOW, result="made it", run_id="run-1") == "recorded"

    task = town.tasks.get(spec.id)
    assert (task.state, task.report, task.result) == (TaskState.RUNNING, Report.COMPLETED, "made it")
    assert "task.reported" in town.said()


def test_later_report_takes_the_place_of_the_earlier(town: Stores) -> None:
    agent, lease = hosted(town)
    spec = make_spec()
    town.tasks.assign(spec, agent, NOW)
    town.claim(lease, agent)
    town.tasks.report(spec.id, Report.FAILED, NOW, reason="cannot", run_id="run-1")

    town.tasks.report(spec.id, Report.COMPLETED, NOW, result="could", run_id="run-1")

    task = town.tasks.get(spec.id)
    assert (task.report, task.result, task.reason) == (Report.COMPLETED, "could", "")


@pytest.mark.parametrize(
    ("report", "state"),
    [
        (Report.COMPLETED, TaskState.COMPLETED),
        (Report.APPROVED, TaskState.COMPLETED),
        (Report.REJECTED, TaskState.COMPLETED),
        (Report.FAILED, TaskState.FAILED),
    ],
)
def test_persons_report_of_a_task_nobody_runs_ends_it(town: Stores, report: Report, state: TaskState) -> None:
    agent, _ = hosted(town)
    spec = make_spec()
    town.tasks.assign(spec, agent, NOW)

    assert town.tasks.report(spec.id, report, NOW, reason="because", run_id=None) == state.value

    assert town.tasks.get(spec.id).state is state
    assert (town.find(agent).open_tasks, town.find(agent).inbox_len) == (0, 0)


def test_report_by_another_run_is_refused(town: Stores) -> None:
    agent, lease = hosted(town)
    spec = make_spec()
    town.tasks.assign(spec, agent, NOW)

    for _ in range(2):  # before anybody runs it, and while another run has it
        before = town.tasks.get(spec.id)
        with pytest.raises(ConflictError, match="handed to another run"):
            town.tasks.report(spec.id, Report.COMPLETED, NOW, run_id="run-0")
        assert town.tasks.get(spec.id) == before
        town.claim(lease, agent)


def test_report_of_a_task_that_has_ended_is_refused(town: Stores) -> None:
    agent, _ = hosted(town)
    spec = make_spec()
    town.tasks.assign(spec, agent, NOW)
    town.tasks.report(spec.id, Report.FAILED, NOW, reason="no", run_id=None)

    with pytest.raises(IllegalTransitionError, match="the task is failed already"):
        town.tasks.report(spec.id, Report.COMPLETED, NOW, run_id=None)


def test_report_that_came_after_the_run_was_judged_is_not_lost(town: Stores) -> None:
    agent, lease = hosted(town)
    spec = make_spec()
    town.tasks.assign(spec, agent, NOW)
    town.claim(lease, agent)
    town.tasks.report(spec.id, Report.COMPLETED, NOW, result="by hand", run_id=None)
    before = town.dump()

    with pytest.raises(StaleError, match="a report came meanwhile"):
        town.finish(lease, agent, "retry", task_fields={"reason": "made no report", "result": ""}, seen_report="")
    assert town.dump() == before

    town.finish(lease, agent, "completed", task_fields={"result": "by hand"}, seen_report="completed")
    assert (town.tasks.get(spec.id).state, town.tasks.get(spec.id).result) == (TaskState.COMPLETED, "by hand")


# Taking back


def test_cancelled_task_is_gone_from_the_inbox_and_its_run_ends_without_effect(town: Stores) -> None:
    agent, lease = hosted(town)
    mission_id = town.mission(make_item())
    task = town.give(mission_id, agent)
    town.claim(lease, agent)

    town.commit(town.read(mission_id), cancelled=[(task, "redirected")])
    assert (town.find(agent).inbox_len, town.find(agent).open_tasks) == (0, 0)
    town.finish(lease, agent, "completed", task_fields={"result": "made it"})

    ended = town.tasks.get(task)
    assert (ended.state, ended.result, ended.reason) == (TaskState.CANCELLED, "", "redirected")
    assert town.find(agent).state is AgentState.IDLE


def test_cancelled_task_that_was_not_begun_starts_no_run(town: Stores) -> None:
    agent, lease = hosted(town)
    mission_id = town.mission(make_item())
    task = town.give(mission_id, agent)

    town.commit(town.read(mission_id), cancelled=[(task, "redirected")])

    assert town.hosts.claim(lease, agent, "run-1", NOW) is None


def test_ended_task_is_forgotten_after_a_month(town: Stores) -> None:
    agent, _ = hosted(town)
    spec = make_spec()
    town.tasks.assign(spec, agent, NOW)
    assert town.connection.execute("TTL", town.keys("task", spec.id)) == -1

    town.tasks.report(spec.id, Report.COMPLETED, NOW, run_id=None)

    assert 0 < town.connection.execute("TTL", town.keys("task", spec.id)) <= 30 * 86400


@pytest.mark.parametrize(
    "act",
    [
        lambda town: town.tasks.get("gone"),
        lambda town: town.tasks.report("gone", Report.COMPLETED, NOW, run_id=None),
        lambda town: town.tasks.assign(make_spec(), "gone", NOW),
    ],
)
def test_unknown_task_or_agent_is_told(town: Stores, act: Callable[[Stores], object]) -> None:
    with pytest.raises(NotFoundError):
        act(town)
    assert town.dump() == {}


@pytest.mark.parametrize("state", [AgentState.STOPPED, AgentState.ERROR])
def test_stopped_agent_is_given_no_task(town: Stores, state: AgentState) -> None:
    agent, _ = hosted(town)
    town.agents.move(agent, state, NOW)

    with pytest.raises(
        IllegalTransitionError, match=f"backend is {state.phrase} and takes no tasks; bring it back: tt restart backend"
    ):
        town.tasks.assign(make_spec(), agent, NOW)
    assert town.find(agent).open_tasks == 0


def test_tasks_are_read_together_without_those_that_are_gone(town: Stores) -> None:
    agent, _ = hosted(town)
    specs = [make_spec(), make_spec()]
    for spec in specs:
        town.tasks.assign(spec, agent, NOW, is_urgent=True)

    found = town.tasks.many([specs[1].id, "gone", specs[0].id])

    assert [task.id for task in found] == [specs[1].id, specs[0].id]
    assert set(town.agents.task_ids(agent)) == {spec.id for spec in specs}
    assert town.find(agent).urgent_len == 2
