"""What GitHub's refusals mean to us, row by row."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytown.domain.errors import (
    ConflictError,
    ForgeError,
    ForgeUnavailableError,
    NotFoundError,
    QuotaError,
    TinytownError,
)
from tinytown.forges.github.failures import Said, failure_of, is_passing, limited, said_in
from tinytown.forges.github.transport import Reply

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
RESET = str(int(NOW.timestamp()) + 1200)
HTTP_NOW = "Mon, 05 Jan 2026 12:00:00 GMT"


def reply(status: int, message: str = "", errors: object = None, **headers: str) -> Reply:
    body = {"message": message, **({"errors": errors} if errors is not None else {})}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body=json.dumps(body).encode())


def failure(answer: Reply) -> TinytownError:
    return failure_of(answer, "octo/town#7", now=NOW)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(500), ForgeUnavailableError),
        (reply(502), ForgeUnavailableError),
        (reply(503), ForgeUnavailableError),
        (reply(504), ForgeUnavailableError),
        (reply(520), ForgeUnavailableError),
        (reply(599), ForgeUnavailableError),
        (reply(408), ForgeUnavailableError),
        (reply(401, "Bad credentials"), ForgeError),
        (reply(403, "Resource not accessible by integration"), ForgeError),
        (reply(403, "Must have admin rights to Repository."), ForgeError),
        (reply(404, "Not Found"), NotFoundError),
        (reply(405, "Merge commits are not allowed on this repository"), ForgeError),
        (reply(405, "Changes must be made through the merge queue"), ForgeError),
        (reply(405, "Repository rule violations found"), ForgeError),
        (reply(405, "Pull Request is not mergeable"), ConflictError),
        (reply(405, "Pull Request has merge conflicts"), ConflictError),
        (reply(405, 'Required status check "x" is expected'), ConflictError),
        (reply(405, "Base branch was modified. Review and try the merge again."), ConflictError),
        (reply(409, "Head branch was modified. Review and try the merge again."), ConflictError),
        (reply(410, "This issue was deleted"), NotFoundError),
        (reply(422, "Validation Failed"), ForgeError),
        (reply(451, "Repository access blocked"), ForgeError),
        (reply(301, "Moved Permanently"), ForgeError),
        (reply(400, "Problems parsing JSON"), ForgeError),
        (reply(418), ForgeError),
    ],
)
def test_each_refusal_is_its_error(answer: Reply, kind: type[TinytownError]) -> None:
    assert type(failure(answer)) is kind
    assert failure(answer).evidence["status"] == answer.status


def test_permanent_refusals_are_not_taken_for_outages() -> None:
    assert [s for s in (400, 401, 403, 404, 405, 409, 410, 422, 451) if is_passing(s)] == []


@pytest.mark.parametrize(
    ("answer", "secs", "is_secondary"),
    [
        (reply(403, "API rate limit exceeded", x_ratelimit_remaining="0", x_ratelimit_reset=RESET), 1200, False),
        (reply(429, x_ratelimit_remaining="0", x_ratelimit_reset=RESET), 1200, False),
        (reply(403, x_ratelimit_remaining="0", x_ratelimit_reset=RESET, retry_after="2000"), 2000, False),
        (reply(403, x_ratelimit_remaining="0", x_ratelimit_reset="soon"), 60, False),
        (reply(403, x_ratelimit_remaining="0"), 60, False),
        (reply(403, x_ratelimit_remaining="0", x_ratelimit_reset="1"), 1, False),
        (reply(403, retry_after="30"), 30, True),
        (reply(429, retry_after="30"), 30, True),
        (reply(429, retry_after="Mon, 05 Jan 2026 12:01:30 GMT"), 90, True),
        (reply(429, retry_after="Mon, 05 Jan 2026 11:00:00 GMT"), 1, True),
        (reply(429, retry_after="in a while"), 60, True),
        (reply(429), 60, True),
        (reply(403, "You have exceeded a secondary rate limit."), 60, True),
        (reply(403, "You have triggered an abuse detection mechanism."), 60, True),
        (reply(429, retry_after="9" * 400), 86400, True),
        (reply(429, retry_after="0"), 1, True),
    ],
)
def test_limits_hold_as_long_as_github_says(answer: Reply, secs: int, *, is_secondary: bool) -> None:
    found = failure(answer)
    assert isinstance(found, QuotaError)
    assert found.retry_at == NOW + timedelta(seconds=secs)
    limit = limited(answer, NOW)
    assert limit is not None
    assert limit.is_secondary is is_secondary


def test_time_is_told_from_githubs_own_clock() -> None:
    ahead = NOW + timedelta(minutes=10)
    answer = reply(403, x_ratelimit_remaining="0", x_ratelimit_reset=RESET, date=HTTP_NOW)
    found = limited(answer, ahead)
    assert found is not None
    assert found.until == ahead + timedelta(seconds=1200)


@pytest.mark.parametrize(("strikes", "secs"), [(0, 60), (1, 120), (3, 480), (6, 3600), (500, 3600)])
def test_a_secondary_limit_met_again_is_waited_for_longer(strikes: int, secs: int) -> None:
    found = limited(reply(403, "You have exceeded a secondary rate limit."), NOW, strikes)
    assert found is not None
    assert found.until == NOW + timedelta(seconds=secs)


def test_quota_error_says_until_when() -> None:
    answer = reply(403, x_ratelimit_remaining="0", x_ratelimit_reset=RESET)
    assert str(failure(answer)) == "GitHub's quota is used up until 12:20:00 UTC"
    assert str(failure(reply(429))) == "GitHub asks for fewer requests until 12:01:00 UTC"


@pytest.mark.parametrize("status", [200, 404, 500])
def test_headers_of_a_used_up_quota_alone_are_no_refusal(status: int) -> None:
    assert limited(reply(status, x_ratelimit_remaining="0", x_ratelimit_reset=RESET), NOW) is None


def test_forbidden_says_what_the_token_needs() -> None:
    fine = reply(403, "Resource not accessible", x_accepted_github_permissions="checks=write")
    assert "the token needs: checks=write" in str(failure(fine))
    classic = reply(403, "Must have admin rights", x_accepted_oauth_scopes="repo")
    assert "the token needs: repo" in str(failure(classic))
    assert "`tt doctor`" in str(failure(reply(403, "no")))


def test_single_sign_on_names_the_page_to_open() -> None:
    answer = reply(403, x_github_sso="required; url=https://github.com/orgs/o/sso?authorization_request=A")
    assert "open https://github.com/orgs/o/sso?authorization_request=A (valid for an hour)" in str(failure(answer))


@pytest.mark.parametrize(
    ("errors", "texts"),
    [
        ([{"message": "No commits between main and b"}], ("No commits between main and b",)),
        ([{"resource": "PullRequest", "field": "head", "code": "invalid"}], ("PullRequest head invalid",)),
        (["plain"], ("plain",)),
        ("one text", ("one text",)),
        ([None, 3, {}], ()),
        ({"a": 1}, ()),
    ],
)
def test_errors_of_a_refusal_are_told(errors: object, texts: tuple[str, ...]) -> None:
    answer = reply(422, "Validation Failed", errors)
    assert said_in(answer) == Said("Validation Failed", texts)
    assert all(text in str(failure(answer)) for text in texts)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"x"', b"\xff", b"[" * 100_000, b'{"message": 3}', b"null"])
def test_a_body_that_is_not_githubs_says_nothing(body: bytes) -> None:
    assert said_in(Reply(status=502, headers={}, body=body)) == Said()


@given(
    status=st.integers(300, 599).filter(lambda s: s != 304),
    message=st.text(),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset", "date", "x-github-sso"]),
        st.text(max_size=12) | st.from_regex(r"[0-9]{1,30}", fullmatch=True),
    ),
    strikes=st.integers(0, 100),
)
def test_any_refusal_is_one_error_in_one_line(status: int, message: str, headers: dict[str, str], strikes: int) -> None:
    answer = Reply(status=status, headers=headers, body=json.dumps({"message": message}).encode())
    found = failure_of(answer, "octo/town", now=NOW, strikes=strikes)
    assert isinstance(found, (ForgeError, NotFoundError, ConflictError))
    assert len(str(found).splitlines()) == 1
    assert len(str(found)) < 500
    if isinstance(found, QuotaError):
        assert found.retry_at is not None
        assert NOW < found.retry_at <= NOW + timedelta(days=1)
