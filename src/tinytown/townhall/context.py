"""What the routes share, and how they get it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from fastapi import Depends, Request

from tinytown.bootstrap import Town
from tinytown.config import Settings
from tinytown.domain.access import Principal, Scope
from tinytown.domain.errors import MissingScopeError, UnauthenticatedError
from tinytown.townhall.pace import Pace
from tinytown.townhall.pool import TownPool
from tinytown.townhall.probing import Probe
from tinytown.townhall.traffic import Traffic


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """One server's; it is the state of the application."""

    towns: TownPool
    settings: Settings
    """Those of the start."""
    started: float = msgspec.field(default_factory=time.monotonic)
    stopping: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    """Set when the server was told to stop: what answers for long, such as a stream of events, then ends."""
    pace: Pace = Pace()
    traffic: Traffic = msgspec.field(default_factory=Traffic)
    probe: Probe = msgspec.field(default_factory=Probe)

    @property
    def settings_now(self) -> Settings:
        """Those of now, as a town has them that is lent now."""
        with self.towns.lend() as town:
            return town.settings


async def context_of(request: Request) -> Context:
    """The server's context. Asynchronous only so that it does not cost a thread."""
    found: Context = request.app.state.context
    return found


async def lent_town(request: Request) -> AsyncIterator[Town]:
    """A town for the time of the request; its connection opens when the route first speaks to the store."""
    context: Context = request.app.state.context
    with context.towns.lend() as town:
        yield town


async def principal_of(request: Request) -> Principal:
    """Who asks, as the gate found out."""
    found = getattr(request.state, "principal", None)
    if not isinstance(found, Principal):
        raise UnauthenticatedError("nobody found out who asks: the gate is missing before this server")
    return found


Asking = Annotated[Principal, Depends(principal_of)]
Here = Annotated[Context, Depends(context_of)]
LentTown = Annotated[Town, Depends(lent_town)]


class Needs:
    """A dependency of a route: who asks must have the scope, else 403 that names it."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, principal: Asking) -> None:
        """Let pass, or refuse."""
        if not principal.may(self.scope):
            raise MissingScopeError(self.scope.value)


READ = Depends(Needs(Scope.TOWN_READ))
WRITE = Depends(Needs(Scope.TOWN_WRITE))
MANAGE = Depends(Needs(Scope.AGENT_MANAGE))
ADMIN = Depends(Needs(Scope.ADMIN))
