"""`GET /v1/events`: the town's events as they happen, over a real server and a real store."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.integration.store.stores import NOW, Stores, make_item, make_message
from tests.integration.townhall.event_server import EventServer, event_server
from tests.integration.townhall.served import GONE_RIGHTS, RIGHTS, Served, problem
from tests.integration.townhall.sse_reader import SseReader
from tests.waiting import wait_until

from tinytown.domain.access import OPERATOR, Principal, Scope
from tinytown.domain.errors import UnavailableError
from tinytown.store.codec import at_text
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.townhall.hub import Hub, Places
from tinytown.townhall.pace import Pace

QUICK = 0.05


@pytest.fixture
def town(connection: Connection, keys: Keys) -> Stores:
    return Stores(connection, keys)


@pytest.fixture
def serve(tmp_path: Path, redis_url: str, town: Stores) -> Iterator[Callable[..., EventServer]]:
    name = town.keys.prefix.partition(":")[2]
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(event_server(tmp_path, redis_url, name, **options))


@pytest.fixture
def server(serve: Callable[..., EventServer]) -> EventServer:
    return serve()


@pytest.fixture
def read(request: pytest.FixtureRequest) -> Iterator[Callable[..., SseReader]]:
    with ExitStack() as stack:
        yield lambda server, headers=None, **query: stack.enter_context(SseReader(server.port, headers, **query))


Read = Callable[..., SseReader]


def say(town: Stores, *texts: str, **fields: str) -> list[str]:
    """Add events of a type of the tests'; their ids."""
    given = [part for field in fields.items() for part in field]
    key, at = town.keys("events"), at_text(NOW)
    calls = [("XADD", key, "*", "type", "test.said", "at", at, "text", text, *given) for text in texts]
    return [reply.decode() for reply in town.connection.execute_many(calls)]


def heard(reader: SseReader) -> list[str]:
    return [frame.data["text"] for frame in reader.frames]


def test_events_come_as_they_happen_under_stable_names(town: Stores, server: EventServer, read: Read) -> None:
    say(town, "before")
    reader = read(server)
    agent = town.agent("Backend")
    mission = town.mission(make_item())
    task = town.give(mission, agent)

    wait_until(lambda: reader.types == ["agent.spawned", "task.assigned"], "both came")
    assert (reader.status, reader.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert (reader.headers["cache-control"], reader.headers["x-accel-buffering"]) == ("no-store", "no")
    assert reader.headers["content-length"] is None
    assert "retry: 2000" in reader.lines
    given = reader.frames[1]
    assert given.id == given.data["id"] == town.history()[-1].id
    assert given.data == {
        "id": given.id,
        "at": "2026-01-05T12:00:00Z",
        "type": "task.assigned",
        "text": "",
        "mission_id": mission,
        "item_id": None,
        "agent_id": agent,
        "agent_name": "Backend",
        "task_id": task,
        "target": None,
    }


def test_texts_with_line_ends_and_any_character_are_one_line_of_data(
    town: Stores, server: EventServer, read: Read
) -> None:
    text = "first\nsecond\r\n\n: no comment\nid: 7\ndata: ☃ \u2028 \x00 \U0001f980"
    reader = read(server)
    say(town, text, "next")
    wait_until(lambda: heard(reader) == [text, "next"], "both came whole")


def test_only_what_is_wanted_comes(town: Stores, server: EventServer, read: Read) -> None:
    agent, mission = town.agent("backend"), town.mission(make_item())
    of_agent, of_mission = read(server, agent="Backend"), read(server, mission=mission[:8])
    of_type, of_both = read(server, type="task."), read(server, mission=mission, type="task.assigned")
    town.inbox.send(make_message(agent))
    town.give(mission, agent)
    end = town.agent("other")
    assert end
    wait_until(lambda: of_agent.types == ["message.sent", "task.assigned"], "those of the agent came")
    for reader in (of_mission, of_type, of_both):
        wait_until(lambda reader=reader: reader.types == ["task.assigned"], "that of the mission came")  # type: ignore[misc]


def test_messages_between_agents_are_left_out_unless_asked_for(town: Stores, server: EventServer, read: Read) -> None:
    agent = town.agent("backend")
    plain, full = read(server), read(server, messages="true")
    town.inbox.send(make_message(agent, text="a secret plan"))
    wait_until(lambda: plain.frames and full.frames, "both have it")
    assert "message" not in plain.frames[0].data
    assert not any("secret plan" in line for line in plain.lines)
    assert full.frames[0].data["message"]["text"] == "a secret plan"


def test_who_was_away_goes_on_after_the_last_event_it_knows(town: Stores, server: EventServer, read: Read) -> None:
    ids = say(town, *map(str, range(700)))
    by_header = read(server, {"Last-Event-ID": ids[9]})
    by_query = read(server, after=ids[498])
    by_both = read(server, {"Last-Event-ID": ids[690]}, after=ids[2], recent=3)
    wait_until(lambda: by_header.ids == ids[10:], "all after the tenth came, once, in order")
    wait_until(lambda: by_query.ids == ids[499:], "all after the 499th came")
    wait_until(lambda: by_both.ids == ids[691:], "the header wins")
    ids += say(town, "live")
    for reader in (by_header, by_query, by_both):
        wait_until(lambda reader=reader: reader.ids[-1] == ids[-1], "what happens now comes, too")  # type: ignore[misc]
    assert by_header.ids == ids[10:]


def test_last_events_come_first_when_asked_for(town: Stores, server: EventServer, read: Read) -> None:
    ids = say(town, *map(str, range(20)))
    town.agent("backend")
    some = read(server, recent=3, type="test.")
    say(town, "live")
    wait_until(lambda: heard(some) == ["17", "18", "19", "live"], "the last three, then what comes")
    assert some.ids[:3] == ids[17:]
    none_yet = read(server, recent=5, type="mission.")
    wait_until(lambda: none_yet.lines, "it began")
    assert none_yet.frames == []


def test_an_empty_town_is_followed_from_its_first_event(town: Stores, server: EventServer, read: Read) -> None:
    readers = [read(server), read(server, recent=5), read(server, {"Last-Event-ID": "0-0"})]
    say(town, "first")
    for reader in readers:
        wait_until(lambda reader=reader: heard(reader) == ["first"], "it came")  # type: ignore[misc]


def test_a_reader_is_told_when_events_it_missed_are_gone(town: Stores, server: EventServer, read: Read) -> None:
    ids = say(town, *map(str, range(50)))
    town.connection.execute("XTRIM", town.keys("events"), "MAXLEN", 10)
    late = read(server, {"Last-Event-ID": ids[5]})
    wait_until(lambda: late.ids == ids[40:], "what is left came")
    assert late.types[0] == "stream.gap"
    assert (late.frames[0].data["after"], late.frames[0].data["first_kept"]) == (ids[5], ids[40])
    assert late.frames[0].id is None
    assert late.types.count("stream.gap") == 1


def test_an_id_that_is_newer_than_every_event_is_told_of_and_what_comes_is_not_missed(
    town: Stores, server: EventServer, read: Read
) -> None:
    (known,) = say(town, "known")
    reader = read(server, {"Last-Event-ID": "99999999999999-0"})
    wait_until(lambda: reader.types == ["stream.gap"], "it is told")
    (new,) = say(town, "new")
    wait_until(lambda: reader.ids == [new], "it goes on")
    assert reader.frames[0].data["first_kept"] == known


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("after=yesterday", 400, '{"field":"query.after","message":"that is not the id of an event'),
        ("after=1-99999999999999999999", 400, "not the id of an event"),
        ("agent=nobody", 404, "no agent 'nobody'"),
        ("mission=ffffffff", 404, "no mission"),
        ("recent=501", 400, "recent"),
        ("recent=-1", 400, "recent"),
        ("type=", 400, "type"),
        ("messages=maybe", 400, "messages"),
        ("messages=1", 400, "messages"),
        (f"agent={'x' * 65}", 400, "agent"),
    ],
)
def test_wrong_questions_are_refused_before_anything_is_sent(
    server: EventServer, town: Stores, query: str, status: int, says: str
) -> None:
    found, body, kind = ask(server, f"/v1/events?{query}")
    assert (found, kind) == (status, "application/problem+json")
    assert says in body


def ask(server: EventServer, path: str, method: str = "GET", **headers: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body, kind = response.read().decode(), response.headers["content-type"]
    connection.close()
    return response.status, body, kind


def test_a_malformed_last_event_id_is_refused_and_an_empty_one_is_none(
    town: Stores, server: EventServer, read: Read
) -> None:
    status, body, _ = ask(server, "/v1/events", **{"Last-Event-ID": "7"})
    assert (status, '"field":"header.last-event-id"' in body) == (400, True)
    reader = read(server, {"Last-Event-ID": ""})
    say(town, "now")
    wait_until(lambda: heard(reader) == ["now"], "it came")


def test_who_may_not_read_gets_no_events(served: Served) -> None:
    refused = served.client.get("/v1/events", headers={RIGHTS: GONE_RIGHTS})
    assert problem(refused, 403, "missing-scope")["detail"].startswith("this needs the scope town.read")


def test_head_ends_at_once(server: EventServer) -> None:
    assert ask(server, "/v1/events", "HEAD") == (200, "", "text/event-stream; charset=utf-8")
    wait_until(lambda: server.hub.readers == 0, "no reader is left")


def test_a_quiet_stream_shows_that_it_is_alive_and_how_far_it_is(
    serve: Callable[..., EventServer], town: Stores, read: Read
) -> None:
    server = serve(pace=Pace(heartbeat_secs=QUICK))
    reader = read(server, type="mission.")
    wait_until(lambda: reader.lines.count(": still here") > 2, "heartbeats come")
    (skipped,) = say(town, "not wanted")
    wait_until(lambda: reader.last_id == skipped, "what was skipped need not be looked at again")
    assert reader.frames == []


def test_more_readers_than_there_may_be_are_told_to_come_back_later(
    serve: Callable[..., EventServer], town: Stores, read: Read
) -> None:
    server = serve(max_event_readers=2)
    first, second = read(server), read(server)
    third = SseReader(server.port)
    assert (third.status, third.headers["retry-after"]) == (503, "10")
    third.cut()
    first.cut()
    wait_until(lambda: server.hub.readers == 1, "there is room")
    again = read(server)
    say(town, "now")
    wait_until(lambda: heard(again) == heard(second) == ["now"], "both have it")


def test_one_key_leaves_room_for_others(serve: Callable[..., EventServer], town: Stores, read: Read) -> None:
    server = serve(max_event_readers=4, max_event_readers_per_principal=2)
    server.asker = Principal(name="key:ci", scopes=frozenset({Scope.TOWN_READ}))
    mine = [read(server), read(server)]
    one_more = SseReader(server.port)
    assert (one_more.status, one_more.headers["retry-after"]) == (429, "10")
    one_more.cut()
    server.asker = Principal(name="key:board", scopes=frozenset({Scope.TOWN_READ}))
    others = read(server)
    server.asker = Principal(name="key:ci", scopes=frozenset({Scope.TOWN_READ}))
    mine.pop().cut()
    wait_until(lambda: server.hub.readers == 2, "there is room")
    again = read(server)
    say(town, "now")
    wait_until(lambda: heard(again) == heard(others) == heard(mine[0]) == ["now"], "all have it")


def test_where_nobody_is_asked_who_they_are_one_may_have_all_places(
    serve: Callable[..., EventServer], read: Read
) -> None:
    server = serve(max_event_readers=2, max_event_readers_per_principal=1)
    assert [read(server).status, read(server).status] == [200, 200]


def test_how_many_readers_there_may_be_is_what_the_settings_say_now(server: EventServer) -> None:
    limits = iter((Places(total=1, each=1), Places(total=0, each=1)))
    hub = Hub(server.towns, asyncio.Event(), Pace(), lambda: next(limits))
    hub.check_room(OPERATOR)
    with pytest.raises(UnavailableError, match="max_event_readers"):
        hub.check_room(OPERATOR)


def test_readers_that_come_at_the_same_time_are_counted_too(serve: Callable[..., EventServer]) -> None:
    server = serve(max_event_readers=2)
    with ThreadPoolExecutor(12) as threads:
        readers = [*threads.map(lambda _: SseReader(server.port, recent=5), range(12))]
    try:
        assert sorted(reader.status for reader in readers) == [200] * 2 + [503] * 10
    finally:
        for reader in readers:
            reader.cut()


def test_the_end_of_the_server_ends_the_streams_in_order(
    serve: Callable[..., EventServer], town: Stores, read: Read
) -> None:
    server = serve()
    readers = [read(server) for _ in range(5)]
    server.stop()
    for reader in readers:
        wait_until(reader.is_over, "the stream ended")
        assert reader.has_ended_well
    assert server.hub.readers == 0


def test_the_hub_knows_its_readers_and_how_old_events_are_when_they_come(
    town: Stores, server: EventServer, read: Read
) -> None:
    assert (server.hub.readers, server.hub.lag_secs) == (0, 0.0)
    reader = read(server)
    assert server.hub.readers == 1
    say(town, "now")
    wait_until(lambda: heard(reader) == ["now"], "it came")
    assert 0 <= server.hub.lag_secs < 5
    reader.cut()
    wait_until(lambda: server.hub.readers == 0, "it is gone")
