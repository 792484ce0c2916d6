"""Agents: who there is, and their lives."""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated, TypeAlias

from pydantic import Field

from tinytown.bootstrap import Town
from tinytown.domain.access import Scope
from tinytown.domain.agent import AgentState
from tinytown.domain.ids import CONDUCTOR, RESERVED_NAMES
from tinytown.mcp.arguments import AgentName, Limit
from tinytown.mcp.desk import Desk
from tinytown.mcp.results import AgentResult, Agents, Waited
from tinytown.mcp.tool import Effect, Spec
from tinytown.schemas.agents import (
    MAX_ROUNDS,
    AgentActionResponse,
    AgentInfo,
    DetailState,
    PruneResponse,
    ResumeResponse,
    SpawnAgentResponse,
)
from tinytown.schemas.base import TEXT_LIMIT, Id, Line, Name, cut
from tinytown.schemas.history import EndedTask
from tinytown.schemas.messages import InboxMessage, InboxResponse
from tinytown.schemas.tasks import TaskInfo
from tinytown.services.waiting import Waited as WaitedFor

LONGEST_WAIT_SECS = 600
SLICE_SECS = 2.0
"""So long a thread waits at a time: between two of them a wait can be broken off, and others get the thread."""

Force: TypeAlias = Annotated[bool, Field(description="At once, without waiting for the end of its run.")]


def list_agents(town: Town, limit: Limit = 100) -> Agents:
    """List the agents with state, role, CLI and how much waits in their inboxes. Use it to choose whom to give work."""
    found = sorted(town.agents.all(), key=lambda agent: (agent.name.lower(), agent.id))
    shown = [AgentInfo.of(agent, is_deep=True) for agent in found[:limit]]
    return Agents(agents=shown, count=len(shown), total=len(found))


def spawn(
    town: Town,
    name: Annotated[Name, Field(description="Unique; letters, digits, '.', '_' and '-'.")],
    cli: Annotated[Line | None, Field(description="The agent CLI; by default the role's or the town's.")] = None,
    role: Annotated[
        Name | None, Field(description="Such as backend, tester or reviewer; by default the name's.")
    ] = None,
    nickname: Annotated[Line | None, Field(description="Shown beside its name.")] = None,
    parent: Annotated[Line | None, Field(description="The agent it works for.")] = None,
    max_rounds: Annotated[int | None, Field(ge=1, le=MAX_ROUNDS, description="Runs after which it stops.")] = None,
) -> SpawnAgentResponse:
    """Start an agent: a coding CLI with an inbox and a worktree of its own. It then takes what fits its role; give it work
    with task.assign, or let missions do so. One of that name that stopped starts anew with its inbox and tasks.
    """
    spec = town.agents.spawn(name, cli=cli, role=role, nickname=nickname, parent=parent, max_rounds=max_rounds)
    return SpawnAgentResponse(agent_id=spec.id, name=spec.name, cli=spec.cli, role=spec.role)


def kill(town: Town, agent: AgentName, force: Force = False) -> AgentActionResponse:  # noqa: FBT002  an argument by name
    """Stop an agent when its run ends, or at once with force. Its messages and tasks wait: agent.restart brings it back,
    recovery.reclaim_tasks gives its work to others.
    """
    found = town.agents.find(agent)
    return AgentActionResponse(status=town.agents.kill(found.id, is_forced=force).value, agent=found.name)


def restart(
    town: Town,
    agent: AgentName,
    force: Annotated[bool, Field(description="Also one that is there: its run is stopped first.")] = False,  # noqa: FBT002  as above
) -> AgentActionResponse:
    """Start an agent anew that stopped or broke, with its inbox and tasks; with force also one that is there."""
    found = town.agents.find(agent)
    return AgentActionResponse(status=town.agents.restart(found.id, is_forced=force).value, agent=found.name)


def interrupt(town: Town, agent: AgentName) -> AgentActionResponse:
    """Pause an agent until agent.resume: its run is stopped, and begun anew later in the same worktree."""
    found = town.agents.find(agent)
    return AgentActionResponse(status=town.agents.interrupt(found.id).value, agent=found.name)


def resume(town: Town, agent: AgentName) -> ResumeResponse:
    """Let a paused agent go on, also one that waits for the end of a rate limit."""
    found = town.agents.find(agent)
    state, until = town.agents.resume(found.id)
    town.ensure_host()
    return ResumeResponse(status=state.value, agent=found.name, limited_until=until)


def close(town: Town, agent: AgentName) -> AgentActionResponse:
    """Have an agent take nothing new, finish what it has, and stop then. The orderly way to end one."""
    found = town.agents.find(agent)
    state = town.agents.close(found.id)
    town.ensure_host()
    return AgentActionResponse(status=state.value, agent=found.name)


async def wait(
    desk: Desk,
    agents: Annotated[list[Line], Field(min_length=1, max_length=100, description="Names of agents.")],
    state: Annotated[
        DetailState | None, Field(description="Wait for this state; by default until nothing is left to do.")
    ] = None,
    timeout_secs: Annotated[float, Field(ge=0, le=LONGEST_WAIT_SECS, description="When to give up.")] = 60,
) -> Waited:
    """Wait until agents have done what they have: all of them idle with nothing left to do, or stopped. Use it after
    task.assign, then read agent.get_result. When the time is up it says who is not there yet; call it again.
    """
    end = time.monotonic() + timeout_secs
    wanted = None if state is None else AgentState(state)
    while True:
        waited = await desk.run(partial(_wait, agents, wanted, 0.0))
        left = min(end - time.monotonic(), SLICE_SECS)
        if not waited.is_timed_out or left <= 0 or desk.is_stopping():
            return _waited(waited)
        await desk.wait(partial(_wait, agents, wanted, left), left)


def _wait(agents: list[str], state: AgentState | None, secs: float, town: Town) -> WaitedFor:
    return town.agents.wait(agents, state=state, timeout_secs=secs)


def _waited(waited: WaitedFor) -> Waited:
    return Waited(
        is_over=not waited.is_timed_out,
        pending=[agent.name for agent in waited.pending],
        agents=[AgentInfo.of(agent) for agent in waited.agents],
    )


def inbox(
    town: Town,
    agent: AgentName = CONDUCTOR,
    message: Annotated[Id | None, Field(description="Only this one, with its whole text.")] = None,
    limit: Limit = 20,
) -> InboxResponse:
    """Read what waits in an inbox, urgent messages first; nothing is removed. `conductor` is yours: questions of agents
    and of missions come there, and what came of tasks that you gave. Answer an agent with message.send, a mission with
    mission.input; then message.dismiss clears away what you have dealt with.
    """
    owner = CONDUCTOR if agent.lower() in RESERVED_NAMES else town.agents.find(agent).name
    found = sorted(town.messages.waiting(owner), key=lambda one: (not one.is_urgent, one.sent_at, one.id))
    if message is None:
        shown = [InboxMessage.of(one) for one in found[:limit]]
    else:
        shown = [InboxMessage.of(one).model_copy(update={"text": one.text}) for one in found if one.id == message]
    return InboxResponse(agent=owner, total=len(found), urgent=sum(one.is_urgent for one in found), messages=shown)


def prune(
    town: Town,
    all: Annotated[  # noqa: A002, FBT002  REST's name; an argument by name
        bool, Field(description="Also those whose host is long gone; unfinished work goes elsewhere, nothing is lost.")
    ] = False,
) -> PruneResponse:
    """Take agents that stopped or broke out of the roster; those with unfinished work are kept, and named."""
    return PruneResponse.of(town.agents.prune(is_all=all))


def get_result(
    town: Town,
    agent: AgentName,
    limit: Annotated[
        int, Field(ge=1, le=50, description="So many tasks: the last one whole, those before in short.")
    ] = 1,
    chars: Annotated[
        int, Field(ge=1, le=TEXT_LIMIT, description="Of each text of the task at most so many characters.")
    ] = 20_000,
) -> AgentResult:
    """Read what an agent said of the last task that it ended. Use it after agent.wait."""
    found = town.agents.find(agent)
    ended = town.tasks.history(agent=found.id, limit=limit)
    open_tasks = sum(owner.id == found.id for _, owner in town.tasks.open(found.id))
    task = TaskInfo.of(ended[0][0]) if ended else None
    return AgentResult(
        agent=found.name,
        state=found.state.value,
        open_tasks=open_tasks,
        task=None if task is None else _cut(task, chars),
        is_cut=task is not None and any(len(getattr(task, name)) > chars for name in _TEXTS),
        earlier=[EndedTask.of(task, owner) for task, owner in ended[1:]],
    )


_TEXTS = ("instructions", "result", "reason")


def _cut(task: TaskInfo, chars: int) -> TaskInfo:
    return task.model_copy(update={name: cut(getattr(task, name), chars) for name in _TEXTS})


_READ, _MANAGE = Scope.TOWN_READ, Scope.AGENT_MANAGE

TOOLS = (
    Spec(name="agent.list", title="List agents", does=list_agents, scope=_READ, has_texts=True),
    Spec(name="agent.spawn", title="Start an agent", does=spawn, scope=_MANAGE, effect=Effect.ADDS),
    Spec(name="agent.kill", title="Stop an agent", does=kill, scope=_MANAGE, effect=Effect.STOPS),
    Spec(name="agent.restart", title="Start an agent anew", does=restart, scope=_MANAGE, effect=Effect.RESTARTS),
    Spec(name="agent.interrupt", title="Pause an agent", does=interrupt, scope=_MANAGE, effect=Effect.SETS),
    Spec(name="agent.resume", title="Let an agent go on", does=resume, scope=_MANAGE, effect=Effect.SETS),
    Spec(name="agent.close", title="Close an agent", does=close, scope=_MANAGE, effect=Effect.SETS),
    Spec(name="agent.wait", title="Wait for agents", does=wait, scope=_READ),
    Spec(name="agent.inbox", title="Read an inbox", does=inbox, scope=_READ, has_texts=True),
    Spec(name="agent.prune", title="Clear agents away", does=prune, scope=_MANAGE, effect=Effect.STOPS),
    Spec(name="agent.get_result", title="Read an agent's result", does=get_result, scope=_READ, has_texts=True),
)
