"""Commit statuses, the older kind of check, which emulate lacks."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from tests.peers.emulate import Emulate
from tests.peers.exchange import Answer, Request, refused, said
from tests.peers.git import Bare


class Statuses:
    """Statuses by commit, newest first."""

    def __init__(self, bare: Bare, emulate: Emulate, slug: str, url: str) -> None:
        self._bare = bare
        self._emulate = emulate
        self._slug = slug
        self._url = f"{url}/repos/{slug}"
        self._of: dict[str, list[dict[str, Any]]] = {}

    def set(self, sha: str, context: str, state: str, description: str = "", link: str | None = None) -> dict[str, Any]:
        """What CI says of a commit: error, failure, pending or success."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        number = sum(map(len, self._of.values())) + 1
        status = {
            "url": f"{self._url}/statuses/{sha}",
            "avatar_url": None,
            "id": number,
            "node_id": f"SC_{number}",
            "state": state,
            "description": description,
            "target_url": link,
            "context": context,
            "created_at": at,
            "updated_at": at,
        }
        self._of.setdefault(sha, []).insert(0, status)
        return status

    @property
    def changes(self) -> int:
        return sum(map(len, self._of.values()))

    def states(self, sha: str) -> dict[str, str]:
        """The newest state of each context."""
        return {one["context"]: one["state"] for one in self._newest(sha)}

    def answer(self, request: Request) -> Answer | None:
        found = re.fullmatch(rf"/repos/{self._slug}/(?:commits/(.+)/(status|statuses)|statuses/(\w+))", request.path)
        if not found:
            return None
        sha = self._bare.commit_of(unquote(found[1] or found[3]))
        if sha is None:
            return refused(422 if request.method == "POST" else 404, "No commit found for SHA")
        if request.method == "POST" and found[3]:
            body = request.json()
            status = self.set(
                sha, body.get("context", "default"), body["state"], body.get("description", ""), body.get("target_url")
            )
            return said(status | {"creator": None}, 201)
        if request.method == "GET" and found[2] == "statuses":
            return said([one | {"creator": None} for one in self._of.get(sha, [])])
        return said(self._combined(sha)) if request.method == "GET" and found[2] else None

    def _newest(self, sha: str) -> list[dict[str, Any]]:
        newest: dict[str, dict[str, Any]] = {}
        for one in self._of.get(sha, []):
            newest.setdefault(one["context"], one)
        return list(newest.values())

    def _combined(self, sha: str) -> dict[str, Any]:
        statuses = self._newest(sha)
        states = {one["state"] for one in statuses}
        word = "failure" if states & {"error", "failure"} else "success" if states == {"success"} else "pending"
        return {
            "state": word,  # "pending" without any, too
            "statuses": statuses,
            "sha": sha,
            "total_count": len(statuses),
            "repository": self._emulate.call("GET", f"/repos/{self._slug}"),
            "commit_url": f"{self._url}/commits/{sha}",
            "url": f"{self._url}/commits/{sha}/status",
        }
