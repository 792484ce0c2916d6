"""Connections for what must not wait long for the store, and does not start one."""

from __future__ import annotations

from tinytown.bootstrap import Town
from tinytown.store.connection import Connection, connect
from tinytown.store.server import server_url

_PROMPT_SECS = 0.5


def prompt_connection(town: Town) -> Connection:
    """A connection to the town's store. StoreUnavailableError: it did not answer within half a second."""
    return connect(town.settings.redis.url or server_url(town.root), timeout_secs=_PROMPT_SECS)
