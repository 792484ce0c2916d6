"""Answers of tools that REST does not have; the others are REST's."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from tinytown.schemas.agents import AgentInfo, AgentList
from tinytown.schemas.backlog import BacklogList
from tinytown.schemas.base import Answer
from tinytown.schemas.history import EndedTask
from tinytown.schemas.mission_parts import Uuid
from tinytown.schemas.mission_watches import WatchItemList
from tinytown.schemas.mission_work import MissionWhy, WorkItemList, WorkItemWhy
from tinytown.schemas.missions import MissionActionResponse, MissionList, MissionSummary
from tinytown.schemas.tasks import PendingTaskList, TaskInfo
from tinytown.schemas.town import TownStatus

_TOTAL = "Of all; more than `count` when the limit cut them off."


class TownOverview(TownStatus):
    """The town at a glance."""

    missions: list[MissionSummary] = Field(description="Those that have not ended, newest first.")
    mission_count: int = Field(description="Of all that have not ended.")
    backlog_count: int = Field(description="Tasks that nobody has yet.")
    conductor_inbox: int = Field(description="Messages that wait for you; agent.inbox of `conductor` shows them.")
    is_dispatching: bool = Field(description="Whether a dispatcher moves missions on; if not, use mission.dispatch.")


class Agents(AgentList):
    """Agents, by name."""

    total: int = Field(description=_TOTAL)


class Backlog(BacklogList):
    """The backlog, the oldest first."""

    total: int = Field(description=_TOTAL)


class PendingTasks(PendingTaskList):
    """Tasks that agents have, the oldest first."""

    total: int = Field(description=_TOTAL)


class Missions(MissionList):
    """Missions, newest first."""

    total: int = Field(description=_TOTAL)


class WorkItems(WorkItemList):
    """Items of a mission, by repository and number."""

    total: int = Field(description=_TOTAL)


class Watches(WatchItemList):
    """Watches of a mission, by when they are due."""

    total: int = Field(description=_TOTAL)


class Waited(Answer):
    """How a wait ended."""

    is_over: bool = Field(description="Whether all of them are there; if not, the time was up: wait again.")
    pending: list[str] = Field(description="Names of those that are not there yet.")
    agents: list[AgentInfo] = Field(description="As they are now.")


class Dismissed(Answer):
    """Messages that are gone."""

    dismissed: list[str] = Field(description="Ids of those that were there.")
    left: int = Field(description="Messages that wait still.")


class AgentResult(Answer):
    """What an agent did last."""

    agent: str
    state: str = Field(description="Of the agent, now.")
    open_tasks: int = Field(description="What it has and has not finished; then the result is of an earlier task.")
    task: TaskInfo | None = Field(description="The last task that ended; null: none yet.")
    is_cut: bool = Field(description="Whether texts of it were cut; a greater `chars` shows more.")
    earlier: list[EndedTask] = Field(description="Those before, the last to end first.")


class Why(Answer):
    """What a mission waits for, or one item of it."""

    mission: MissionWhy | None = Field(default=None, description="Without an item.")
    work_item: WorkItemWhy | None = Field(default=None, description="With an item.")
    is_dispatching: bool = Field(description="Whether a dispatcher moves missions on; if not, use mission.dispatch.")


class MissionInput(MissionActionResponse):
    """What became of an answer."""

    note: str = Field(description="What was done with its text.")
    is_resumed: bool = Field(description="Whether something was held or stopped that goes on now.")


class Happened(Answer):
    """An event of the town."""

    id: str
    at: datetime
    type: str
    text: str
    mission_id: str | None
    work_item_id: str | None
    agent: str | None = Field(description="Its name.")
    task_id: str | None


class Events(Answer):
    """Events, oldest first."""

    events: list[Happened]
    count: int


class Dispatched(Answer):
    """What one look at every mission did."""

    missions: list[Uuid] = Field(description="Those that were looked at.")
    events: list[Happened] = Field(description="What happened meanwhile in the town, the last of it; oldest first.")
    next_due_at: datetime | None = Field(
        description="When one of them wants to be looked at again at the latest; as soon as an agent has ended its task,"
        " looking again moves it on."
    )
