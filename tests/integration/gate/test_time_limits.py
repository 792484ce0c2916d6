"""How long requests may take, with real threads and a real loop."""

from __future__ import annotations

import asyncio
import threading

import pytest
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.asgi import Answered, answering, ask, asked

from tinytown.config.townhall import TownhallSettings
from tinytown.gate import time_limits
from tinytown.gate.time_limits import TimeLimits

SHORT = TownhallSettings(request_timeout_ms=30)
LONG = TownhallSettings(request_timeout_ms=60_000)


def limited(app: ASGIApp, settings: TownhallSettings, stopping: asyncio.Event | None = None) -> TimeLimits:
    return TimeLimits(app, lambda: settings, stopping or asyncio.Event())


async def waiting(_: Scope, __: Receive, ___: Send) -> None:
    await asyncio.Event().wait()


async def beginning(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    await asyncio.Event().wait()


async def streaming(_: Scope, __: Receive, send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number in range(3):
        await asyncio.sleep(0.03)  # longer than a request may take, together
        await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def streaming_on(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    await send({"type": "http.response.body", "body": b": hello\n\n", "more_body": True})
    await asyncio.Event().wait()


def test_an_answer_in_time_passes() -> None:
    answered = ask(limited(answering(), LONG))

    assert (answered.status, answered.body) == (200, b"done")


def test_a_request_without_an_answer_in_time_is_told_so() -> None:
    answered = ask(limited(waiting, SHORT))

    assert (answered.status, answered.problem) == (504, "too-slow")


def test_an_answer_that_does_not_end_is_cut_off() -> None:
    answered = ask(limited(beginning, SHORT))

    assert (answered.status, answered.body, answered.is_complete) == (200, b"half", False)


def test_a_stream_of_events_may_take_as_long_as_it_likes() -> None:
    answered = ask(limited(streaming, SHORT))

    assert answered.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
    assert answered.is_complete


def test_streams_of_events_end_in_order_when_the_server_is_to_stop() -> None:
    async def run() -> list[Answered]:
        stopping = asyncio.Event()
        app = limited(streaming_on, SHORT, stopping)
        readers = [asyncio.ensure_future(asked(app)) for _ in range(3)]
        done, _ = await asyncio.wait(readers, timeout=0.06)  # longer than a request may take
        assert not done
        stopping.set()
        late = await asked(app)  # one that comes while it stops
        return [*await asyncio.gather(*readers), late]

    assert [(one.body, one.is_complete) for one in asyncio.run(run())] == [(b": hello\n\n", True)] * 4


def test_a_stream_ends_when_who_reads_it_is_let_in_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limits, "RECHECK_SECS", 0.02)
    verdicts = iter((True, True, False))
    asked_again: list[bool] = []

    async def again() -> bool:
        asked_again.append(next(verdicts))
        return asked_again[-1]

    answered = ask(limited(streaming_on, LONG), state={"let_in_again": again})

    assert asked_again == [True, True, False]
    assert (answered.body, answered.is_complete) == (b": hello\n\n", True)


def test_what_runs_in_a_thread_ends_by_itself_and_gives_back_then_what_it_was_lent() -> None:
    go_on, given_back = threading.Event(), threading.Event()

    async def in_a_thread(_: Scope, __: Receive, ___: Send) -> None:
        try:
            await run_in_threadpool(go_on.wait, 30)
        finally:
            given_back.set()

    async def run() -> Answered:
        answered = await asked(limited(in_a_thread, SHORT))
        assert not given_back.is_set()
        go_on.set()
        assert await asyncio.to_thread(given_back.wait, 10)
        return answered

    assert asyncio.run(run()).status == 504


def test_what_a_late_request_still_says_is_not_sent() -> None:
    go_on, has_said = threading.Event(), threading.Event()
    begun: list[int] = []

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await run_in_threadpool(go_on.wait, 30)
        finally:
            await answering()(scope, receive, send)
            has_said.set()

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun.append(message["status"])
            await send(message)

        await app(scope, receive, noted)

    app = limited(late, SHORT)

    async def run() -> None:
        await asked(noting)
        go_on.set()
        assert await asyncio.to_thread(has_said.wait, 10)

    asyncio.run(run())
    assert begun == [504]


def test_a_bug_comes_out() -> None:
    async def broken(_: Scope, __: Receive, ___: Send) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(limited(broken, LONG))


def test_some_paths_may_take_longer_than_the_settings_say() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.06)  # longer than a request may take elsewhere
        await answering()(scope, receive, send)

    app = TimeLimits(slow, lambda: SHORT, asyncio.Event(), {"/mcp": 60})

    assert [ask(app, path=path).status for path in ("/mcp", "/mcp/", "/v1/town")] == [200, 200, 504]
