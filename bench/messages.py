"""From sending a message to its being received by another process, beside a bare PING.

Received means that the receiver has the message in its hands; sent, that the sender knows the message to be on disk;
claimed, that it is on disk besides that a run of the receiver has it. The server hands a message over without waiting
for the disk: who wrote forces it there (decision 15).
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
    """Times of many messages, and of as many PINGs between them."""

    ping: Samples
    sent: Samples
    """Until the sender knew that the message is on disk."""
    received: Samples
    """Until the receiver had the message."""
    claimed: Samples
    """Until it was stored besides that a run of the receiver has it."""


def rows() -> Iterator[Row]:
    """The rows of the table."""
    trips = _measure()
    yield compared("send to received", trips.received, "PING", trips.ping, within=_RATIO)
    yield Row(
        what="send to received, p99",
        figure=f"{trips.received.p99:.3f} ms",
        reference=f"PING p99 {trips.ping.p99:.3f} ms",
        ratio=trips.received.p99 / trips.ping.p99,
        target=f"under {_P99_MS:g} ms",
        is_met=trips.received.p99 < _P99_MS,
    )
    yield compared("send to on disk", trips.sent, "PING", trips.ping)
    yield compared("send to claimed and on disk", trips.claimed, "PING", trips.ping)


def _measure() -> Trips:
    with bench_town() as town:
        (agent_id,) = add_agents(town, 1)
        with child(town, "bench.receiver") as receiver:
            receiver.line()
            found = [_one(town, receiver, agent_id) for _ in range(_WARM_UP + _TIMES)][_WARM_UP:]
    ping, sent, received, claimed = (Samples(column) for column in zip(*found, strict=True))
    return Trips(ping=ping, sent=sent, received=received, claimed=claimed)


def _one(town: Town, receiver: Child, agent_id: str) -> tuple[float, ...]:
    """A PING, then a message; milliseconds."""
    ping = _timed(town, "PING")
    sent = monotonic_ns()
    message = Message(
        id=new_id(), to=agent_id, sender="bench", kind=MessageKind.QUERY, text=str(sent), sent_at=town.clock()
    )
    Inbox(town.connection, town.keys).send(message)
    stored = monotonic_ns()
    told, received, claimed = (int(word) for word in receiver.line().split())
    assert told == sent  # noqa: S101  no other message is under way
    return ping, (stored - sent) / 1e6, (received - sent) / 1e6, (claimed - sent) / 1e6


def _timed(town: Town, *command: str) -> float:
    begun = monotonic_ns()
    town.connection.execute(*command)
    return (monotonic_ns() - begun) / 1e6
