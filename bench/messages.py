"""From sending a message to its being received by another process, beside a bare PING and a bare SET.

Received means claimed: the receiver has the message and the store knows it. Sending and claiming are one write each,
and the town's server forces each write to disk before it answers (`appendfsync always`: nothing is lost when it is
killed). The SET shows what that costs; a second town that does so once a second shows what is left without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic_ns

import msgspec

from bench.children import Child, child
from bench.figure import Row, Samples, compared
from bench.town import add_agents, bench_town
from tinytown.bootstrap import Town
from tinytown.domain.ids import new_id
from tinytown.domain.message import Message, MessageKind
from tinytown.store.inbox import Inbox

_WARM_UP, _TIMES = 50, 1000
_RATIO, _P99_MS = 5.0, 1.0


class Trips(msgspec.Struct, frozen=True, kw_only=True):
    """Times of many messages, and of as many PINGs and SETs between them."""

    ping: Samples
    set: Samples
    seen: Samples
    """Until the receiver had the event."""
    claimed: Samples
    """Until the receiver had the message, and it was stored that it has it."""


def rows() -> Iterator[Row]:
    """The rows of the table."""
    trips = _measure("always")
    yield compared("send to received", trips.claimed, "PING", trips.ping, within=_RATIO)
    yield Row(
        what="send to received, p99",
        figure=f"{trips.claimed.p99:.3f} ms",
        reference=f"SET p99 {trips.set.p99:.3f} ms",
        ratio=trips.claimed.p99 / trips.set.p99,
        target=f"under {_P99_MS:g} ms",
        is_met=trips.claimed.p99 < _P99_MS,
    )
    yield compared("send to received, beside a write", trips.claimed, "SET", trips.set)
    yield compared("send to event seen", trips.seen, "PING", trips.ping)
    trips = _measure("everysec")
    yield compared("send to received, appendfsync everysec", trips.claimed, "PING", trips.ping)


def _measure(appendfsync: str) -> Trips:
    with bench_town(appendfsync=appendfsync) as town:
        (agent_id,) = add_agents(town, 1)
        with child(town, "bench.receiver", appendfsync) as receiver:
            receiver.line()
            found = [_one(town, receiver, agent_id) for _ in range(_WARM_UP + _TIMES)][_WARM_UP:]
    ping, set_, seen, claimed = (Samples(column) for column in zip(*found, strict=True))
    return Trips(ping=ping, set=set_, seen=seen, claimed=claimed)


def _one(town: Town, receiver: Child, agent_id: str) -> tuple[float, ...]:
    """A PING, a SET, then a message; milliseconds."""
    ping = _timed(town, "PING")
    write = _timed(town, "SET", town.keys("bench"), "x" * 500)
    sent = monotonic_ns()
    message = Message(
        id=new_id(), to=agent_id, sender="bench", kind=MessageKind.QUERY, text=str(sent), sent_at=town.clock()
    )
    Inbox(town.connection, town.keys).send(message)
    told, seen, claimed = (int(word) for word in receiver.line().split())
    assert told == sent  # noqa: S101  no other message is under way
    return ping, write, (seen - sent) / 1e6, (claimed - sent) / 1e6


def _timed(town: Town, *command: str) -> float:
    begun = monotonic_ns()
    town.connection.execute(*command)
    return (monotonic_ns() - begun) / 1e6
