"""A mission on GitHub: what quiet pull requests cost, and how soon a failing check is a fix task.

`tt mission dispatch` and `tt github webhook` run as processes of their own; GitHub is the tests' one, in this process,
and its own time is told beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event
from time import monotonic_ns

import httpx2
import msgspec
import psutil
from tests.peers.github import FROM_TEST, Seen

from bench.children import Child, child
from bench.figure import Row, Samples, compared, times
from bench.github_town import VARIABLES, GitHubTown, Opened, github_town, open_pulls, watch_pulls
from tinytown.domain.ids import new_id
from tinytown.domain.watch import WatchKind
from tinytown.store.deliveries import DeliveryStore
from tinytown.store.events import EventStream

_WATCHED, _POLLED = 50, 8
_WARM_UP, _CYCLES = 2, 10
_CONNECTIONS = 8
_KEPT = frozenset({"authorization", "accept", "if-none-match"})
_FAR_SECS, _INTERVAL_SECS = 3600, 3
_WEBHOOK_MS = 100.0
_WAIT_SECS = 30.0


def rows() -> Iterator[Row]:
    """The rows of the table."""
    with github_town() as there:
        pulls = open_pulls(there, _WATCHED, prefix="far")
        mission_id = watch_pulls(there, pulls, interval_secs=_FAR_SECS)
        with child(there.town, "tinytown.cli", "mission", "dispatch", variables=VARIABLES) as dispatcher:
            dispatcher.until(there.town.dispatcher_store.all)
            there.rest()
            yield from _quiet(there, mission_id, pulls, dispatcher)
            yield _by_webhook(there, pulls)
            near = open_pulls(there, _POLLED, prefix="near")
            yield _by_polling(there, watch_pulls(there, near, interval_secs=_INTERVAL_SECS), near)


def _quiet(there: GitHubTown, mission_id: str, pulls: Sequence[Opened], dispatcher: Child) -> Iterator[Row]:
    """Every watch due at once, again and again, while nothing happens."""
    process = psutil.Process(dispatcher.pid)
    for _ in range(_WARM_UP):
        _cycle(there, mission_id, pulls)
    before, worked = process.memory_info().rss, _worked(process)
    first, connected = len(there.github.seen), len(there.peer.front.connections)
    taken = Samples(tuple(_cycle(there, mission_id, pulls) for _ in range(_CYCLES)))
    seen = there.seen_since(first)
    connects = len(there.peer.front.connections) - connected
    worked = _worked(process) - worked
    grown = (process.memory_info().rss - before) / 1e6
    bare = Samples(tuple(_bare(there, seen[: len(seen) // _CYCLES]) for _ in range(3)))
    what, most = f"{_WATCHED} quiet pull requests", _WATCHED * len(WatchKind)
    yield Row(
        what=f"{what}, requests a cycle",
        figure=f"{len(seen) / _CYCLES:g}",
        reference=f"{most} watches",
        target=f"at most {most}",
        is_met=len(seen) <= most * _CYCLES,
    )
    share = sum(one.status == httpx2.codes.NOT_MODIFIED for one in seen) / len(seen)
    yield Row(what=f"{what}, answered by 304", figure=f"{share:.1%}", target="all", is_met=share == 1)
    yield compared(f"{what}, a cycle", taken, "a bare client", bare)
    yield Row(
        what=f"{what}, dispatcher",
        figure=f"{process.memory_info().rss / 1e6:.1f} MB ({grown:+.1f}), {worked / len(seen):.1f} ms CPU a request",
        reference=f"{process.num_threads()} threads, {connects} new connections",
    )


def _worked(process: psutil.Process) -> float:
    """Milliseconds of the processor."""
    used = process.cpu_times()
    return (used.user + used.system) * 1000


def _cycle(there: GitHubTown, mission_id: str, pulls: Sequence[Opened]) -> float:
    """Milliseconds from when all pull requests are to be looked at to when all were."""
    store, now = DeliveryStore(there.town.connection, there.town.keys), there.town.clock()
    there.renew()
    begun = monotonic_ns()
    store.take(f"-:{new_id()}", [pull.url for pull in pulls], [], "the bench", now)
    there.until_answered(mission_id)
    taken = (monotonic_ns() - begun) / 1e6
    there.rest()
    return taken


def _bare(there: GitHubTown, seen: Sequence[Seen], connections: int = _CONNECTIONS) -> float:
    """Milliseconds that the same requests take by a client that does nothing else, as many at once."""

    def ask(one: Seen) -> None:
        kept: dict[str, str] = {name: value for name, value in one.request.headers.items() if name in _KEPT}
        request = (one.request.method, f"{there.github.url}{one.request.path}")
        client.request(*request, params=one.request.query, headers=kept, content=one.request.body)

    with (
        httpx2.Client(verify=False, trust_env=False, headers={FROM_TEST: "1"}, timeout=_WAIT_SECS) as client,
        ThreadPoolExecutor(connections) as pool,
    ):
        begun = monotonic_ns()
        list(pool.map(ask, seen))
        return (monotonic_ns() - begun) / 1e6


def _by_webhook(there: GitHubTown, pulls: Sequence[Opened]) -> Row:
    """Each check fails in turn; the watches are far from due."""
    with child(there.town, "tinytown.cli", "github", "webhook", "--port", "0", variables=VARIABLES) as receiver:
        receiver.until(lambda: "http://" in receiver.log.read_text("utf-8"))
        url = next(word for word in receiver.log.read_text("utf-8").split() if word.startswith("http")).rstrip(";")
        hook = there.octo.hook(url, VARIABLES["TINYTOWN_WEBHOOK_SECRET"])
        events = there.town.events()
        taken, bare = [], []
        for pull in pulls:
            there.rest()
            first = len(there.github.seen)
            taken.append(_failed(there, events, pull))
            bare.append(_bare(there, [one for one in there.seen_since(first) if one.request.method == "GET"], 1))
        there.octo.ask("DELETE", f"hooks/{hook}")
    samples, reference = Samples(tuple(taken)), Samples(tuple(bare))
    row = compared("failing check to fix task, webhook", samples, "its GETs by a bare client", reference)
    target, is_met = f"median under {_WEBHOOK_MS:g} ms", samples.median < _WEBHOOK_MS
    return msgspec.structs.replace(row, target=target, is_met=is_met)


def _by_polling(there: GitHubTown, mission_id: str, pulls: Sequence[Opened]) -> Row:
    """Checks fail at any moment between two looks."""
    events, chance = there.town.events(), Random(1)  # noqa: S311  no secret
    there.rest()
    look = max(_cycle(there, mission_id, pulls) for _ in range(3))
    taken = []
    for pull in pulls:
        Event().wait(chance.uniform(0, _INTERVAL_SECS))
        taken.append(_failed(there, events, pull))
    samples = Samples(tuple(taken))
    return Row(
        what=f"failing check to fix task, polling every {_INTERVAL_SECS} s",
        figure=times(samples),
        reference=f"a look at all of them {look:.0f} ms",
        target="within the interval and a look",
        is_met=max(taken) <= _INTERVAL_SECS * 1000 + look,
    )


def _failed(there: GitHubTown, events: EventStream, pull: Opened) -> float:
    """Milliseconds from when CI says that a check failed to the fix task in the agent's inbox."""
    while events.wait(0):
        pass
    there.renew()
    begun = monotonic_ns()
    there.octo.end_check(pull.check, "failure")
    while found := events.wait(_WAIT_SECS):
        if any(event.type == "task.assigned" for event in found):
            return (monotonic_ns() - begun) / 1e6
    raise TimeoutError(f"no fix task for pull request #{pull.number} within {_WAIT_SECS:g} s")
