"""What is refused before a route is reached, or by one: problem documents, whatever it is."""

from __future__ import annotations

import logging

import pytest
from fastapi import APIRouter
from pydantic import Field
from tests.integration.townhall.served import GONE_RIGHTS, RIGHTS, Served, problem

from tinytown.domain.errors import (
    ConfigError,
    ConflictError,
    GitError,
    ProblemsError,
    StoreError,
    StoreUnavailableError,
    TinytownError,
)
from tinytown.schemas.base import Id, Request, Text
from tinytown.townhall.parameters import Flag

_trial = APIRouter()


class _Part(Request):
    number: int
    is_new: bool = False


class _Whole(Request):
    text: Text
    parts: tuple[_Part, ...] = Field((), strict=False)


@_trial.post("/v1/trial")
def _read(body: _Whole) -> int:
    return len(body.parts)


@_trial.put("/v1/trial")
def _change() -> str:
    return "changed"


@_trial.get("/v1/trials/{trial_id}")
def _look(trial_id: Id, deep: Flag = False) -> str:  # noqa: FBT002  as FastAPI reads parameters
    return f"{trial_id} {deep}"


@_trial.get("/v1/trials/newest")
def _never() -> None:
    raise AssertionError


@_trial.delete("/v1/trials/newest")
def _remove() -> str:
    return "removed"


@_trial.get("/v1/errors/{name}")
def _fail(name: str) -> None:
    raise _ERRORS[name]


_ERRORS: dict[str, Exception] = {
    "config": ConfigError("/home/ada/shop/tinytown.toml: no such key"),
    "git": GitError("fatal: /home/ada/shop/.git is locked"),
    "store": StoreError("Redis refused: /var/lib/redis is full"),
    "away": StoreUnavailableError("cannot connect to unix:///home/ada/shop/.tt/redis.sock"),
    "conflict": ConflictError("the worktree ~/shop and /home/ada/shop/.tt are in use\nsee https://example.org/a/b"),
    "several": ProblemsError(("#1 is closed", "/home/ada/plan.md is missing")),
    "bug": RuntimeError("at /home/ada/shop"),
}


@pytest.fixture
def trial(served: Served) -> Served:
    served.app.include_router(_trial)
    return served


def test_a_path_that_leads_nowhere_is_404(served: Served) -> None:
    problem(served.get("/v2/town"), 404, "unknown-path")
    problem(served.get("/v1/town/"), 404, "unknown-path")


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "body.text", "Field required"),
        ({"text": 5}, "body.text", "Input should be a valid string"),
        ({"text": "  "}, "body.text", "must not be empty"),
        ({"text": "a\0b"}, "body.text", "must not contain the character NUL"),
        ({"text": "x" * 100_001}, "body.text", "String should have at most 100000 characters"),
        ({"text": "x", "parts": [{"number": "5"}]}, "body.parts[0].number", "Input should be a valid integer"),
        ({"text": "x", "parts": [{"number": 5}, {}]}, "body.parts[1].number", "Field required"),
        (
            {"text": "x", "parts": [{"number": 5, "is_new": 1}]},
            "body.parts[0].is_new",
            "Input should be a valid boolean",
        ),
        ([], "body", "Input should be a valid dictionary or object to extract fields from"),
    ],
)
def test_a_body_with_a_wrong_field_is_400_and_names_it(trial: Served, body: object, field: str, message: str) -> None:
    found = problem(trial.post("/v1/trial", body), 400, "invalid-input")
    assert found["errors"] == [{"field": field, "message": message}]
    assert found["detail"] == f"{field}: {message}"


@pytest.mark.parametrize("text", [b"{", b'{"text": "\xff"}', b'{"text": "x"', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_is_400(trial: Served, text: bytes) -> None:
    answer = trial.client.post("/v1/trial", content=text, headers={"Content-Type": "application/json"})
    assert problem(answer, 400, "invalid-input")["errors"][0]["field"] == "body"


@pytest.mark.parametrize(("number", "status"), [("5.0", 200), ("5e0", 200), ("5.5", 400), ("NaN", 400), ("1e999", 400)])
def test_a_whole_number_is_an_integer_however_it_is_written(trial: Served, number: str, status: int) -> None:
    text = f'{{"text": "x", "parts": [{{"number": {number}}}]}}'
    answer = trial.client.post("/v1/trial", content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == status


def test_half_a_character_is_400(trial: Served) -> None:
    sent = {"content": b'{"text": "\\ud800"}', "headers": {"Content-Type": "application/json"}}
    answer = trial.client.post("/v1/trial", **sent)  # type: ignore[arg-type]
    assert problem(answer, 400, "invalid-input")["errors"][0]["field"] == "body.text"


def test_no_body_where_one_is_needed_is_400(trial: Served) -> None:
    assert problem(trial.client.post("/v1/trial"), 400, "invalid-input")["errors"] == [
        {"field": "body", "message": "Field required"}
    ]


@pytest.mark.parametrize(
    "media", [None, "text/plain", "application/xml", "application/json; charset=latin-1", "application/x-json", "json"]
)
def test_a_body_that_does_not_say_json_is_415(trial: Served, media: str | None) -> None:
    headers = {} if media is None else {"Content-Type": media}
    answer = trial.client.post("/v1/trial", content=b'{"text": "x"}', headers=headers)
    problem(answer, 415, "unsupported-media")


@pytest.mark.parametrize("media", ["application/json", "Application/JSON; charset=UTF-8"])
def test_a_body_that_says_json_is_read(trial: Served, media: str) -> None:
    answer = trial.client.post("/v1/trial", content=b'{"text": "x"}', headers={"Content-Type": media})
    assert answer.json() == 0


@pytest.mark.parametrize(
    "trial_id",
    ["1", "0" * 32, "{123e4567-e89b-12d3-a456-426614174000}", "urn:uuid:123e4567-e89b-12d3-a456-426614174000"],
)
def test_an_id_that_is_no_uuid_is_400(trial: Served, trial_id: str) -> None:
    found = problem(trial.get(f"/v1/trials/{trial_id}"), 400, "invalid-input")
    assert found["errors"][0]["field"] == "path.trial_id"


def test_an_id_is_read_in_whatever_letter_case(trial: Served) -> None:
    assert trial.get("/v1/trials/123E4567-E89B-12D3-A456-426614174000").json().startswith("123e4567-e89b-")


@pytest.mark.parametrize("value", ["1", "yes", "True", "on", ""])
def test_a_boolean_of_the_query_is_true_or_false_and_nothing_else(trial: Served, value: str) -> None:
    path = "/v1/trials/123e4567-e89b-12d3-a456-426614174000"
    assert trial.get(path, deep="true").json().endswith("True")
    found = problem(trial.get(path, deep=value), 400, "invalid-input")
    assert found["errors"] == [{"field": "query.deep", "message": "must be true or false"}]


def test_a_method_that_is_not_served_is_405_with_all_that_are(trial: Served) -> None:
    answer = trial.client.delete("/v1/trial")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "OPTIONS, POST, PUT"
    assert trial.client.post("/health").headers["allow"] == "GET, HEAD, OPTIONS"


def test_a_path_without_parameters_is_nobodys_id(trial: Served) -> None:
    answer = trial.client.post("/v1/trials/newest")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS"
    assert trial.client.delete("/v1/trials/newest").json() == "removed"


def test_options_says_what_is_allowed(trial: Served) -> None:
    answer = trial.client.options("/v1/trial")
    assert answer.status_code == 204
    assert answer.headers["allow"] == "OPTIONS, POST, PUT"
    assert answer.content == b""


def test_head_is_get_without_the_body(served: Served) -> None:
    got, headed = served.get("/v1/town"), served.client.head("/v1/town")
    assert headed.status_code == 200
    assert headed.content == b""
    assert headed.headers["content-length"] == got.headers["content-length"]
    assert headed.headers["content-type"] == "application/json"
    assert served.client.head("/v1/none").status_code == 404


def test_what_lacks_a_scope_is_403(served: Served) -> None:
    answer = served.client.get("/v1/town", headers={RIGHTS: GONE_RIGHTS})
    assert "town.read" in problem(answer, 403, "missing-scope")["detail"]


@pytest.mark.parametrize(
    ("name", "status", "slug", "detail"),
    [
        ("config", 500, "config", "the town's settings do not allow this; the server's log says what to change"),
        ("git", 500, "git", "git refused this; the server's log says why"),
        ("store", 500, "store", "the store refused this; the server's log says why"),
        ("away", 503, "store-unavailable", "the store cannot be reached just now; try again in a moment"),
        ("conflict", 409, "conflict", "the worktree … and … are in use; see https://example.org/a/b"),
        ("several", 400, "problems", "#1 is closed; … is missing"),
    ],
)
def test_an_error_tells_no_path_of_this_machine(trial: Served, name: str, status: int, slug: str, detail: str) -> None:
    assert isinstance(_ERRORS[name], TinytownError)
    assert problem(trial.get(f"/v1/errors/{name}"), status, slug)["detail"] == detail


def test_a_store_that_is_away_says_when_to_come_again(trial: Served) -> None:
    assert trial.get("/v1/errors/away").headers["retry-after"] == "1"


def test_several_things_that_are_wrong_are_listed(trial: Served) -> None:
    told = trial.get("/v1/errors/several").json()["errors"]
    assert [one["message"] for one in told] == ["#1 is closed", "… is missing"]


def test_a_bug_is_500_without_a_trace(trial: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL + 1):
        answer = trial.get("/v1/errors/bug")
    problem(answer, 500, "internal")
    assert "/home" not in answer.text
    assert "RuntimeError" not in answer.text
