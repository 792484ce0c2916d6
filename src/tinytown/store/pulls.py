"""Pull requests of the local forge: each change is one script that also tells whoever watches."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from tinytown.domain.errors import NotFoundError
from tinytown.domain.pull import PullDraft, ReviewSeen
from tinytown.store import scripts
from tinytown.store.codec import at_text, decode, encode, pairs, to_ms
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

KEPT_SECS = 30 * 24 * 3600
"""How long what is known of a pull request stays after its merge."""


class StoredPull(msgspec.Struct, frozen=True, kw_only=True):
    """A local pull request as it is stored."""

    number: int
    url: str
    branch: str
    base: str
    head: str
    fork: str
    """Where the base branch was when the head came here: a head that is in it has nothing to merge."""
    title: str
    body: str
    marker: str
    state: str
    """`open` or `merged`."""
    opened_at: datetime
    updated_at: datetime
    merged_as: str | None = None
    notice: str = ""
    """What a person should know of its merge."""

    @property
    def is_open(self) -> bool:
        """Whether it can still be merged."""
        return self.state == "open"


class PullStore:
    """The local pull requests of one town."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def open(self, draft: PullDraft, *, place: str, fork: str, with_checks: bool, at: datetime) -> StoredPull:
        """Open a pull request, or bring the one of that branch or marker up to date.

        Args:
            draft: its branches, head commit and texts.
            place: what comes before the number in its URL.
            fork: commit the base branch is at.
            with_checks: whether its head is to be checked.
            at: now.
        """
        texts = msgspec.structs.asdict(msgspec.structs.replace(draft, closes=()))
        args = texts | {"place": place, "fork": fork, "with_checks": with_checks} | _time(at)
        return self.get(int(self._run("open_pull", args)))

    def get(self, number: int) -> StoredPull:
        """The pull request. NotFoundError when there is none of that number."""
        flat = self._connection.execute("HGETALL", self._keys("pull", number))
        if not flat:
            raise NotFoundError(f"there is no local pull request {number}")
        return _decode(flat)

    def move_head(self, pull: StoredPull, head: str, *, fork: str, with_checks: bool, at: datetime) -> StoredPull:
        """The pull request with its head moved, unless somebody else moved it meanwhile."""
        args = {"expected": pull.head, "head": head, "fork": fork, "with_checks": with_checks}
        self._run("update_pull", {"number": str(pull.number)} | args | _time(at))
        return self.get(pull.number)

    def record_merge(self, number: int, *, head: str, sha: str, notice: str = "", at: datetime) -> str:
        """Keep that `head` was merged as `sha`; the commit it was merged as, when that was done before."""
        args = {"number": str(number), "head": head, "sha": sha, "notice": notice, "kept_secs": KEPT_SECS}
        merged: bytes = self._run("merge_pull", args | _time(at))
        return merged.decode()

    def add_review(self, number: int, review: ReviewSeen, *, at: datetime) -> None:
        """Keep what somebody says of one commit."""
        text = f"{review.verdict.value} by {review.by}"
        encoded = encode(review)
        self._run("review_pull", {"number": str(number), "review": encoded, "text": text} | _time(at))

    def reviews(self, number: int) -> tuple[ReviewSeen, ...]:
        """Every review of it, oldest first."""
        replies = self._connection.execute("LRANGE", self._keys("pull", number, "reviews"), 0, -1)
        return tuple(decode(reply, ReviewSeen) for reply in replies)

    def _run(self, script: str, args: dict[str, Any]) -> Any:
        return self._connection.run(scripts.load(script), self._keys.prefix, args)


def _time(at: datetime) -> dict[str, Any]:
    return {"at": at_text(at), "ms": to_ms(at)}


def _decode(flat: list[bytes]) -> StoredPull:
    fields = {name: value.decode() for name, value in pairs(flat).items()}
    return msgspec.convert(fields, StoredPull, strict=False)
