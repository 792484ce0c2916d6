"""What GitHub's refusals mean to us. Pure: status and headers decide, the text only where nothing else tells.

https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import msgspec

from tinytown.domain.errors import ConflictError, ForgeError, ForgeUnavailableError, NotFoundError, QuotaError
from tinytown.domain.errors import TinytownError as Failure
from tinytown.forges.github.transport import Reply

SECONDARY_SECS = 60.0
"""How long to wait after a secondary limit that does not say."""

_LONGEST_WAIT_SECS = 24 * 3600.0
_LIMITING = frozenset({403, 429})
_SHOWN_CHARS = 300
_SECONDARY = ("secondary rate limit", "abuse detection", "submitted too quickly")
_AGAIN = ("base branch was modified", "is expected", "not mergeable", "merge conflict", "is out of date", "in progress")
"""What GitHub says of a merge (405) that may be possible after another look."""


class Said(msgspec.Struct, frozen=True):
    """What an error's body says: `message`, and the texts of `errors`."""

    message: str = ""
    errors: tuple[str, ...] = ()

    def __str__(self) -> str:
        news = (one for one in self.errors if one not in self.message)
        text = "; ".join(part for part in (self.message, *news) if part)
        return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


class Limited(msgspec.Struct, frozen=True, kw_only=True):
    """How long GitHub wants us to ask nothing."""

    until: datetime
    is_secondary: bool
    """Whether all of the token's requests are meant, not those of one resource."""


def said_in(reply: Reply) -> Said:
    """The body of an error in one line; nothing when it is not GitHub's JSON."""
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return Said()
    if not isinstance(body, dict):
        return Said()
    errors = body.get("errors")
    told = errors if isinstance(errors, list) else [errors] if errors else []
    return Said(_line(body.get("message")), tuple(text for one in told if (text := _error_text(one))))


def is_passing(status: int) -> bool:
    """Whether that status is trouble of the server or on the way, which may be over a moment later."""
    return status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def limited(reply: Reply, now: datetime, strikes: int = 0) -> Limited | None:
    """Until when a refusal for too many requests holds, None when it is none.

    Args:
        reply: what was answered.
        now: by our clock; GitHub's times are taken as distances from its own `Date`.
        strikes: secondary limits met in a row before this one; each doubles a wait that GitHub leaves open.
    """
    if reply.status not in _LIMITING:
        return None
    is_used_up = reply.headers.get("x-ratelimit-remaining", "").strip() == "0"
    waits = [_reset_secs(reply.headers, now)] if is_used_up else []
    asked = _retry_after_secs(reply.headers, now)
    if asked is not None:
        waits.append(asked)
    is_secondary = not is_used_up and (asked is not None or reply.status == _TOO_MANY or _tells_of_secondary(reply))
    if not waits and is_secondary:
        waits.append(min(SECONDARY_SECS * 2 ** min(strikes, 6), 3600.0))
    if not waits:
        return None
    secs = min(max(1.0, *waits), _LONGEST_WAIT_SECS)
    return Limited(until=now + timedelta(seconds=secs), is_secondary=is_secondary)


def is_locked_out(reply: Reply) -> bool:
    """Whether GitHub lets nobody in for a while, because a wrong token was tried too often."""
    return reply.status == HTTPStatus.FORBIDDEN and "login attempts" in str(said_in(reply)).lower()


def failure_of(reply: Reply, what: str, *, now: datetime, strikes: int = 0) -> Failure:
    """The error that an answer means which is not what was asked for.

    Its evidence has `status` and `said` (a `Said`), for who knows more of what was asked.

    Args:
        reply: status 300 or above, but 304.
        what: what was asked for, as a person would call it: `octo/town#3`, `the merge of octo/town#7`.
        now: by our clock.
        strikes: as `limited`.
    """
    if (limit := limited(reply, now, strikes)) is not None:
        return quota_failure(limit)
    said = said_in(reply)
    kind, text = _judged(reply, what, said)
    return kind(" ".join(text.split()), status=reply.status, said=said)


def failure_elsewhere(reply: Reply, what: str) -> Failure:
    """The error of a file that another host does not give: that says nothing of the token, nor of GitHub's quota."""
    text = f"{reply.elsewhere}, which GitHub sends on to, does not give {what} ({reply.status})"
    if is_passing(reply.status) or reply.status == _TOO_MANY:
        return ForgeUnavailableError(f"{text}; it is tried again")
    return NotFoundError(text)


def quota_failure(limit: Limited) -> QuotaError:
    """The error that says until when nothing is asked."""
    what = "asks for fewer requests" if limit.is_secondary else "quota is used up"
    owner = "GitHub" if limit.is_secondary else "GitHub's"
    return QuotaError(f"{owner} {what} until {clock_text(limit.until)}", retry_at=limit.until)


def clock_text(at: datetime) -> str:
    """A time of day, for people."""
    return f"{at.astimezone(UTC):%H:%M:%S} UTC"


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """GitHub's own clock, of its `Date` header."""
    return _http_date(headers.get("date", ""))


def _judged(reply: Reply, what: str, said: Said) -> tuple[type[Failure], str]:
    told = f": {said}" if str(said) else ""
    status = reply.status
    if is_passing(status):
        return ForgeUnavailableError, f"GitHub cannot answer for {what} just now ({status}{told}); it is tried again"
    if status in _MEANINGS:
        kind, text = _MEANINGS[status]
        return kind, text.format(what=what) + told
    if status == HTTPStatus.FORBIDDEN:
        return ForgeError, _forbidden(reply, what, told)
    if status == HTTPStatus.METHOD_NOT_ALLOWED and any(word in str(said).lower() for word in _AGAIN):
        return ConflictError, f"GitHub does not do it just now: {what}{told}"
    if status < HTTPStatus.BAD_REQUEST:
        return ForgeError, (
            f"{what} has moved ({status}); see where the repository is now (`git remote set-url origin …`)"
        )
    return ForgeError, f"GitHub refused {what} ({status}{told})"


_TOO_MANY = HTTPStatus.TOO_MANY_REQUESTS
_MEANINGS: Mapping[int, tuple[type[Failure], str]] = {
    401: (ForgeError, "GitHub refuses the token; see `tt doctor`, asked for {what}"),
    404: (NotFoundError, "GitHub has no {what}, or the token may not see it"),
    409: (ConflictError, "something changed on GitHub in between: {what}"),
    410: (NotFoundError, "{what} is gone (deleted, made a discussion, or switched off in the repository)"),
    451: (ForgeError, "GitHub may not show {what} for legal reasons"),
}


def _forbidden(reply: Reply, what: str, told: str) -> str:
    sso = reply.headers.get("x-github-sso", "")
    if sso.startswith("required"):
        url = sso.partition("url=")[2].strip()
        return f"the token is not authorised for single sign-on, asked for {what}; open {url} (valid for an hour)"
    needs = reply.headers.get("x-accepted-github-permissions") or reply.headers.get("x-accepted-oauth-scopes")
    wants = f"; the token needs: {needs}" if needs else "; see `tt doctor` for what the token may do"
    return f"GitHub does not allow {what}{told}{wants}"


def _tells_of_secondary(reply: Reply) -> bool:
    text = str(said_in(reply)).lower()
    return any(words in text for words in _SECONDARY)


def _error_text(error: object) -> str:
    """One entry of `errors`: GitHub's own text, else which field is how."""
    if not isinstance(error, dict):
        return _line(error)
    if text := _line(error.get("message")):
        return text
    return " ".join(part for key in ("resource", "field", "code") if (part := _line(error.get(key))))


def _line(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _reset_secs(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds until the quota is filled again, by GitHub's clock; a minute when it does not say."""
    try:
        return float(headers["x-ratelimit-reset"]) - (server_time(headers) or now).timestamp()
    except (KeyError, ValueError):
        return SECONDARY_SECS


def _retry_after_secs(headers: Mapping[str, str], now: datetime) -> float | None:
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return min(float(text), _LONGEST_WAIT_SECS)
    at = _http_date(text)
    return None if at is None else (at - (server_time(headers) or now)).total_seconds()


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
