"""Missions survive `kill -9` of anything at any moment, many times over.

CHAOS_KILLS (default 12) is how many kills there are in all, CHAOS_TOWNS (default 3) over how many towns they are
spread, CHAOS_SEED the first town's seed (each further one has the next); CHAOS_STOPS (default 4) is how often the whole
machine stops in each of two further towns. A failure names its seed and what was killed when. To hunt one kind of
bug: CHAOS_VICTIMS (a comma-separated part of VICTIMS) and CHAOS_PAUSE_SECS (the longest time between two kills).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec
import psutil
import pytest
from tests.chaos.scenario import TEST_COMMAND, ChaosTown, closed, kill
from tests.chaos.verdict import check_outcome
from tests.waiting import wait_until

from tinytown.domain.mission import MissionState

KILLS = int(os.environ.get("CHAOS_KILLS", "12"))
TOWNS = int(os.environ.get("CHAOS_TOWNS", "3"))
FIRST_SEED = int(os.environ.get("CHAOS_SEED", "1"))
SEEDS = range(FIRST_SEED, FIRST_SEED + TOWNS)
STOPS = int(os.environ.get("CHAOS_STOPS", "4"))
STOP_SEEDS = range(FIRST_SEED + TOWNS, FIRST_SEED + TOWNS + 2)

VICTIMS = tuple(os.environ.get("CHAOS_VICTIMS", "host,dispatcher,server,agent,everything").split(","))
LONGEST_PAUSE_SECS = float(os.environ.get("CHAOS_PAUSE_SECS", "1.5"))
ORDER = (("#1", "#2"), ("#2", "#3"), ("#1", "#4"))
"""(before, after) of merges."""


class Killing(msgspec.Struct, frozen=True):
    """What was killed and when."""

    victim: str
    at_secs: float


class Rampage:
    """One mission in one town, and what happens to it."""

    def __init__(self, folder: Path, seed: int, kills: int, victims: tuple[str, ...]) -> None:
        self._folder = folder
        self._victims = victims
        self._random = random.Random(seed)  # noqa: S311  it is to be repeatable
        self._left = kills
        self._began = time.monotonic()
        self.done: list[Killing] = []
        self._dispatcher: psutil.Process

    def run(self) -> None:
        """From the first issue to the last merge, with kills in between."""
        town = ChaosTown.found(
            self._folder / "repo",
            settings="[agent]\nmax_nudges = 20\n[mission]\nmax_attempts = 20\n",
            delay_secs=0.15,
        )
        with closed(town):
            town.spawn_all()
            mission = town.start(1, 2, 3, 4)
            self._dispatcher = town.dispatch()
            while self._left and not town.is_in(mission, MissionState.COMPLETED):
                self._pause()
                self._strike(town)
            town.wait_completed(mission, timeout_secs=120)
            check_outcome(town, mission, order=ORDER, most_runs=1 + len(self.done), test_command=TEST_COMMAND)

    def _pause(self) -> None:
        until = time.monotonic() + self._random.random() * LONGEST_PAUSE_SECS
        wait_until(lambda: time.monotonic() >= until, "the moment has come")

    def _strike(self, town: ChaosTown) -> None:
        victim = self._random.choice(self._victims)
        if victim == "everything":
            town.kill_everything()
            assert town.living() == []
            self._dispatcher = town.dispatch()
        elif victim == "dispatcher":
            kill(self._dispatcher)
            self._dispatcher = town.dispatch()
        else:
            target = self._find(town, victim)
            if target is None or not kill(target):
                return  # it was away; another time
        self._left -= 1
        self.done.append(Killing(victim, round(time.monotonic() - self._began, 2)))

    def _find(self, town: ChaosTown, victim: str) -> psutil.Process | None:
        if victim == "host":
            return town.host
        if victim == "server":
            return town.server
        running = [process for processes in town.runs().values() for process in processes]
        return self._random.choice(running) if running else None


def rampage(folder: Path, seed: int) -> list[Killing]:
    """Run one; what was killed when, which a failure tells too."""
    if seed in SEEDS:
        made = Rampage(folder, seed, KILLS // TOWNS + (seed - FIRST_SEED < KILLS % TOWNS), VICTIMS)
    else:
        made = Rampage(folder, seed, STOPS, ("everything",))
    try:
        made.run()
    except BaseException as error:  # told more of, and raised again
        error.add_note(f"seed {seed}, kills: {made.done}")
        raise
    return made.done


@pytest.fixture(scope="module")
def rampages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Future[list[Killing]]]]:
    """All of them at once: they wait more than they compute."""
    seeds = (*SEEDS, *STOP_SEEDS)
    with ThreadPoolExecutor(len(seeds)) as pool:
        yield {seed: pool.submit(rampage, tmp_path_factory.mktemp(f"seed{seed}"), seed) for seed in seeds}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_mission_completes_whatever_is_killed(seed: int, rampages: dict[int, Future[list[Killing]]]) -> None:
    print(f"seed {seed}")  # noqa: T201  shown when the test fails
    assert len(rampages[seed].result()) >= min(2, KILLS // TOWNS), "the mission was over before anything was killed"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", STOP_SEEDS)
def test_a_mission_completes_although_the_machine_stops_again_and_again(
    seed: int, rampages: dict[int, Future[list[Killing]]]
) -> None:
    print(f"seed {seed}")  # noqa: T201  shown when the test fails
    assert len(rampages[seed].result()) == STOPS, "the mission was over before the machine had stopped so often"
