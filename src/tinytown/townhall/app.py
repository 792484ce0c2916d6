"""The web application: liveness, readiness, the town and its agents."""

from __future__ import annotations

import time
from collections.abc import Callable

from fastapi import FastAPI, Response

from tinytown import __version__
from tinytown.bootstrap import Town
from tinytown.domain.agent import Agent, AgentState
from tinytown.domain.errors import TinytownError, UnavailableError
from tinytown.townhall.access import TownAccess
from tinytown.townhall.problems import to_problem
from tinytown.townhall.schemas import AgentInfo, Health, Ready, TownInfo, TownStatus

_PUBLIC_STATES = {
    AgentState.STARTING: "Starting",
    AgentState.IDLE: "Idle",
    AgentState.WORKING: "Working",
    AgentState.PAUSED: "Idle",
    AgentState.DRAINING: "Working",
    AgentState.COLD: "Stopped",
    AgentState.STOPPED: "Stopped",
    AgentState.ERROR: "Error",
}
"""The contract knows five states; ours has more."""


def make_app(open_town: Callable[[], Town]) -> FastAPI:
    """The application over one town."""
    app = FastAPI(title="Townhall API", version=__version__)
    app.add_exception_handler(TinytownError, to_problem)
    access, started = TownAccess(open_town), time.monotonic()

    @app.get("/health", tags=["Health"], summary="Liveness check")
    def health() -> Health:
        return Health(status="ok", uptime_secs=int(time.monotonic() - started))

    @app.get("/ready", tags=["Health"], summary="Readiness check", responses={503: {"model": Ready}})
    def ready(response: Response) -> Ready:
        return _ready(access, response)

    @app.get("/v1/town", tags=["Town"], summary="Get town information")
    def town_info() -> TownInfo:
        return TownInfo(**_info(access()))

    @app.get("/v1/status", tags=["Town"], summary="Get comprehensive town status with all agents")
    def status() -> TownStatus:
        town = access()
        agents = [_agent(agent) for agent in town.agents.all()]
        return TownStatus(**_info(town), agent_count=len(agents), agents=agents)

    return app


def _ready(access: TownAccess, response: Response) -> Ready:
    town = access()
    asked = time.perf_counter()
    try:
        dispatchers = town.dispatcher_store.all()
    except UnavailableError as error:
        response.status_code = 503
        return Ready(
            status="not_ready",
            redis="disconnected",
            dispatcher="unknown",
            town=town.settings.town.name,
            detail=error.message,
        )
    latency = (time.perf_counter() - asked) * 1000
    return Ready(
        status="ready",
        redis="connected",
        redis_latency_ms=round(latency, 3),
        dispatcher="running" if dispatchers else "stopped",
        town=town.settings.town.name,
    )


def _info(town: Town) -> dict[str, str]:
    return {"name": town.settings.town.name, "root": str(town.root), "redis_url": str(town.connection.address)}


def _agent(agent: Agent) -> AgentInfo:
    return AgentInfo(
        id=agent.id,
        name=agent.name,
        cli=agent.spec.cli,
        role=agent.spec.role,
        state=_PUBLIC_STATES[agent.state],
        rounds_completed=agent.rounds_completed,
        tasks_completed=agent.tasks_completed,
        inbox_len=agent.inbox_len,
        urgent_len=agent.urgent_len,
    )
