"""Tasks and messages."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tinytown.bootstrap import Town
from tinytown.domain.access import Scope
from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.message import MessageKind
from tinytown.mcp.arguments import MOST, AgentName, Limit, TaskId, Words
from tinytown.mcp.results import Dismissed, PendingTasks
from tinytown.mcp.tool import Effect, Spec
from tinytown.schemas.base import Id, Line, OptionalText
from tinytown.schemas.messages import KindName, SendMessageResponse
from tinytown.schemas.tasks import AssignTaskResponse, PendingTask, TaskReportResponse


def assign(
    town: Town,
    agent: AgentName,
    task: Annotated[Words, Field(description="What is to be done, with all that the agent must know.")],
    urgent: Annotated[bool, Field(description="Before everything else that waits.")] = False,  # noqa: FBT002  an argument by name
) -> AssignTaskResponse:
    """Give an agent a task in your own words; it begins when it is idle. Then agent.wait and agent.get_result."""
    given = town.tasks.assign(agent, task, is_urgent=urgent)
    town.ensure_host()
    owner = town.agents.find(given.agent_id or agent)
    return AssignTaskResponse(task_id=given.id, agent_id=owner.id, agent_name=owner.name)


def list_pending(town: Town, limit: Limit = 100) -> PendingTasks:
    """List what agents have and have not finished, the oldest first. What nobody has yet is in backlog.list."""
    found = town.tasks.open()
    shown = [PendingTask.of(task, agent) for task, agent in found[:limit]]
    return PendingTasks(tasks=shown, count=len(shown), total=len(found))


def complete(
    town: Town,
    task_id: TaskId,
    result: Annotated[OptionalText, Field(description="What was done.")] = "",
) -> TaskReportResponse:
    """Report a task as done: your own, when you are the agent that has it, or one that was done in another way. A review
    needs a verdict instead.
    """
    task, status = town.tasks.complete(task_id, result)
    return TaskReportResponse(task_id=task.id, status=status)


def send(
    town: Town,
    to: Annotated[Line, Field(description="An agent, or `conductor`.")],
    message: Annotated[Words, Field(description="What it says.")],
    kind: Annotated[
        KindName,
        Field(description="`task` and `query` make the agent run; `info` and `ack` are read with the next run."),
    ] = "info",
    urgent: Annotated[bool, Field(description="Before everything else that waits.")] = False,  # noqa: FBT002  as above
) -> SendMessageResponse:
    """Send a message to an agent or to the conductor, for example the answer to a question. Work that has an end and a
    result is better given with task.assign.
    """
    sent = town.messages.send(to, message, MessageKind(kind), is_urgent=urgent)
    town.ensure_host()
    owner = CONDUCTOR if sent.to == CONDUCTOR else town.agents.find(sent.to).name
    return SendMessageResponse(message_id=sent.id, to_agent=owner, urgent=sent.is_urgent)


def dismiss(
    town: Town,
    messages: Annotated[
        list[Id], Field(min_length=1, max_length=MOST, description="Their ids, as agent.inbox has them.")
    ],
) -> Dismissed:
    """Remove messages of your own inbox (`conductor`) that you have dealt with, so that agent.inbox shows what is new.
    Questions of missions leave it by themselves once they are answered. Ids that are not there are left out.
    """
    gone = town.messages.dismiss(messages)
    return Dismissed(dismissed=[one.id for one in gone], left=len(town.messages.waiting(CONDUCTOR)))


_READ, _WRITE = Scope.TOWN_READ, Scope.TOWN_WRITE

TOOLS = (
    Spec(name="task.assign", title="Give a task", does=assign, scope=_WRITE, effect=Effect.ADDS),
    Spec(name="task.list_pending", title="List open tasks", does=list_pending, scope=_READ, has_texts=True),
    Spec(name="task.complete", title="Report a task as done", does=complete, scope=_WRITE, effect=Effect.SETS),
    Spec(name="message.send", title="Send a message", does=send, scope=_WRITE, effect=Effect.ADDS),
    Spec(name="message.dismiss", title="Clear messages away", does=dismiss, scope=_WRITE, effect=Effect.STOPS),
)
