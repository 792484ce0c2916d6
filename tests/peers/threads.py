"""Threads of review comments: emulate's comments, and what of them is resolved or outdated."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from tests.peers.emulate import Emulate
from tests.peers.exchange import Request
from tests.peers.git import Bare
from tests.peers.queries import connection


class Threads:
    """A thread is named by the number of its first comment."""

    def __init__(self, bare: Bare, emulate: Emulate, slug: str) -> None:
        self._bare = bare
        self._emulate = emulate
        self._root = f"/repos/{slug}/pulls"
        self.resolved: set[int] = set()
        self.outdated: set[int] = set()
        """Threads said to be outdated; those whose line was changed by a push are so anyway."""

    def of(self, number: int) -> list[dict[str, Any]]:
        """The reviewThreads of a pull request, for GraphQL."""
        head = self._head(number)
        threads: dict[int, list[dict[str, Any]]] = {}
        for one in self._emulate.call("GET", f"{self._root}/{number}/comments?per_page=100"):
            threads.setdefault(one["in_reply_to_id"] or one["id"], []).append(self._seen(one, head))
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
        """The places of comments at the head as it is now."""
        found = re.fullmatch(rf"{self._root}/(\d+)/comments(/\d+/replies)?", request.path)
        if not found:
            return body
        head = self._head(int(found[1]))
        return [self._seen(one, head) for one in body] if isinstance(body, list) else self._seen(body, head)

    def _head(self, number: int) -> str:
        return str(self._emulate.call("GET", f"{self._root}/{number}")["head"]["sha"])

    def _seen(self, comment: dict[str, Any], head: str) -> dict[str, Any]:
        """Replies have their thread's place; one whose line was changed since has no line any more."""
        comment = {name: value for name, value in comment.items() if name != "in_reply_to_id" or value}
        first = comment
        if "in_reply_to_id" in comment:
            first = self._emulate.call("GET", f"{self._root}/comments/{comment['in_reply_to_id']}")
        was = first["line"] or first["position"]
        line = None if first["id"] in self.outdated else self._line(first["path"], was, first["commit_id"], head)
        place = {"path": first["path"], "original_line": was, "original_position": was, "subject_type": "line"}
        return comment | place | {"line": line, "position": line, "commit_id": head if line else first["commit_id"]}

    def _line(self, path: str, line: int | None, since: str, head: str) -> int | None:
        if line is None or self._bare.commit_of(since) is None:
            return line
        return self._bare.line_now(path, line, since, head)

    def _thread(self, first: int, comments: list[dict[str, Any]]) -> dict[str, Any]:
        line = comments[0]["line"]
        return {
            "id": f"PRRT_{first}",
            "isResolved": first in self.resolved,
            "isOutdated": line is None,
            "isCollapsed": first in self.resolved,
            "path": comments[0]["path"],
            "line": line,
            "originalLine": comments[0]["original_line"],
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
        "line": one["line"],
        "originalLine": one["original_line"],
        "isMinimized": False,
        "commit": {"oid": one["commit_id"]},
        "originalCommit": {"oid": one.get("original_commit_id")},
    }
