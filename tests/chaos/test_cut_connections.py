"""Answers that never come: a command was executed, and whoever sent it does not know."""

from __future__ import annotations

import os
from pathlib import Path

from tests.chaos.cutting_proxy import CuttingProxy
from tests.chaos.scenario import TEST_COMMAND, ChaosTown, closed
from tests.chaos.verdict import check_outcome
from tests.waiting import wait_until

from tinytown.store.server import ensure_server, stop_server

SEED = int(os.environ.get("CHAOS_SEED", "1"))
LOST_SHARE = 0.03
ORDER = (("#1", "#2"),)


def test_a_mission_completes_although_answers_are_lost_all_the_time(tmp_path: Path) -> None:
    redis = tmp_path / "redis"
    redis.mkdir()
    ensure_server(redis)
    try:
        with CuttingProxy(tmp_path, redis / ".tt" / "redis.sock", SEED) as proxy:
            with closed(ChaosTown.found(tmp_path / "repo", REDIS_URL=proxy.url)) as town:
                town.spawn_all()
                mission = town.start(1, 2)
                town.dispatch()
                wait_until(lambda: town.connection.execute("HLEN", town.keys("dispatchers")) == 1, "it dispatches")
                proxy.lose(LOST_SHARE)
                town.wait_completed(mission)
                proxy.lose(0)
                check_outcome(town, mission, order=ORDER, most_runs=3, test_command=TEST_COMMAND)
            assert proxy.cuts > 3
    finally:
        stop_server(redis)
