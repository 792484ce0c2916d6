"""A town, and a client of its MCP server in the same process, both of the SDK."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
from mcp import Client
from mcp_types import CallToolResult, Tool
from tests.integration.store.stores import Stores
from tests.mcp_clients import refused, run, structured

from tinytown.bootstrap import Town, utc_now
from tinytown.config import load_settings
from tinytown.domain.access import OPERATOR, Principal, Scope
from tinytown.mcp.asking import Asker
from tinytown.mcp.desk import Desk
from tinytown.mcp.server import make_server
from tinytown.services.audit import Audit
from tinytown.townhall.pool import TownPool


class Stage:
    """The town whose settings are in `root`; set `asker` and `limit_secs` to be somebody else, or in a hurry."""

    def __init__(self, root: Path, stores: Stores, towns: TownPool, audit: Audit) -> None:
        self.root = root
        self.stores = stores
        self.towns = towns
        self.asker = Asker(principal=OPERATOR, request_id="r-1", address="127.0.0.1")
        self.limit_secs = 60.0
        self.is_stopping = False
        self.desk = Desk(
            lend=towns.lend,
            audit=audit,
            clock=utc_now,
            asker=lambda _: self.asker,
            limit_secs=lambda: self.limit_secs,
            is_stopping=lambda: self.is_stopping,
        )
        self.server = make_server(self.desk)

    def may(self, *scopes: Scope) -> None:
        """Be somebody who has these scopes only."""
        self.asker = Asker(principal=Principal(name="key:ci", scopes=frozenset(scopes)), request_id="r-2")

    def serve(self, desk: Desk) -> None:
        """Have calls carried out at another desk."""
        self.desk, self.server = desk, make_server(desk)

    def client(self) -> Client:
        """A client of the server."""
        return Client(self.server)

    def call(self, tool: str, /, **arguments: Any) -> CallToolResult:
        """What a tool answers."""

        async def ask() -> CallToolResult:
            async with self.client() as client:
                return await client.call_tool(tool, arguments)

        return run(ask)

    def ok(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool; it must be as its schema says."""
        found = structured(self.call(tool, **arguments))
        schema = self.tool(tool).output_schema
        assert schema is not None
        jsonschema.validate(found, schema, format_checker=jsonschema.FormatChecker())
        return found

    def refused(self, tool: str, /, **arguments: Any) -> str:
        """The one line with which a tool refuses."""
        return refused(self.call(tool, **arguments))

    def tools(self) -> list[Tool]:
        """Every tool, as a client sees it."""

        async def ask() -> list[Tool]:
            async with self.client() as client:
                return (await client.list_tools()).tools

        return run(ask)

    def tool(self, name: str) -> Tool:
        """One of them."""
        return next(tool for tool in self.tools() if tool.name == name)

    def idle(self, *names: str) -> list[str]:
        """Agents with nothing to do; their ids."""
        ids = [self.stores.agent(name) for name in names]
        self.stores.host()
        return ids

    def audited(self) -> Iterable[str]:
        """The lines of the audit's file."""
        path = self.root / ".tt" / "logs" / "audit.log"
        return path.read_text("utf-8").splitlines() if path.exists() else ()


@contextmanager
def staged(root: Path, environ: dict[str, str], stores: Stores) -> Iterator[Stage]:
    """The stage of the town whose settings are in `root`."""
    settings = load_settings(root, environ=environ)
    towns = TownPool(lambda: Town(settings, environ))

    @contextmanager
    def lend() -> Iterator[Any]:
        with towns.lend() as town:
            yield town.connection

    with towns.lend() as town:
        audit = Audit(root / ".tt" / "logs", lend, town.keys, town.redact)
    try:
        yield Stage(root, stores, towns, audit)
    finally:
        towns.close()
