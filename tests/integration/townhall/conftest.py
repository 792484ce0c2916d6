"""A town over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.store.stores import Stores
from tests.integration.townhall.served import Served, serving
from tests.repositories import isolate, make_repository

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


@pytest.fixture
def shop(served: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """A town that is served, in a git repository with three issues and a document."""
    isolate(monkeypatch)
    issues = {
        "issues/0001-design.md": "# Design auth API\n\nDesign the schema.\n",
        "issues/0002-implement.md": "# Implement auth\n\nDepends on #1.\n",
        "issues/0003-tests.md": "# Write auth tests\n\nAfter #2.\n",
        "docs/plan.md": "# The plan\n\nDo it.\n",
    }
    make_repository(served.root, issues)
    return served
