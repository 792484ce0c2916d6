"""The gate of a town, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from tinytown.bootstrap import Town
from tinytown.config.townhall import TownhallSettings
from tinytown.gate.guard import Gate
from tinytown.gate.rates import RateKeeper
from tinytown.services.audit import Audit
from tinytown.serving.stores import prompt_connection
from tinytown.store.pool import ConnectionPool
from tinytown.store.rates import RateStore

MCP_PATH = "/mcp"
"""Where MCP is; it tells the audit which tool was called, not that something was posted."""
MCP_SECS = 900.0
"""No call of a tool takes longer; each has its own limit, and may wait for agents."""


@contextmanager
def audit_of(town: Town) -> Iterator[Audit]:
    """The audit of everything that serves the town, over HTTP or not; its connections are closed at the end."""
    with closing(ConnectionPool(town.connect)) as pool:
        yield Audit(town.state / "logs", pool.lend, town.keys, town.redact)


@contextmanager
def gate_of(
    town: Town, settings: Callable[[], TownhallSettings], *, bound: str, stopping: asyncio.Event
) -> Iterator[Gate]:
    """The gate before everything that serves the town; its connections are closed at the end."""
    with ExitStack() as stack:
        prompt = stack.enter_context(closing(ConnectionPool(lambda: prompt_connection(town))))
        audit = stack.enter_context(audit_of(town))

        @contextmanager
        def rates() -> Iterator[RateStore]:
            with prompt.lend() as connection:
                yield RateStore(connection, town.keys)

        yield Gate(
            settings=settings,
            bound=bound,
            keeper=RateKeeper(rates),
            audit=audit,
            clock=town.clock,
            stopping=stopping,
            audited_by_themselves=frozenset({MCP_PATH}),
            least_secs={MCP_PATH: MCP_SECS},
        )
