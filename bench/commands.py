"""How long commands take from their start to their end, beside an interpreter that does nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter

from bench.figure import Row, Samples, compared
from bench.town import add_agents, bench_town, environment
from tinytown.store.server import stop_server

_WARM_UP, _TIMES, _COLD_TIMES = 2, 25, 5
_AGENTS = 5
_VERSION, _STATUS = 5.0, 8.0

_TT = str(Path(sys.executable).with_name("tt"))
_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "python": (sys.executable, "-c", "pass"),
    "version": (_TT, "--version"),
    "status": (_TT, "status"),
}


def rows() -> Iterator[Row]:
    """The rows of the table."""
    with bench_town() as town:
        add_agents(town, _AGENTS)
        times = _warm(town.root)
        cold = _cold(town.root)
    with bench_town(_be_on_github) as town:
        add_agents(town, _AGENTS)
        hub = _warm(town.root)
    python = times["python"]
    yield compared("tt --version", times["version"], "python -c pass", python, within=_VERSION)
    yield compared("tt status", times["status"], "python -c pass", python, within=_STATUS)
    yield compared("tt status, town on GitHub", hub["status"], "python -c pass", hub["python"], within=_STATUS)
    yield compared("tt status, server not running", cold, "python -c pass", python)


def _be_on_github(root: Path) -> None:
    file = root / "tinytown.toml"
    forge = 'kind = "github"\nrepository = "octo/town"'
    file.write_text(file.read_text("utf-8").replace('kind = "local"', forge), "utf-8")


def _warm(folder: Path) -> dict[str, Samples]:
    """Milliseconds of each command, in turns so that all see the same machine."""
    rounds = [{name: _run(folder, argv) for name, argv in _COMMANDS.items()} for _ in range(_WARM_UP + _TIMES)]
    return {name: Samples(tuple(times[name] for times in rounds[_WARM_UP:])) for name in _COMMANDS}


def _cold(folder: Path) -> Samples:
    times = []
    for _ in range(_WARM_UP + _COLD_TIMES):
        stop_server(folder)
        times.append(_run(folder, _COMMANDS["status"]))
    return Samples(tuple(times[_WARM_UP:]))


def _run(folder: Path, argv: tuple[str, ...]) -> float:
    begun = perf_counter()
    subprocess.run(
        argv,
        cwd=folder,
        env=environment(folder.resolve()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    return (perf_counter() - begun) * 1000
