"""A town over MCP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.mcp.stage import Stage, staged
from tests.integration.store.stores import Stores
from tests.repositories import isolate, make_repository

from tinytown.runtime.launcher import host_lock
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys


@pytest.fixture
def stage(
    connection: Connection, keys: Keys, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """A town in a git repository with two issues. The test counts as its machine's host: none is started."""
    isolate(monkeypatch)
    root = tmp_path / "shop"
    issues = {
        "issues/0001-design.md": "# Design auth API\n\nDesign the schema.\n",
        "issues/0002-implement.md": "# Implement auth\n\nDepends on #1.\n",
    }
    name = keys.prefix.removeprefix("tt:")
    settings = f'[town]\nname = "{name}"\n[redis]\nurl = "{redis_url}"\n'
    make_repository(root, {**issues, "tinytown.toml": settings})
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    with host_lock(root / ".tt") as is_ours, staged(root, environ, Stores(connection, keys)) as found:
        assert is_ours
        yield found
