"""What is reclaimed of a mission goes back to it, and it gives the work out anew."""

from __future__ import annotations

from tests.integration.services.paper import MISSION, an_item, start, the_item
from tests.properties.mission_town import PaperTown, open_tasks

from tinytown.domain.agent import AgentState
from tinytown.domain.task import Report, TaskState
from tinytown.store.agents import BACKLOG


def steps(town: PaperTown) -> None:
    while town.is_due():
        town.step(0)


def test_reclaimed_task_of_a_mission_is_done_by_somebody_else_and_once(paper_town: PaperTown) -> None:
    town = paper_town
    start(town, items=(an_item(),))
    steps(town)
    (task,) = open_tasks(town)
    first = town.agents.get(task.agent_id or "")
    town.agents.interrupt(first.id, town.now, "interrupted by the operator")

    found = town.agents.reclaim(first.id, BACKLOG, town.now, may_live=True)

    assert (found.mission_tasks, found.tasks) == (1, 0)
    assert town.tasks.get(task.id).state is TaskState.CANCELLED
    assert town.is_due(), "the mission looks at once"
    steps(town)
    (again,) = open_tasks(town)
    second = town.agents.get(again.agent_id or "")
    assert (again.id != task.id, second.id != first.id) == (True, True)
    told = f"#1 goes to somebody else: {first.name}, which had it, is {AgentState.PAUSED.value}"
    assert told in [event.text for event in town.missions.events(MISSION)]
    town.claim(second.name)
    town.end_run(second.name, Report.COMPLETED, commits=True)
    steps(town)
    assert the_item(town).failed_attempts == 0
    assert the_item(town).submitted is not None
