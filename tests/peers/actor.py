"""Somebody at the tests' GitHub: its API by one user's token, as people, bots and CI use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx2
from tests.peers.github import FROM_TEST, GitHub


class Actor:
    """A user; what he does is neither counted nor checked. AssertionError where GitHub refuses."""

    def __init__(self, github: GitHub, name: str) -> None:
        headers = {"authorization": f"Bearer tok-{name}", FROM_TEST: "1"}
        self._http = httpx2.Client(base_url=github.url, headers=headers, timeout=30, verify=False, trust_env=False)
        self._root = f"/repos/{github.slug}"

    def close(self) -> None:
        self._http.close()

    def ask(self, method: str, path: str, body: object = None) -> httpx2.Response:
        """The answer, whatever it is; a path without a leading slash is the repository's."""
        place = path if path.startswith("/") else f"{self._root}/{path}".rstrip("/")
        return self._http.request(method, place, json=body)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of a successful answer."""
        reply = self.ask(method, path, body)
        assert reply.status_code < 300, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply.json() if reply.content else None

    def issue(self, title: str, body: str = "", *, labels: Sequence[str] = (), milestone: int | None = None) -> int:
        """Open an issue; its number."""
        said = {"title": title, "body": body, "labels": list(labels), "milestone": milestone}
        return int(self.call("POST", "issues", said)["number"])

    def comment(self, number: int, body: str) -> int:
        return int(self.call("POST", f"issues/{number}/comments", {"body": body})["id"])

    def pull(self, branch: str, *, base: str = "main", title: str = "", body: str = "") -> int:
        """Open a pull request; its number."""
        said = {"head": branch, "base": base, "title": title or branch, "body": body}
        return int(self.call("POST", "pulls", said)["number"])

    def check(
        self, sha: str, conclusion: str | None = None, *, name: str = "ci", annotations: Sequence[object] = ()
    ) -> int:
        """A check run of a commit, in progress without a conclusion; its number."""
        status = {"status": "completed", "conclusion": conclusion} if conclusion else {"status": "in_progress"}
        output = {"title": conclusion or "running", "summary": "", "annotations": list(annotations)}
        said = {"name": name, "head_sha": sha, "output": output} | status
        return int(self.call("POST", "check-runs", said)["id"])

    def end_check(self, number: int, conclusion: str) -> None:
        self.call("PATCH", f"check-runs/{number}", {"status": "completed", "conclusion": conclusion})

    def review(self, number: int, event: str, body: str = "", *, on: Sequence[tuple[str, int, str]] = ()) -> int:
        """Event APPROVE, REQUEST_CHANGES or COMMENT; `on`: (path, line, text) of comments in the code."""
        comments = [{"path": path, "line": line, "body": text} for path, line, text in on]
        said = {"event": event, "body": body, "comments": comments}
        return int(self.call("POST", f"pulls/{number}/reviews", said)["id"])

    def hook(self, url: str, secret: str, *events: str) -> int:
        """A webhook; without names, of every event."""
        config = {"url": url, "secret": secret, "content_type": "json"}
        return int(self.call("POST", "hooks", {"name": "web", "events": list(events) or ["*"], "config": config})["id"])
