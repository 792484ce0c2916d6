"""The one comment at an issue that says how its work is going, edited instead of followed by others."""

from __future__ import annotations

import re
from collections.abc import Callable
from threading import Lock

import msgspec

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, NotFoundError
from tinytown.domain.refs import IssueRef
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.pull_text import MOST_CHARS, quiet
from tinytown.forges.github.shapes import CommentShape

_FORBIDDEN = 403
_MOST_PAGES = 30
"""More than GitHub takes for an issue."""
_STATE = re.compile(r"\*\*[^*\n]+\*\*(?: · [^\n]*)?\n")
"""What our comments begin with: where the work stands."""


class StatusComments:
    """Status comments of one token's user. Thread-safe."""

    def __init__(self, client: GitHub, repository: Repository, me: Callable[[], str]) -> None:
        """Args: me is the login of the token's user."""
        self._client = client
        self._repository = repository
        self._me = me
        self._lock = Lock()
        self._known: dict[tuple[IssueRef, str], int] = {}

    def tell(self, ref: IssueRef, marker: str, text: str) -> None:
        """Have the comment with the marker say the text; nothing to do when it does, or when the issue is locked.

        Only what we wrote is edited: the token may be a person's, who comments as well. Of several (two that wrote at
        once) the oldest is kept.

        Args:
            ref: the issue.
            marker: the comment's last paragraph.
            text: begins with a line that is bold, or begins with something bold and ` · `.

        Raises:
            ForgeError: the comment cannot be written, or not be found among so many.
        """
        body = f"{quiet(text).strip()[:MOST_CHARS]}\n\n{marker}"
        try:
            self._tell(ref, marker, body)
        except ForgeUnavailableError:
            raise
        except ForgeError as error:
            if not _is_locked(error):
                raise

    def _tell(self, ref: IssueRef, marker: str, body: str) -> None:
        place = msgspec.structs.replace(self._repository, owner=ref.owner, name=ref.repo)
        found = self._find(place, ref, marker)
        if found and _plain(found[0].body) == body:
            pass
        elif found:
            self._client.send("PATCH", _path(place, found[0].id), CommentShape, {"body": body})
        else:
            path = place.path("/issues/{n}/comments", n=ref.number)
            found = (self._client.send("POST", path, CommentShape, {"body": body}),)
        for other in found[1:]:
            self._client.do("DELETE", _path(place, other.id))
        with self._lock:
            self._known[ref.folded, marker] = found[0].id

    def _find(self, place: Repository, ref: IssueRef, marker: str) -> tuple[CommentShape, ...]:
        """Our comments with the marker, oldest first; the one known from before is not searched for again."""
        with self._lock:
            known = self._known.get((ref.folded, marker))
        if known is not None:
            try:
                comment = self._client.get(_path(place, known), CommentShape)
            except NotFoundError:  # somebody deleted it
                comment = None
            if comment is not None and self._is_ours(comment, marker):
                return (comment,)
        path = place.path("/issues/{n}/comments", n=ref.number)
        listed = self._client.pages(path, tuple[CommentShape, ...], most=_MOST_PAGES)
        if listed.is_cut:
            raise ForgeError(f"{ref} has too many comments to find ours among them")
        ours = (one for page in listed.pages for one in page if self._is_ours(one, marker))
        return tuple(sorted(ours, key=lambda one: one.id))

    def _is_ours(self, comment: CommentShape, marker: str) -> bool:
        text = _plain(comment.body)
        is_status = text.endswith(f"\n\n{marker}") and text.count(marker) == 1 and _STATE.match(text) is not None
        return is_status and comment.user is not None and _folded(comment.user.login) == _folded(self._me())


def _path(place: Repository, comment_id: int) -> str:
    return place.path("/issues/comments/{id}", id=comment_id)


def _folded(login: str) -> str:
    """REST has `name[bot]` where GraphQL has `name`."""
    return login.lower().removesuffix("[bot]")


def _plain(body: str | None) -> str:
    return (body or "").replace("\r\n", "\n").strip()


def _is_locked(error: ForgeError) -> bool:
    return error.evidence.get("status") == _FORBIDDEN and "lock" in error.message.lower()
