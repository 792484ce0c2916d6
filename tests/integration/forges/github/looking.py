"""GitHub's answers to a look, in the shapes of its documentation, on the tests' small server."""

from __future__ import annotations

from typing import Any

from tests.integration.forges.github.conftest import Peer
from tests.peers.described import github_described
from tests.peers.exchange import Answer, said

from tinytown.domain.pull import Known
from tinytown.forges.github.address import Repository

R = "/repos/octo/town"
TOWN = Repository(host="github.com", owner="octo", name="town")
HEAD = "a" * 40
OTHER = "b" * 40
ACTIONS = {"id": 15368, "slug": "github-actions"}
KNOWN = Known(head=HEAD, branch="tt/1", base="main")


def check(
    id_: int = 1,
    conclusion: str | None = "success",
    *,
    name: str = "ci",
    suite: int = 5,
    app: dict[str, Any] | None = ACTIONS,
    annotations: int = 0,
    ended: str = "2026-01-02T03:04:05Z",
) -> dict[str, Any]:
    url = f"https://github.com/octo/town/actions/runs/{suite}00/job/{id_}"
    return {
        "id": id_,
        "name": name,
        "head_sha": HEAD,
        "status": "completed" if conclusion else "in_progress",
        "conclusion": conclusion,
        "started_at": "2026-01-02T03:00:00Z",
        "completed_at": ended if conclusion else None,
        "html_url": url,
        "details_url": url,
        "output": {"title": None, "summary": None, "text": None, "annotations_count": annotations},
        "app": app,
        "check_suite": {"id": suite},
        "pull_requests": [],
    }


def checks(*runs: dict[str, Any]) -> Answer:
    return said({"total_count": len(runs), "check_runs": list(runs)})


def statuses(*pairs: tuple[str, str], description: str = "") -> Answer:
    listed = [
        {"context": name, "state": state, "description": description, "target_url": None} for name, state in pairs
    ]
    return said({"state": "pending", "total_count": len(listed), "statuses": listed, "sha": HEAD})


def pull(number: int = 7, **more: Any) -> Answer:
    repository = {"id": 1, "full_name": "octo/town"}
    body: dict[str, Any] = {
        "number": number,
        "html_url": f"https://github.com/octo/town/pull/{number}",
        "state": "open",
        "merged": False,
        "merged_at": None,
        "merge_commit_sha": OTHER,
        "mergeable": True,
        "mergeable_state": "clean",
        "draft": False,
        "head": {"ref": "tt/1", "sha": HEAD, "repo": repository},
        "base": {"ref": "main", "sha": OTHER, "repo": repository},
    }
    return said(body | more)


def quiet(peer: Peer) -> None:
    """A repository without rules, with pull request 7, which nobody said anything of."""
    peer.on("GET", R, said({"full_name": "octo/town", "id": 1, "default_branch": "main"}))
    peer.on("GET", f"{R}/rules/branches/main", said([]))
    peer.on("GET", f"{R}/branches/main", said({"name": "main", "protected": False}))
    peer.on("GET", f"{R}/pulls/7", pull())
    peer.on("GET", f"{R}/commits/{HEAD}/check-runs", checks())
    peer.on("GET", f"{R}/commits/{HEAD}/status", statuses())
    peer.on("GET", f"{R}/pulls/7/reviews", said([]))
    peer.on("GET", f"{R}/pulls/7/comments", said([]))


def asked(peer: Peer) -> list[str]:
    """The paths that were asked for, below the repository's."""
    return [request.path.removeprefix(R) for request in peer.asked]


def assert_described(peer: Peer) -> None:
    """Every request is one of GitHub's own description."""
    for request in peer.asked:
        if request.path.startswith("/repos/"):
            body = request.json() if request.body else None
            github_described().check(request.method, request.path, request.query, body)
