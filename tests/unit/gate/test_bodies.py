"""How large bodies may be."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from tests.asgi import HOST, answering, ask

from tinytown.config.townhall import TownhallSettings
from tinytown.gate.bodies import Bodies

LIMIT = TownhallSettings(max_body_bytes=10)
APP = Bodies(answering(), lambda: LIMIT)


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await Response(body)(scope, receive, send)


async def turning_trouble_into_400(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await Request(scope, receive).body()
    except Exception:  # noqa: BLE001  as frameworks do
        await Response("cannot read it", 400)(scope, receive, send)


async def streaming_back(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    async for chunk in Request(scope, receive).stream():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})


def test_a_body_of_the_limit_passes() -> None:
    assert ask(APP, "POST", headers={**HOST, "content-length": "10"}, body=[b"0123456789"]).status == 200


def test_a_body_that_says_it_is_larger_is_refused_unread() -> None:
    seen: list[Scope] = []
    app = Bodies(answering(look=seen.append), lambda: LIMIT)

    answered = ask(app, "POST", headers={**HOST, "content-length": "11"})

    assert (answered.status, answered.problem) == (413, "too-large")
    assert answered.headers["connection"] == "close"
    assert seen == []


def test_a_body_that_turns_out_larger_is_refused_as_soon_as_it_does() -> None:
    for app in (reading, turning_trouble_into_400):
        answered = ask(Bodies(app, lambda: LIMIT), "POST", body=[b"01234", b"56789", b"!", b"never read"])

        assert (answered.status, answered.problem) == (413, "too-large")


def test_an_answer_that_has_begun_is_cut_off() -> None:
    answered = ask(Bodies(streaming_back, lambda: LIMIT), "POST", body=[b"01234", b"567890"])

    assert answered.status == 200
    assert not answered.is_complete


def test_deliveries_of_the_forge_may_be_larger() -> None:
    asked = {**HOST, "content-length": "11"}

    assert ask(APP, "POST", "/v1/webhooks/github", headers=asked, body=[b"0123456789!"]).status == 200
