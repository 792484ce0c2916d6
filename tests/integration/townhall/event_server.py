"""A real server of the REST interface over the test session's store, in a thread."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import uvicorn
from starlette.types import Receive, Scope, Send
from tests.waiting import wait_until

from tinytown.bootstrap import Town
from tinytown.config import Settings
from tinytown.config.settings import RedisSettings, TownSettings
from tinytown.config.townhall import TownhallSettings
from tinytown.domain.access import OPERATOR
from tinytown.serving.abortable import AbortableProtocol
from tinytown.townhall.app import make_app
from tinytown.townhall.context import Context
from tinytown.townhall.hub import Hub
from tinytown.townhall.pace import Pace
from tinytown.townhall.pool import TownPool
from tinytown.townhall.routes.events import hub_of


class EventServer:
    """One that listens on `port`."""

    def __init__(self, settings: Settings, pace: Pace) -> None:
        self.town = Town(settings, os.environ)
        self.towns = TownPool(lambda: Town(settings, os.environ))
        self.asker = OPERATOR
        """Who asks."""
        self.stopping = asyncio.Event()
        self.app = make_app(Context(towns=self.towns, settings=settings, stopping=self.stopping, pace=pace))
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(self._serve, interface="asgi3", http=AbortableProtocol, lifespan="on", log_config=None)
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="server")

    @property
    def hub(self) -> Hub:
        """What feeds the streams."""
        return hub_of(self.app)

    def start(self) -> None:
        """Serve."""
        self._thread.start()
        wait_until(lambda: self._server.started, "the server listens")

    def stop(self) -> None:
        """As on SIGTERM: streams are told, requests end, the application is closed."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.stopping.set)
            self._server.should_exit = True
            self._thread.join(30)
            assert not self._thread.is_alive()

    def _run(self) -> None:
        with closing(self._loop):
            self._loop.run_until_complete(self._server.serve(sockets=[self.socket]))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["principal"] = self.asker
        await self.app(scope, receive, send)


@contextmanager
def event_server(
    root: Path, redis_url: str, name: str, *, pace: Pace | None = None, **townhall: int
) -> Iterator[EventServer]:
    """A server for the town of that name; stopped at the end."""
    settings = Settings(
        root=root,
        origins={},
        town=TownSettings(name=name),
        redis=RedisSettings(url=redis_url),
        townhall=msgspec.structs.replace(TownhallSettings(), **townhall),
    )
    server = EventServer(settings, Pace() if pace is None else pace)
    try:
        server.start()
        with server.socket, closing(server.towns), closing(server.town):
            yield server
            server.stop()
    finally:
        server.stop()
