"""What many tests need: a real server on a unix socket, and a town's keys of one's own."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tinytown.store.connection import Connection, connect
from tinytown.store.keys import Keys
from tinytown.store.server import ensure_server, stop_server

pytest_plugins = ("tests.peers.fixtures",)

# The same examples each time, so that a change that breaks a property is the one that is looked at. For new ones, and
# many of them: pytest --hypothesis-profile=explore tests/properties
settings.register_profile("fixed", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile("explore", max_examples=500, database=None, deadline=None, print_blob=True)
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Ends what the session has left running should pytest itself be killed."""
    argv = (sys.executable, "-m", "tests.leftovers", str(tmp_path_factory.getbasetemp()))
    root = Path(__file__).parents[1]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, cwd=root, start_new_session=True) as process:
        assert process.stdin is not None
        yield
        process.stdin.write(b"done\n")
    assert process.returncode == 0


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory, guard: None) -> Iterator[str]:
    """The URL of a server that lives as long as the test session."""
    root = tmp_path_factory.mktemp("server")
    try:
        yield ensure_server(root)
    finally:
        stop_server(root)


@pytest.fixture
def keys() -> Keys:
    """The keys of a town that no other test uses."""
    return Keys.of(f"t-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def connection(redis_url: str, keys: Keys) -> Iterator[Connection]:
    """A connection to the session's server; a test that leaves a key outside its town fails."""
    opened = connect(redis_url)
    yield opened
    left = [key.decode() for key in opened.execute("KEYS", "*")]
    opened.execute("FLUSHALL")
    opened.close()
    assert [key for key in left if not key.startswith(f"{keys.prefix}:")] == []
