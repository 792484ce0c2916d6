"""Connections for what must not wait long for the store, and does not start one."""

from __future__ import annotations

from contextlib import closing

import structlog

from tinytown.bootstrap import Town
from tinytown.domain.errors import StoreUnavailableError
from tinytown.store.connection import Connection, connect
from tinytown.store.server import server_url

log = structlog.get_logger("tinytown.townhall")

_PROMPT_SECS = 0.5


def have_store(town: Town) -> None:
    """Have the town's own store started, so that the first request finds it. One that is away may come later.

    Raises:
        ConfigError, StoreError: the store is not one that this program can use.
    """
    try:
        with closing(town):
            town.connection.execute("PING")
    except StoreUnavailableError as error:
        log.warning("the store is away; what needs it is answered with 503", action="store_away", reason=error.message)


def prompt_connection(town: Town) -> Connection:
    """A connection to the town's store. StoreUnavailableError: it did not answer within half a second."""
    return connect(town.settings.redis.url or server_url(town.root), timeout_secs=_PROMPT_SECS)
