"""Tasks whose agent cannot get to them go to somebody else."""

from __future__ import annotations

from datetime import timedelta

from tinytown.domain.agent import GONE, Agent
from tinytown.domain.task import Task, TaskKind
from tinytown.domain.workitem import WorkItem
from tinytown.planner.attendance import AWAY, given_up_at, is_missed
from tinytown.planner.draft import Draft
from tinytown.planner.fit import reviewer_for, worker_for
from tinytown.planner.holds import hold
from tinytown.planner.settle import take_back

PATIENCE = timedelta(minutes=10)
"""How long a task stays with an agent that is not expected back while nobody else could have it."""
MAX_LOST_RUNS = 3
"""Runs of an item that may be lost with their agents in a row before a person is asked."""


def release_lost(draft: Draft) -> None:
    """Take tasks back from agents that are gone, or away while somebody suitable is free, or away for long."""
    stand_ins: set[str] = set()
    for task in tuple(draft.tasks.values()):
        agent = draft.agents.get(task.agent_id or "")
        if task.is_open and _is_lost(draft, task, agent, stand_ins):
            _release(draft, task, agent)


def _is_lost(draft: Draft, task: Task, agent: Agent | None, stand_ins: set[str]) -> bool:
    if agent is None or agent.state in GONE:
        return True
    if agent.state not in AWAY or not is_missed(draft, agent):
        return False
    stand_in = _stand_in(draft, draft.items[task.spec.item_id or ""], task)
    if stand_in is not None and stand_in.id not in stand_ins:
        stand_ins.add(stand_in.id)
        return True
    last = given_up_at(draft, agent) + PATIENCE
    if draft.now < last:
        draft.wake(last)
        return False
    return True


def _stand_in(draft: Draft, item: WorkItem, task: Task) -> Agent | None:
    return reviewer_for(draft, item) if task.spec.kind is TaskKind.REVIEW else worker_for(draft, item)


def _release(draft: Draft, task: Task, agent: Agent | None) -> None:
    why = f"{agent.name} is {agent.state.phrase}" if agent else "its agent is gone"
    take_back(draft, task, why)
    if task.runs == 0:
        return
    item = draft.items[task.spec.item_id or ""]
    item = draft.put(item.id, lost_runs=item.lost_runs + 1)
    if item.lost_runs > MAX_LOST_RUNS:
        hold(draft, item, f"lost its agent {item.lost_runs} times in a run of it, last: {why}")
