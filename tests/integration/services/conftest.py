"""What tests of the use cases need."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.store.stores import Stores
from tests.properties.mission_town import PaperTown

from tinytown.store.connection import Connection
from tinytown.store.keys import Keys


@pytest.fixture
def town(connection: Connection, keys: Keys) -> Stores:
    """An empty town."""
    return Stores(connection, keys)


@pytest.fixture
def paper_town(redis_url: str, tmp_path: Path) -> Iterator[PaperTown]:
    """A town with real dispatchers and a forge on paper."""
    made = PaperTown(redis_url, tmp_path, f"d-{uuid.uuid4().hex[:12]}")
    yield made
    made.close()
