"""Threads of review comments: emulate's comments, and what of them is resolved or outdated."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from tests.peers.emulate import Emulate
from tests.peers.exchange import Request
from tests.peers.queries import connection


class Threads:
    """A thread is named by the number of its first comment."""

    def __init__(self, emulate: Emulate, slug: str) -> None:
        self._emulate = emulate
        self._root = f"/repos/{slug}/pulls"
        self.resolved: set[int] = set()
        self.outdated: set[int] = set()

    def of(self, number: int) -> list[dict[str, Any]]:
        """The reviewThreads of a pull request, for GraphQL."""
        comments = self._emulate.call("GET", f"{self._root}/{number}/comments?per_page=100")
        threads: dict[int, list[dict[str, Any]]] = {}
        for one in comments:
            threads.setdefault(one.get("in_reply_to_id") or one["id"], []).append(one)
        return [self._thread(first, its) for first, its in threads.items()]

    def rewritten(self, request: Request) -> Request:
        """Replies, and comments by their line, said as emulate takes them."""
        found = re.fullmatch(rf"({self._root}/\d+)/(comments|comments/(\d+)/replies|reviews)", request.path)
        if not found or request.method != "POST":
            return request
        body = request.json()
        body["comments"] = [_placed(one) for one in body.get("comments", [])]
        if answered := found[3] or body.get("in_reply_to"):
            body["in_reply_to_id"] = int(answered)
        path = f"{found[1]}/{'reviews' if found[2] == 'reviews' else 'comments'}"
        return msgspec.structs.replace(request, path=path, body=json.dumps(_placed(body)).encode())

    def amend(self, request: Request, body: Any) -> Any:
        """The places of comments: replies have their thread's, and an outdated one has no line any more."""
        if not re.fullmatch(rf"{self._root}/\d+/comments(/\d+/replies)?", request.path):
            return body
        return [self._seen(one) for one in body] if isinstance(body, list) else self._seen(body)

    def _seen(self, comment: dict[str, Any]) -> dict[str, Any]:
        first = comment
        if comment.get("in_reply_to_id"):
            first = self._emulate.call("GET", f"{self._root}/comments/{comment['in_reply_to_id']}")
        line = first.get("line") or first.get("position")
        place = {"path": first["path"], "original_line": line, "original_position": line, "subject_type": "line"}
        is_outdated = first["id"] in self.outdated
        return comment | place | dict.fromkeys(("line", "position"), None if is_outdated else line)

    def _thread(self, first: int, comments: list[dict[str, Any]]) -> dict[str, Any]:
        line = comments[0].get("line") or comments[0].get("position")
        return {
            "id": f"PRRT_{first}",
            "isResolved": first in self.resolved,
            "isOutdated": first in self.outdated,
            "isCollapsed": first in self.resolved,
            "path": comments[0]["path"],
            "line": None if first in self.outdated else line,
            "originalLine": line,
            "startLine": None,
            "subjectType": "LINE",
            "comments": connection([_comment(one) for one in comments]),
        }


def author(user: dict[str, Any]) -> dict[str, Any]:
    """An Actor: bots have no `[bot]` in GraphQL."""
    login = user["login"]
    kind = "Bot" if login.endswith("[bot]") else "User"
    return {"login": login.removesuffix("[bot]"), "__typename": kind}


def _placed(comment: dict[str, Any]) -> dict[str, Any]:
    """emulate wants a position in the diff with a review's comment; a line is taken for it."""
    return comment | ({"position": comment["line"]} if "line" in comment and "position" not in comment else {})


def _comment(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one.get("node_id") or f"PRRC_{one['id']}",
        "databaseId": one["id"],
        "fullDatabaseId": str(one["id"]),
        "author": author(one["user"]),
        "authorAssociation": one.get("author_association", "NONE"),
        "body": one["body"],
        "createdAt": one["created_at"],
        "updatedAt": one["updated_at"],
        "url": one["html_url"],
        "path": one["path"],
        "line": one.get("line"),
        "originalLine": one.get("line"),
        "isMinimized": False,
        "commit": {"oid": one["commit_id"]},
        "originalCommit": {"oid": one.get("original_commit_id")},
    }
