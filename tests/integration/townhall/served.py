"""The application behind a real server socket, over a real store; the gate is left out: a header says who asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.integration.store.stores import Stores
from tests.waiting import wait_until

from tinytown.bootstrap import Town
from tinytown.config import load_settings
from tinytown.domain.access import OPERATOR, Principal
from tinytown.domain.access import Scope as Right
from tinytown.townhall.app import make_app
from tinytown.townhall.context import Context
from tinytown.townhall.pool import TownPool

RIGHTS = "X-Test-Rights"
"""Header of a request that has these scopes only."""
GONE_RIGHTS = "none"


class Served:
    """A town that is served, and a client of it."""

    def __init__(self, client: httpx2.Client, stores: Stores, app: FastAPI, root: Path) -> None:
        self.client = client
        self.stores = stores
        self.app = app
        self.root = root

    def get(self, path: str, **query: str | float) -> httpx2.Response:
        """GET."""
        return self.client.get(path, params=query or None)

    def post(self, path: str, body: object = None, **headers: str) -> httpx2.Response:
        """POST, with a body in JSON when there is one."""
        return self.client.post(path, headers=headers) if body is None else self.client.post(path, json=body)

    def ok(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        """What is answered; it must be a success of that status."""
        sent = {} if body is None else {"json": body}
        answer = self.client.request(method, path, **sent)  # type: ignore[arg-type]
        assert answer.status_code == status, answer.text
        return answer.json()


def problem(answer: httpx2.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem document of an answer that must be one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["type"] == f"urn:tinytown:problem:{slug}", found
    assert found["status"] == status
    assert found["title"]
    assert "\n" not in found["detail"]
    return found


@contextmanager
def serving(root: Path, environ: dict[str, str], stores: Stores) -> Iterator[Served]:
    """Serve the town whose settings are in `root`."""
    settings = load_settings(root, environ=environ)
    towns = TownPool(lambda: Town(settings, environ))
    app = make_app(Context(towns=towns, settings=settings))
    config = uvicorn.Config(_with_rights(app), port=0, log_level="critical", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, "the server has started")
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
            yield Served(client, stores, app, root)
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        towns.close()
    assert not thread.is_alive()


def _with_rights(app: ASGIApp) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            named = Headers(scope=scope).get(RIGHTS)
            scope.setdefault("state", {})["principal"] = OPERATOR if named is None else _principal(named)
        await app(scope, receive, send)

    return serve


def _principal(named: str) -> Principal:
    rights = [] if named == GONE_RIGHTS else [Right(one) for one in named.split()]
    return Principal(name="test", scopes=frozenset(rights))
