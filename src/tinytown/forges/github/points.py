"""What somebody wants changed in a pull request, of reviews and threads. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from tinytown.domain.pull import Finding
from tinytown.forges.github.acknowledgement import is_acknowledgement
from tinytown.forges.github.remarks import GHOST, Author, Remark, Thread, is_named
from tinytown.forges.github.shapes import ReviewShape, UserShape

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What reviews are judged by."""

    head: str
    same: frozenset[str] = frozenset()
    """Earlier heads that lack nothing of it but its base: approval of them is approval of it."""
    since: datetime | None = None
    """When that head was handed in."""
    told: frozenset[str] = frozenset()
    """Ids of what was handed over to be mended."""
    me: str = ""
    """Key of our own account: the agents push and answer as it, so what it says is no feedback."""
    bots: tuple[str, ...] = ()
    """Names of the bots that are listened to."""
    writers: frozenset[str] = frozenset()
    """Keys of accounts that may write to the repository: only their approval and refusal decide."""
    trusted: frozenset[str] = frozenset()
    """Keys of accounts whose remarks are handed to agents."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """Something somebody wants, and whether it keeps standing when it was handed over and the branch changed."""

    finding: Finding
    by: str
    at: datetime | None
    is_standing: bool = False


def author_of(review: ReviewShape) -> Author:
    """Who wrote it; a deleted account is called `ghost`, as GitHub does."""
    return author(review.user, review.author_association)


def author(user: UserShape | None, association: str) -> Author:
    """An account as REST tells it."""
    if user is None:
        return Author(login=GHOST)
    return Author(login=user.login, is_bot=user.type == "Bot", association=association)


def is_wanting(thread: Thread, facts: Facts) -> Remark | None:
    """The remark that a thread still waits for an answer to; None when it does not, or is resolved."""
    heard = [one for one in thread.remarks if _is_heard(one, facts)]
    if thread.is_resolved or not heard or heard[-1].author.key == facts.me:
        return None
    return heard[-1]


def refusals(last: Iterable[ReviewShape]) -> list[Point]:
    """Requests for changes: they stand until they are taken back."""
    return [
        _review_point(one, "asks for changes", is_standing=True) for one in last if one.state == "CHANGES_REQUESTED"
    ]


def general(said: Sequence[ReviewShape], last: Mapping[str, ReviewShape], facts: Facts) -> list[Point]:
    """Texts of reviews that decide nothing, unless their author decided later or they were handed over before a push.

    Nobody can resolve them, so they would stand for ever.
    """
    found = []
    for one in said:
        key, decided = author_of(one).key, last.get(author_of(one).key)
        is_settled = decided is not None and (decided.submitted_at or LONG_AGO) >= (one.submitted_at or LONG_AGO)
        if one.state != "COMMENTED" or key not in facts.trusted or is_settled or is_acknowledgement(one.body or ""):
            continue
        point = _review_point(one, "says", is_standing=False)
        if gates(point, facts):
            found.append(point)
    return found


def _review_point(review: ReviewShape, verb: str, *, is_standing: bool) -> Point:
    login = author_of(review).login
    text = f"@{login} {verb} ({review.html_url})".removesuffix(" ()")
    body = (review.body or "").strip()
    return Point(
        finding=Finding(id=f"review:{review.id}", text=f"{text}:\n\n{body}" if body else text),
        by=login,
        at=review.submitted_at,
        is_standing=is_standing,
    )


def of_threads(threads: Iterable[Thread], facts: Facts, is_theirs: Callable[[Author], bool]) -> list[Point]:
    """Threads in which one of them has the last word.

    Of outdated ones, those of people count until they were handed over: a push may have outdated them before anybody
    here looked. What bots say of a place that changed, they say again.
    """
    found = []
    for thread in threads:
        wanted = is_wanting(thread, facts)
        if wanted is None or not is_theirs(wanted.author):
            continue
        finding = Finding(id=f"comment:{wanted.id}", text=_thread_text(thread, facts))
        point = Point(finding=finding, by=wanted.author.login, at=wanted.at)
        if not thread.is_outdated or (gates(point, facts) and not is_listed_bot(wanted.author, facts)):
            found.append(point)
    return found


def _thread_text(thread: Thread, facts: Facts) -> str:
    heard = [one for one in thread.remarks if _is_heard(one, facts)]
    told = []
    for one in heard:
        where = f" on {thread.place}" if one is heard[0] and thread.path else ""
        told.append(f"@{one.author.login}{where} ({one.link}):\n\n{one.text.strip()}".replace(" ():", ":", 1))
    return "\n\n".join(told)


def of_summary(remark: Remark) -> Point:
    """A comment that is not about a place in the code."""
    text = f"@{remark.author.login} ({remark.link}):\n\n{remark.text.strip()}"
    return Point(finding=Finding(id=f"comment:{remark.id}", text=text), by=remark.author.login, at=remark.at)


def _is_heard(remark: Remark, facts: Facts) -> bool:
    """Whether a remark counts: ours, as an answer, and a trusted person's or named bot's that wants something."""
    key = remark.author.key
    if key == facts.me:
        return True
    return (key in facts.trusted or is_listed_bot(remark.author, facts)) and not is_acknowledgement(remark.text)


def is_listed_bot(author: Author, facts: Facts) -> bool:
    """Whether it is one of the bots that are a watch of their own."""
    return is_named(author, facts.bots)


def gates(point: Point, facts: Facts) -> bool:
    """Whether it keeps the head from passing: unless it was handed over, and the branch pushed since it was said."""
    is_old = facts.since is not None and point.at is not None and point.at <= facts.since
    return point.is_standing or not is_old or point.finding.id not in facts.told
