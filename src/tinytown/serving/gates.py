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


@contextmanager
def gate_of(
    town: Town, settings: Callable[[], TownhallSettings], *, bound: str, stopping: asyncio.Event
) -> Iterator[Gate]:
    """The gate before everything that serves the town; its connections are closed at the end."""
    with ExitStack() as stack:
        prompt = stack.enter_context(closing(ConnectionPool(lambda: prompt_connection(town))))
        patient = stack.enter_context(closing(ConnectionPool(town.connect)))

        @contextmanager
        def rates() -> Iterator[RateStore]:
            with prompt.lend() as connection:
                yield RateStore(connection, town.keys)

        yield Gate(
            settings=settings,
            bound=bound,
            keeper=RateKeeper(rates),
            audit=Audit(town.state / "logs", patient.lend, town.keys, town.redact),
            clock=town.clock,
            stopping=stopping,
        )
