"""Whose pages may ask, and who may read the answers."""

from __future__ import annotations

import pytest
from tests.asgi import HOST, answering, ask

from tinytown.config.townhall import CorsSettings, TownhallSettings
from tinytown.gate.cors import Cors
from tinytown.gate.origins import Origins, normal

BOARD = TownhallSettings(cors=CorsSettings(allowed_origins=("https://board.example",)))
APP = Origins(Cors(answering(), lambda: BOARD), lambda: BOARD)
CLOSED = Origins(Cors(answering(), TownhallSettings), TownhallSettings)


def test_what_is_no_browser_says_no_origin_and_passes() -> None:
    assert ask(CLOSED, "POST").status == 200
    assert ask(CLOSED, "DELETE").status == 200


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8080", "HTTP://127.0.0.1:8080"])
def test_our_own_pages_may_ask(origin: str) -> None:
    assert ask(CLOSED, "POST", headers={**HOST, "origin": origin, "sec-fetch-site": "same-origin"}).status == 200


def test_the_usual_port_need_not_be_said() -> None:
    asked = {"host": "town.example", "origin": "https://town.example:443"}

    assert ask(CLOSED, "POST", headers=asked, scheme="https").status == 200


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "https://127.0.0.1:8080",
        "http://127.0.0.1:8081",
        "http://user@127.0.0.1:8080",
        "http://127.0.0.1:8080/path",
        "http://127.0.0.1:port",
        "https://board.example.evil.example",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "GET"])
def test_pages_of_another_origin_may_not_ask(origin: str, method: str) -> None:
    answered = ask(APP, method, headers={**HOST, "origin": origin})

    assert (answered.status, answered.problem) == (403, "cross-site")
    assert "access-control-allow-origin" not in answered.headers


@pytest.mark.parametrize("second", ["https://evil.example", "null"])
def test_one_known_origin_does_not_speak_for_another(second: str) -> None:
    raw = [(b"origin", b"http://127.0.0.1:8080"), (b"origin", second.encode())]

    assert ask(APP, "POST", raw_headers=raw).problem == "cross-site"
    assert ask(APP, "POST", raw_headers=raw[:1]).status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_of_another_site_that_hides_its_origin_may_not_change_anything(site: str) -> None:
    assert ask(APP, "POST", headers={**HOST, "sec-fetch-site": site}).problem == "cross-site"


def test_a_link_from_another_site_may_be_followed() -> None:
    assert ask(APP, "GET", headers={**HOST, "sec-fetch-site": "cross-site"}).status == 200


def test_listed_origins_may_ask_and_read() -> None:
    answered = ask(APP, "POST", headers={**HOST, "origin": "https://board.example", "sec-fetch-site": "cross-site"})

    assert answered.status == 200
    assert answered.headers["access-control-allow-origin"] == "https://board.example"
    assert "X-Request-ID" in answered.headers["access-control-expose-headers"]
    assert answered.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answered.headers


def test_a_listed_origins_preflight_is_answered() -> None:
    asked = {**HOST, "origin": "https://board.example", "access-control-request-method": "DELETE"}

    answered = ask(APP, "OPTIONS", headers=asked)

    assert (answered.status, answered.body) == (204, b"")
    assert answered.headers["access-control-allow-origin"] == "https://board.example"
    assert "DELETE" in answered.headers["access-control-allow-methods"]
    assert "Authorization" in answered.headers["access-control-allow-headers"]


def test_without_the_setting_there_is_no_cors() -> None:
    answered = ask(CLOSED, "GET")

    assert [name for name in answered.headers if name.startswith("access-control") or name == "vary"] == []


def test_who_may_read_depends_on_the_origin_so_caches_are_told() -> None:
    assert ask(APP, "GET").headers["vary"] == "Origin"


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://a.example", "https://a.example:443"),
        ("http://[::1]:80", "http://::1:80"),
        ("ftp://a.example", ""),
        ("*", ""),
    ],
)
def test_origins_are_compared_in_one_form(text: str, origin: str) -> None:
    assert normal(text) == origin
