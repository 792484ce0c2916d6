"""Threads of review comments: emulate's comments, and what of them is resolved or outdated."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from tests.peers.emulate import Emulate
from tests.peers.exchange import Answer, Request
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

    def answer(self, request: Request) -> Answer | None:
        """A reply, by the address that emulate lacks."""
        found = re.fullmatch(rf"({self._root}/\d+/comments)/(\d+)/replies", request.path)
        if not found or request.method != "POST":
            return None
        body = json.dumps(request.json() | {"in_reply_to": int(found[2])}).encode()
        return self._emulate.forward(msgspec.structs.replace(request, path=found[1], body=body))

    def amend(self, request: Request, body: Any) -> Any:
        """The lines that a comment was on, and is on no more when it is outdated."""
        if re.fullmatch(rf"{self._root}/\d+/comments", request.path) and isinstance(body, list):
            return [self._seen(one) for one in body]
        return body

    def _seen(self, comment: dict[str, Any]) -> dict[str, Any]:
        line = comment.get("line")
        was = {"original_line": comment.get("original_line") or line, "subject_type": "line"}
        is_outdated = (comment.get("in_reply_to_id") or comment["id"]) in self.outdated
        return comment | was | ({"line": None, "position": None} if is_outdated else {})

    def _thread(self, first: int, comments: list[dict[str, Any]]) -> dict[str, Any]:
        line = comments[0].get("line")
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
