"""The stream of events of a real `townhall`, behind its gate."""

from __future__ import annotations

import time

from tests.acceptance.conftest import TownCalls
from tests.integration.townhall.sse_reader import SseReader
from tests.townhall_process import serving
from tests.waiting import wait_until


def test_a_stream_ends_with_its_server_and_goes_on_with_the_next(town: TownCalls) -> None:
    with serving(town.root, town.env) as first, SseReader(first.port) as reader:
        town.ok("send", "conductor", "one")
        wait_until(lambda: reader.types == ["message.sent"], "it came")
        began = time.monotonic()
        assert first.end() == 0
        assert time.monotonic() - began < 15
        wait_until(reader.is_over, "the stream ended")
        assert reader.has_ended_well
    known = reader.ids
    town.ok("send", "conductor", "two")
    with serving(town.root, town.env) as second, SseReader(second.port, {"Last-Event-ID": known[-1]}) as again:
        town.ok("send", "conductor", "three")
        wait_until(lambda: len(again.ids) == 2, "what was missed came, and what followed")
        assert not set(known) & set(again.ids)
        assert again.types == ["message.sent"] * 2


def test_a_stream_lasts_longer_than_a_request_may_take(town: TownCalls) -> None:
    settings = town.root / "tinytown.toml"
    text = settings.read_text().replace("[townhall]\n", "[townhall]\nrequest_timeout_ms = 300\n")
    settings.write_text(text)
    with serving(town.root, town.env) as server, SseReader(server.port) as reader:
        began, sent = time.monotonic(), 0
        while time.monotonic() - began < 1:
            town.ok("send", "conductor", "again")
            sent += 1
        wait_until(lambda: reader.types == ["message.sent"] * sent, "also the last one came")


def test_town_that_is_stopped_stays_so_while_events_are_read(town: TownCalls) -> None:
    with serving(town.root, town.env) as server, SseReader(server.port) as reader:
        town.ok("send", "conductor", "one")
        wait_until(lambda: reader.types == ["message.sent"], "it came")
        town.ok("stop")
        wait_until(lambda: "store_unavailable" in server.log(), "the server noticed")
        assert not (town.root / ".tt" / "redis.sock").exists()
        town.ok("send", "conductor", "two")
        wait_until(lambda: len(reader.ids) == 2, "it goes on when somebody else starts the store")
