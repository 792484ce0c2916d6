"""MCP as an application beside REST or by itself, and over this process's standard input and output."""

from __future__ import annotations

from contextlib import closing

from starlette.applications import Starlette

from tinytown.bootstrap import Town
from tinytown.mcp.asking import asker_here, asker_over_http
from tinytown.mcp.desk import Desk
from tinytown.mcp.http import mcp_app
from tinytown.mcp.server import make_server
from tinytown.mcp.stdio import serve_stdio
from tinytown.serving.gates import audit_of
from tinytown.serving.logs import configure_server_logs
from tinytown.serving.parts import Parts, town_pool
from tinytown.serving.stores import have_store


def http_app(parts: Parts) -> Starlette:
    """MCP over HTTP, without the gate."""
    gate = parts.gate
    desk = Desk(
        lend=parts.towns.lend,
        audit=gate.audit,
        clock=gate.clock,
        asker=asker_over_http,
        limit_secs=lambda: gate.settings().request_timeout_ms / 1000,
        is_stopping=gate.stopping.is_set,
    )
    return mcp_app(make_server(desk))


def serve_mcp_stdio(town: Town) -> None:
    """Serve MCP over stdio until the input ends, for whoever started this process."""
    configure_server_logs()
    have_store(town)
    asker = asker_here(town.environ)
    with closing(town_pool(town)) as towns, audit_of(town) as audit:
        desk = Desk(
            lend=towns.lend,
            audit=audit,
            clock=town.clock,
            asker=lambda _: asker,
            limit_secs=lambda: town.live_settings.now().townhall.request_timeout_ms / 1000,
            is_local=True,
        )
        serve_stdio(make_server(desk))
