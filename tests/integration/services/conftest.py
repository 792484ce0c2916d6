"""What tests of the use cases need."""

from __future__ import annotations

import pytest
from tests.integration.store.stores import Stores

from tinytown.store.connection import Connection
from tinytown.store.keys import Keys


@pytest.fixture
def town(connection: Connection, keys: Keys) -> Stores:
    """An empty town."""
    return Stores(connection, keys)
