from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Annotated

import httpx2
import msgspec
import pytest
from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message
from tests.asgi import HOST, answering, ask
from tests.integration.townhall.missions import item_id, mission, work
from tests.integration.townhall.served import RIGHTS, Served, problem
from tests.waiting import wait_until

from tinytown.bootstrap import Town
from tinytown.config import Settings
from tinytown.config.townhall import TownhallSettings
from tinytown.domain.access import OPERATOR
from tinytown.domain.workitem import WorkStatus
from tinytown.store.address import parse_url
from tinytown.store.connection import Connection
from tinytown.townhall.context import Context
from tinytown.townhall.idempotency import HEADER, LONGEST_REPLY, MORE_MS, REPLAYED, Idempotency
from tinytown.townhall.pool import TownPool

KEY = "4f9d2c1e"


class Counter:
    """Routes that count how often they were carried out, and can be made to wait."""

    def __init__(self) -> None:
        self.count = 0
        self.status = 201
        self.text = "ä"
        self.may_end = threading.Event()
        self.may_end.set()
        self.is_buggy = False

    def router(self) -> APIRouter:
        router = APIRouter()

        @router.post("/v1/counted")
        def counted(_: Annotated[object, Body()] = None) -> Response:
            self.count += 1
            assert self.may_end.wait(20)
            if self.is_buggy:
                raise RuntimeError("a bug")
            content = {"count": self.count, "text": self.text}
            return JSONResponse(content, self.status, headers={"Location": "/there", "X-Other": "1"})

        @router.put("/v1/counted")
        def empty() -> Response:
            self.count += 1
            return Response(status_code=204)

        @router.post("/other")
        def other() -> Response:
            self.count += 1
            return PlainTextResponse("other")

        return router


@pytest.fixture
def counter(served: Served) -> Iterator[Counter]:
    made = Counter()
    served.app.include_router(made.router())
    yield made
    made.may_end.set()


def send(served: Served, key: str = KEY, *, body: object = None, rights: str | None = None) -> httpx2.Response:
    headers = {HEADER: key, **({} if rights is None else {RIGHTS: rights})}
    return served.client.post("/v1/counted", json=body, headers=headers)


def test_request_that_is_sent_again_is_answered_again(served: Served, counter: Counter) -> None:
    first, again = send(served), send(served)
    assert counter.count == 1
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.json() == {"count": 1, "text": "ä"}
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert again.headers["location"] == "/there"
    assert again.headers["content-type"] == "application/json"


def test_requests_without_a_key_or_with_another_are_carried_out_each(served: Served, counter: Counter) -> None:
    for key in ("a", "b"):
        send(served, key)
    for _ in range(2):
        served.post("/v1/counted")
    assert counter.count == 4


def test_answers_without_a_body_are_repeated(served: Served, counter: Counter) -> None:
    answers = [served.client.put("/v1/counted", headers={HEADER: KEY}) for _ in range(2)]
    assert [(one.status_code, one.content) for one in answers] == [(204, b""), (204, b"")]
    assert counter.count == 1


def test_keys_count_for_writing_under_v1_only(served: Served, counter: Counter) -> None:
    for _ in range(2):
        served.client.post("/other", headers={HEADER: "not a key"})
        assert served.client.get("/v1/town", headers={HEADER: "not a key"}).status_code == 200
    assert counter.count == 2


def test_what_only_looks_is_not_kept(served: Served) -> None:
    answers = [served.client.post("/v1/agents/conductor/inbox", headers={HEADER: KEY}) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert REPLAYED not in answers[1].headers
    assert served.stores.connection.execute("KEYS", f"{served.stores.keys.prefix}:request:*") == []


@pytest.mark.parametrize("what", ["body", "query", "path", "method"])
def test_key_that_was_sent_with_another_request_is_422(served: Served, counter: Counter, what: str) -> None:
    send(served, body={"a": 1})
    path = {"query": "/v1/counted?a=1", "path": "/v1/backlog"}.get(what, "/v1/counted")
    method = "PUT" if what == "method" else "POST"
    body = {"a": 2} if what == "body" else {"a": 1}
    answer = served.client.request(method, path, json=body, headers={HEADER: KEY})
    problem(answer, 422, "idempotency-key-reused")
    assert counter.count == 1


def test_keys_are_their_senders(served: Served, counter: Counter) -> None:
    send(served)
    send(served, rights="admin")
    assert counter.count == 2
    stored = b"".join(served.stores.connection.execute("KEYS", f"{served.stores.keys.prefix}:request:*"))
    assert KEY.encode() not in stored
    assert b"operator" not in stored


@pytest.mark.parametrize("key", ["", "a b", "ä".encode("latin-1"), "x" * 256, "a\tb"])
def test_keys_that_are_malformed_are_400(served: Served, counter: Counter, key: str | bytes) -> None:
    answer = served.client.post(
        "/v1/counted", headers={HEADER.encode(): key if isinstance(key, bytes) else key.encode()}
    )
    assert problem(answer, 400, "invalid-input")["errors"][0]["field"] == "header.idempotency-key"
    assert counter.count == 0


def test_two_keys_at_once_are_400(served: Served, counter: Counter) -> None:
    answer = served.client.post("/v1/counted", headers=[(HEADER, "a"), (HEADER, "b")])
    problem(answer, 400, "invalid-input")
    assert counter.count == 0


def test_key_of_255_characters_is_one(served: Served, counter: Counter) -> None:
    assert send(served, "~" * 255).status_code == 201


def test_request_whose_first_try_is_under_way_is_409(served: Served, counter: Counter) -> None:
    counter.may_end.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(send, served)
        wait_until(lambda: counter.count == 1, "the first try is under way")
        found = send(served)
        problem(found, 409, "idempotency-key-in-use")
        assert found.headers["retry-after"] == "1"
        counter.may_end.set()
        assert first.result().json()["count"] == 1
    assert send(served).headers[REPLAYED] == "true"


def test_of_many_tries_at_once_one_is_carried_out(served: Served, counter: Counter) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(served), range(24)))
    assert counter.count == 1
    assert {one.status_code for one in answers} <= {201, 409}
    assert sum(one.status_code == 201 and REPLAYED not in one.headers for one in answers) == 1


@pytest.mark.parametrize("status", [500, 503, 429, 401, 403])
def test_answers_that_say_try_again_are_not_kept(served: Served, counter: Counter, status: int) -> None:
    counter.status = status
    assert send(served).status_code == status
    counter.status = 200
    assert send(served).json()["count"] == 2


@pytest.mark.parametrize("status", [400, 404, 409])
def test_refusals_are_kept(served: Served, counter: Counter, status: int) -> None:
    counter.status = status
    assert send(served).status_code == status
    counter.status = 200
    assert send(served).status_code == status
    assert counter.count == 1


def test_bug_frees_the_key(served: Served, counter: Counter) -> None:
    counter.is_buggy = True
    broken = served.client.post("/v1/counted", headers={HEADER: KEY, "Connection": "close"})  # the server closes it
    problem(broken, 500, "internal")
    counter.is_buggy = False
    assert send(served).json()["count"] == 2


def test_answer_that_is_too_long_is_sent_once_and_not_carried_out_again(served: Served, counter: Counter) -> None:
    counter.text = "x" * LONGEST_REPLY
    assert len(send(served).json()["text"]) == LONGEST_REPLY
    problem(send(served), 409, "answer-not-kept")
    assert counter.count == 1


def test_body_that_is_too_large_is_not_kept_in_memory(served: Served, counter: Counter) -> None:
    limit = served.app.state.context.settings.townhall.max_body_bytes
    problem(send(served, body="x" * limit), 413, "too-large")
    assert counter.count == 0


def test_limits_are_those_of_now_not_those_of_the_start(served: Served) -> None:
    now: Settings = served.app.state.context.settings
    start = msgspec.structs.replace(now, townhall=TownhallSettings(max_body_bytes=10))
    with closing(TownPool(lambda: Town(now, {}))) as towns:
        app = Idempotency(answering(), Context(towns=towns, settings=start))
        state = {"principal": OPERATOR}
        answered = ask(app, "POST", "/v1/x", {**HOST, HEADER: KEY}, [b"x" * 11], state=state)
    assert answered.status == 200


def test_request_that_is_cut_short_is_not_carried_out(served: Served, counter: Counter) -> None:
    url = served.client.base_url
    head = (
        f"POST /v1/counted HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 9\r\n"
        f"Content-Type: application/json\r\n{HEADER}: {KEY}\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port)) as sock:
        sock.sendall(f'{head}{{"a"'.encode())
    assert send(served).json()["count"] == 1


def test_key_of_a_server_that_died_is_free_after_a_while(served: Served, counter: Counter) -> None:
    counter.may_end.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(send, served)
        wait_until(lambda: counter.count == 1, "it is under way")
        connection, pattern = served.stores.connection, f"{served.stores.keys.prefix}:request:*"
        (name,) = connection.execute("KEYS", pattern)
        limit_ms = served.app.state.context.settings.townhall.request_timeout_ms + MORE_MS
        assert 0 < connection.execute("PTTL", name) <= limit_ms
        connection.execute("DEL", name)  # its time is over
        counter.may_end.set()
        first.result()
    assert connection.execute("KEYS", pattern) == []  # who comes too late keeps nothing
    assert send(served).json()["count"] == 2
    assert 86_000 < connection.execute("TTL", name) <= 86_400


def test_store_that_is_away_is_503_and_nothing_is_done(served: Served, counter: Counter, tmp_path: Path) -> None:
    nowhere = Connection(parse_url(f"unix://{tmp_path}/gone.sock"), 1.0, None, None)
    with served.app.state.context.towns.lend() as town:
        town.close()
        town.connection = nowhere
    problem(send(served), 503, "store-unavailable")
    assert counter.count == 0


async def _nobody(_: Message) -> None:
    """Takes no answer."""


def trying(served: Served) -> asyncio.Task[None]:
    """A request under the key that can be given up."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/counted",
        "query_string": b"",
        "headers": [(HEADER.lower().encode(), KEY.encode())],
        "state": {"principal": OPERATOR},
    }
    return asyncio.create_task(served.app(scope, receive, _nobody))


def test_request_that_nobody_waits_for_any_more_goes_on_and_its_answer_is_kept(
    served: Served, counter: Counter
) -> None:
    counter.may_end.clear()

    async def give_up() -> None:
        task = trying(served)
        await asyncio.to_thread(wait_until, lambda: counter.count == 1, "it is under way")
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        counter.may_end.set()
        await asyncio.to_thread(wait_until, lambda: send(served).status_code == 201, "its answer is kept")

    asyncio.run(give_up())
    assert send(served).json()["count"] == 1


def test_request_that_is_given_up_before_it_has_its_key_leaves_the_key_free(served: Served, counter: Counter) -> None:
    connection = served.stores.connection

    async def give_up() -> None:
        connection.execute("CLIENT", "PAUSE", "20000", "WRITE")
        try:
            task = trying(served)
            waits = lambda: b" flags=b" in connection.execute("CLIENT", "LIST")  # noqa: E731
            await asyncio.to_thread(wait_until, waits, "it asks for the key")
            task.cancel()
            await asyncio.wait({task})
            assert task.cancelled()
        finally:
            connection.execute("CLIENT", "UNPAUSE")
        await asyncio.to_thread(wait_until, lambda: send(served).status_code == 201, "the key is free")

    asyncio.run(give_up())
    assert counter.count == 1


def test_patch_of_an_item_happens_once(served: Served) -> None:
    made = mission(served.stores, work(1))
    path = f"/v1/missions/{made}/work/{item_id(1)}"
    body = {"status": "done", "artifacts": ["a"]}
    answers = [served.client.patch(path, json=body, headers={HEADER: KEY}) for _ in range(2)]
    assert answers[0].content == answers[1].content
    events = served.ok("GET", f"/v1/missions/{made}/events")["events"]
    assert sum("is done" in line for line in events) == 1
    assert served.stores.read(made, dispatcher=None).items[item_id(1)].status is WorkStatus.DONE
