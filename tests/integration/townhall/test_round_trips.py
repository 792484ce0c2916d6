"""How often the store is asked for what many look at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.integration.store.stores import Stores
from tests.integration.townhall.served import serving
from tests.relay import Relay

from tinytown.runtime.launcher import host_lock
from tinytown.store.address import parse_url
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys


@pytest.mark.parametrize(
    ("path", "trips"),
    [
        ("/v1/town", 0),
        ("/v1/status", 1),
        ("/v1/status?deep=true", 1),
        ("/v1/agents", 1),
        ("/v1/tasks/pending", 3),
        ("/v1/tasks/pending?limit=5", 3),
    ],
)
def test_the_store_is_asked_as_often_for_many_agents_and_tasks_as_for_few(
    connection: Connection, keys: Keys, redis_url: str, tmp_path: Path, path: str, trips: int
) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    name = keys.prefix.removeprefix("tt:")
    stores = Stores(connection, keys)
    with Relay(tmp_path, parse_url(redis_url).path) as relay:
        (root / "tinytown.toml").write_text(
            f'[town]\nname = "{name}"\n[redis]\nurl = "{relay.url}"\n', encoding="utf-8"
        )
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        with host_lock(root / ".tt"), serving(root, environ, stores) as served:
            served.get(path)  # the first time the server learns the script
            for count in (1, 20):
                for number in range(count):
                    agent = f"agent-{count}-{number}"
                    stores.agent(agent)
                    served.ok("POST", "/v1/tasks/assign", {"agent": agent, "task": "x"}, 201)
                before = relay.sent
                assert served.get(path).status_code == 200
                assert relay.sent - before == trips
