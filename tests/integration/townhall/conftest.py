"""A town over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.store.stores import Stores
from tests.integration.townhall.served import Served, serving

from tinytown.runtime.launcher import host_lock
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys


@pytest.fixture
def served(connection: Connection, keys: Keys, redis_url: str, tmp_path: Path) -> Iterator[Served]:
    """A town that is served on a real socket. The test counts as its machine's host: none is started."""
    root = tmp_path / "shop"
    root.mkdir()
    name = keys.prefix.removeprefix("tt:")
    (root / "tinytown.toml").write_text(f'[town]\nname = "{name}"\n[redis]\nurl = "{redis_url}"\n', encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    with host_lock(root / ".tt") as is_ours, serving(root, environ, Stores(connection, keys)) as town:
        assert is_ours
        yield town
