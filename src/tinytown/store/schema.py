"""The version of the layout in keys.py: a town written by another program's layout is refused, not misread."""

from __future__ import annotations

from tinytown.domain.errors import StoreError
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

VERSION = "1"


def check_schema(connection: Connection, keys: Keys) -> None:
    """Mark a new town with this program's layout; raise StoreError when the town has another one."""
    found = connection.execute("SET", keys("schema"), VERSION, "NX", "GET")
    if found not in {None, VERSION.encode()}:
        raise StoreError(
            f"the town's data has layout {found.decode()}, this program knows layout {VERSION}; use the program that"
            " wrote it, or another town name"
        )
