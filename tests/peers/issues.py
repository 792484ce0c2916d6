"""Issues as GitHub shows them: pull requests among them, and relations of issues, which emulate lacks."""

from __future__ import annotations

import re
from typing import Any

from tests.peers.emulate import Emulate
from tests.peers.exchange import Answer, Request, refused, said

_SHARED = (
    "id", "node_id", "number", "title", "body", "state", "user", "labels", "assignee", "assignees", "milestone",
    "locked", "created_at", "updated_at", "closed_at", "author_association", "html_url",
)  # fmt: skip
Place = tuple[str, int]


class Issues:
    """Blocked-by and sub-issue relations, set by the test; an issue is its number or (owner/repo, number)."""

    def __init__(self, emulate: Emulate, slug: str, url: str) -> None:
        self._emulate = emulate
        self._slug = slug
        self._url = url
        self._blockers: dict[Place, list[Place]] = {}
        self._parts: dict[Place, list[Place]] = {}

    def block(self, issue: int | Place, *, by: int | Place) -> None:
        self._blockers.setdefault(self._place(issue), []).append(self._place(by))

    def unblock(self, issue: int | Place, *, by: int | Place) -> None:
        self._blockers[self._place(issue)].remove(self._place(by))

    def add_part(self, issue: int | Place, part: int | Place) -> None:
        """Make `part` a sub-issue."""
        self._parts.setdefault(self._place(issue), []).append(self._place(part))

    def answer(self, request: Request) -> Answer | None:
        found = re.fullmatch(
            r"/repos/([^/]+/[^/]+)/issues/(\d+)(?:/(sub_issues|parent|dependencies/blocked_by|dependencies/blocking))?",
            request.path,
        )
        if request.method != "GET" or not found:
            return None
        place, what = (found[1], int(found[2])), found[3]
        if what is None:
            return self._pull_as_issue(request)
        if self._emulate.ask("GET", self._path(place)).status != 200:
            return refused(404, "Not Found")
        if what == "parent":
            parents = [one for one, parts in self._parts.items() if place in parts]
            return said(self._issue(parents[0])) if parents else refused(404, "Not Found")
        return said([self._issue(one) for one in self._related(place, what)])

    def amend(self, request: Request, body: Any) -> Any:
        """Put into emulate's issues what GitHub's have more."""
        if request.method == "GET" and request.path == "/search/issues":
            return body | {"items": [self._seen(one) for one in body["items"]]}
        if found := re.fullmatch(r"/repos/([^/]+/[^/]+)/issues", request.path):
            if request.method != "GET":
                return self._seen(body)
            return [self._seen(one) for one in body] + self._pulls_listed(found[1], request.query)
        if re.fullmatch(r"/repos/[^/]+/[^/]+/issues(/\d+)?/comments", request.path) and request.method == "GET":
            return [one for one in body if one["updated_at"][:19] >= request.query.get("since", "")[:19]]
        return self._seen(body) if re.fullmatch(r"/repos/[^/]+/[^/]+/issues/\d+", request.path) else body

    def _related(self, place: Place, what: str) -> list[Place]:
        if what == "dependencies/blocking":
            return [one for one, blockers in self._blockers.items() if place in blockers]
        return (self._parts if what == "sub_issues" else self._blockers).get(place, [])

    def _seen(self, issue: dict[str, Any]) -> dict[str, Any]:
        if "head" in issue:
            return self._as_issue(issue)
        found = re.search(r"/repos/([^/]+/[^/]+)$", issue["repository_url"])
        place = (found[1] if found else self._slug, int(issue["number"]))
        blockers = [self._is_open(one) for one in self._blockers.get(place, [])]
        blocked = [self._is_open(one) for one in self._related(place, "dependencies/blocking")]
        parts = [self._is_open(one) for one in self._parts.get(place, [])]
        parents = [one for one, its in self._parts.items() if place in its]
        done = parts.count(False)
        return issue | {
            "sub_issues_summary": {
                "total": len(parts),
                "completed": done,
                "percent_completed": 100 * done // len(parts) if parts else 0,
            },
            "issue_dependencies_summary": {
                "blocked_by": sum(blockers),
                "total_blocked_by": len(blockers),
                "blocking": sum(blocked),
                "total_blocking": len(blocked),
            },
            "parent_issue_url": f"{self._url}{self._path(parents[0])}" if parents else None,
        }

    def _pull_as_issue(self, request: Request) -> Answer | None:
        seen = self._emulate.ask("GET", request.path.replace("/issues/", "/pulls/"))
        return said(self._as_issue(seen.json())) if seen.status == 200 else None

    def _pulls_listed(self, slug: str, query: dict[str, str]) -> list[Any]:
        """GitHub lists pull requests among the issues."""
        if query.get("page", "1") != "1" or query.get("milestone"):
            return []
        wanted = set(filter(None, query.get("labels", "").split(",")))
        pulls = self._emulate.call("GET", f"/repos/{slug}/pulls?per_page=100&state={query.get('state', 'open')}")
        return [self._as_issue(one) for one in pulls if wanted <= {label["name"] for label in one.get("labels", [])}]

    def _as_issue(self, pull: dict[str, Any]) -> dict[str, Any]:
        path = f"/repos/{pull['base']['repo']['full_name']}"
        issue = {name: pull.get(name) for name in _SHARED}
        url = f"{self._url}{path}/issues/{pull['number']}"
        links = {name: f"{url}/{name.removesuffix('_url')}" for name in ("comments_url", "events_url")}
        linked = {"url": pull["url"], "html_url": pull["html_url"], "diff_url": None, "patch_url": None}
        return issue | links | {
            "url": url,
            "repository_url": f"{self._url}{path}",
            "labels_url": f"{url}/labels{{/name}}",
            "comments": pull.get("comments", 0),
            "pull_request": linked | {"merged_at": pull.get("merged_at")},
        }  # fmt: skip

    def _issue(self, place: Place) -> dict[str, Any]:
        return self._seen(self._emulate.call("GET", self._path(place)))

    def _is_open(self, place: Place) -> bool:
        return bool(self._emulate.call("GET", self._path(place))["state"] == "open")

    def _place(self, issue: int | Place) -> Place:
        return (self._slug, issue) if isinstance(issue, int) else issue

    @staticmethod
    def _path(place: Place) -> str:
        return f"/repos/{place[0]}/issues/{place[1]}"
