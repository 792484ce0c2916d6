"""Reviews and threads as GitHub tells them, for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tinytown.forges.github.points import Facts
from tinytown.forges.github.remarks import KNOWN_BOTS, Author, Remark, Thread
from tinytown.forges.github.shapes import ReviewShape, UserShape

HEAD = "a" * 40
OLD = "b" * 40
START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def facts(
    *told: str,
    since: int | None = 50,
    me: str = "octo",
    writers: tuple[str, ...] = ("rev", "eve"),
    trusted: tuple[str, ...] = ("rev", "eve", "ann"),
    same: tuple[str, ...] = (),
) -> Facts:
    return Facts(
        head=HEAD,
        same=frozenset(same),
        since=None if since is None else at(since),
        told=frozenset(told),
        me=me,
        bots=KNOWN_BOTS,
        writers=frozenset(writers),
        trusted=frozenset(trusted),
    )


def review(
    id_: int,
    state: str,
    by: str | None = "rev",
    body: str = "",
    *,
    minute: int | None = None,
    commit: str | None = HEAD,
) -> ReviewShape:
    user = None if by is None else UserShape(by, "Bot" if by.endswith("[bot]") else "User")
    return ReviewShape(
        id=id_,
        state=state,
        user=user,
        body=body,
        commit_id=commit,
        submitted_at=at(id_ if minute is None else minute),
        html_url=f"https://github.com/o/r/pull/1#pullrequestreview-{id_}",
    )


def remark(id_: int, by: str = "rev", text: str = "please rename", *, is_bot: bool = False) -> Remark:
    link = f"https://github.com/o/r/pull/1#discussion_r{id_}"
    return Remark(id=str(id_), author=Author(login=by, is_bot=is_bot), text=text, at=at(id_), link=link)


def thread(*remarks: Remark, is_resolved: bool = False, is_outdated: bool = False) -> Thread:
    return Thread(remarks=remarks, path="src/a.py", line=3, is_resolved=is_resolved, is_outdated=is_outdated)
