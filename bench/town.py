"""A town of the bench's own in a temporary folder, with its own server, and nothing left of it afterwards."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tinytown.bootstrap import Town, open_town
from tinytown.domain.agent import AgentSpec
from tinytown.domain.ids import new_id
from tinytown.repository.git import Git
from tinytown.services.machine import machine_id
from tinytown.services.towns import init_town
from tinytown.store.hosts import HostLease
from tinytown.store.server import stop_server

_MISLEADING = ("TINYTOWN_", "REDIS_", "GITHUB_", "GH_", "PYTHONDONTWRITEBYTECODE")
_IDENTITY = ("-c", "user.name=bench", "-c", "user.email=bench@example.invalid")


@contextmanager
def bench_town(settle: Callable[[Path], None] = lambda _: None) -> Iterator[Town]:
    """A town as `tt init` makes it, its server running; everything of it is stopped and removed at the end.

    Args:
        settle: changes its settings, before anybody reads them.
    """
    with tempfile.TemporaryDirectory(prefix="tt-bench-") as folder:
        root = Path(folder, "repo").resolve()
        root.mkdir()
        git = Git(root)
        git.run("init", "--quiet", "--initial-branch=main")
        git.run(*_IDENTITY, "commit", "--quiet", "--allow-empty", "--message=Begin")
        init_town(root, "bench")
        settle(root)
        town = open_town(root, environment(root))
        assert town.settings.redis.url is None  # noqa: S101  what is measured empties the store
        try:
            with closing(town.connection):
                yield town
        finally:
            stop_server(root)


def environment(root: Path) -> dict[str, str]:
    """Ours without what would lead to another town, and with byte code kept, as it is for those who use the program.

    The home folder is one without settings.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_MISLEADING)}
    return {**kept, "HOME": str(root.parent), "PYTHONPYCACHEPREFIX": str(root.parent / "bytecode")}


def add_agents(town: Town, count: int, *, role: str = "worker") -> list[str]:
    """Register agents with the demo CLI on this machine; returns their ids."""
    ids = []
    for number in range(1, count + 1):
        spec = AgentSpec(
            id=new_id(),
            name=f"{role}-{number}",
            cli="demo",
            role=role,
            machine=machine_id(town.root),
            created_at=town.clock(),
        )
        town.agent_store.add(spec)
        ids.append(spec.id)
    return ids


def open_host(town: Town) -> HostLease:
    """Be the host of the town's agents: they become idle, and runs are claimed and finished with the lease."""
    machine = machine_id(town.root)
    lease, _ = town.host_store.open(new_id(), machine, {"pid": str(os.getpid())}, town.clock())
    town.host_store.adopt(lease, machine, town.clock())
    return lease
