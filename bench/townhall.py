"""What the townhall answers in which time, beside an application that does nothing but a PING."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter

import msgspec
import psutil

from bench.children import Child, child
from bench.figure import Row, Samples, times
from bench.http_load import Client, Load, Request, load, opened
from bench.missions import Large, Situation
from bench.town import add_agents, bench_town, open_host
from tinytown.bootstrap import Town
from tinytown.domain.ids import CONDUCTOR, new_id
from tinytown.domain.message import Message, MessageKind
from tinytown.domain.task import TaskKind, TaskSpec
from tinytown.runtime.launcher import host_lock
from tinytown.store.events import EventStream

_AGENTS, _TASKS, _ITEMS = 50, 1000, 1000
_READERS, _EVENTS = 200, 100
_ALONE_SECS, _TOGETHER_SECS = 2.0, 2.0
_CONNECTIONS = 16
_UNLIMITED = "\n[townhall.rate_limit]\nper_principal = 0\nper_address = 0\n"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request with the name of its rows."""

    what: str
    request: Request


def rows() -> Iterator[Row]:
    """The rows of the table."""
    with bench_town(_without_limits) as town, host_lock(town.state):  # so that no other host begins what is given out
        asked = list(_asked(town))
        with child(town, "bench.bare_app") as bare, _townhall(town) as (_, url):
            yield from _loads(asked, bare.line(), url)
        with _townhall(town) as (server, url):  # a fresh one, so that what it takes is what the readers take
            yield from _readers(town, server, url)


def _without_limits(root: Path) -> None:
    with (root / "tinytown.toml").open("a", encoding="utf-8") as file:
        file.write(_UNLIMITED)


@contextmanager
def _townhall(town: Town) -> Iterator[tuple[Child, str]]:
    with child(town, "tinytown.serving", "rest", "--port", "0") as server:
        line = server.line()
        yield server, next(word for word in line.split() if word.startswith("http")).rstrip("/.,")


def _asked(town: Town) -> Iterator[Asked]:
    agents = add_agents(town, _AGENTS)
    open_host(town)
    mission = Large(Situation.QUIET, _ITEMS, agents, town.clock())
    mission.store(town.mission_store)
    for number in range(_TASKS - _AGENTS):  # the mission has given one to each agent
        _give(town, agents[number % _AGENTS], f"Task {number}")
    body = msgspec.json.encode({"agent": "worker-1", "task": "Look at the invoices"})
    yield Asked(what="/health", request=Request(path="/health"))
    yield Asked(what=f"/v1/status, {_AGENTS} agents", request=Request(path="/v1/status"))
    yield Asked(what=f"/v1/tasks/pending, {_TASKS} tasks", request=Request(path="/v1/tasks/pending"))
    status = Request(path=f"/v1/missions/{mission.mission.id}")
    yield Asked(what=f"mission status, {_ITEMS} items", request=status)
    work = msgspec.structs.replace(status, path=f"{status.path}?include_work=true")
    yield Asked(what=f"mission status with work, {_ITEMS} items", request=work)
    assign = Request(path="/v1/tasks/assign", method="POST", body=body, status=201)
    yield Asked(what="POST /v1/tasks/assign", request=assign)


def _give(town: Town, agent_id: str, title: str) -> None:
    now = town.clock()
    town.task_store.assign(TaskSpec(id=new_id(), kind=TaskKind.WORK, title=title, created_at=now), agent_id, now)


def _loads(asked: list[Asked], bare_url: str, url: str) -> Iterator[Row]:
    bare = Request(path="/")
    alone = load(bare_url, [bare], connections=1, secs=_ALONE_SECS)
    together = load(bare_url, [bare], connections=_CONNECTIONS, secs=_TOGETHER_SECS)
    yield Row(what="bare application, one PING", figure=times(alone.samples))
    yield Row(what=f"bare application, {_CONNECTIONS} connections", figure=_throughput(together))
    for one in asked:
        one_alone = load(url, [one.request], connections=1, secs=_ALONE_SECS)
        yield Row(
            what=f"{one.what} ({one_alone.bytes / 1000:.1f} kB)",
            figure=times(one_alone.samples),
            reference=f"bare application {alone.samples.median:.3f} ms",
            ratio=one_alone.samples.median / alone.samples.median,
        )
        at_once = load(url, [one.request], connections=_CONNECTIONS, secs=_TOGETHER_SECS)
        yield Row(
            what=f"{one.what}, {_CONNECTIONS} connections",
            figure=_throughput(at_once),
            reference=f"bare application {together.a_second:.0f} a second",
            ratio=at_once.a_second / together.a_second,
        )


def _throughput(found: Load) -> str:
    return f"{found.a_second:.0f} a second, {times(found.samples)}"


def _readers(town: Town, server: Child, url: str) -> Iterator[Row]:
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    found = asyncio.run(_follow(town, url, process))
    direct = _direct(town)
    yield Row(
        what=f"{_READERS} readers of /v1/events, memory of each",
        figure=f"{(found.resident - before) / _READERS / 1000:.1f} kB",
        reference=f"server {before / 1e6:.0f} MB",
    )
    for what, samples in found.latencies.items():
        yield Row(
            what=what,
            figure=times(samples),
            reference=f"straight from the store {direct.median:.3f} ms",
            ratio=samples.median / direct.median,
        )


class _Followed(msgspec.Struct, frozen=True, kw_only=True):
    resident: int
    latencies: Mapping[str, Samples]


async def _follow(town: Town, url: str, process: psutil.Process) -> _Followed:
    clients = await opened(url, _READERS)
    first, last = [], []
    try:
        for client in clients:
            await client.listen("/v1/events")
        await _one_event(town, clients)
        for _ in range(_EVENTS):
            began = perf_counter()
            arrivals = await _one_event(town, clients)
            first.append((min(arrivals) - began) * 1000)
            last.append((max(arrivals) - began) * 1000)
        resident = process.memory_info().rss
    finally:
        for client in clients:
            client.close()
    latencies = {
        f"event to the first of {_READERS} readers": Samples(tuple(first)),
        f"event to the last of {_READERS} readers": Samples(tuple(last)),
    }
    return _Followed(resident=resident, latencies=latencies)


async def _one_event(town: Town, clients: list[Client]) -> list[float]:
    message = _message(town)
    waiting = [asyncio.create_task(client.until(message.sender.encode())) for client in clients]
    await asyncio.to_thread(town.inbox.send, message)
    return list(await asyncio.gather(*waiting))


def _message(town: Town) -> Message:
    sender = f"bench-{new_id()}"
    return Message(
        id=new_id(), to=CONDUCTOR, sender=sender, kind=MessageKind.INFO, text="something", sent_at=town.clock()
    )


def _direct(town: Town) -> Samples:
    """From before the sending to when a reader of the store has the event, in one thread."""
    values = []
    with closing(town.connect()) as connection:
        events = EventStream(connection, town.keys)
        for _ in range(_EVENTS):
            began = perf_counter()
            town.inbox.send(_message(town))
            while not events.wait(1.0):
                pass
            values.append((perf_counter() - began) * 1000)
    return Samples(tuple(values))
