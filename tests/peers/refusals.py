"""Pull requests that GitHub refuses to open, review or ask a review of, where emulate takes them."""

from __future__ import annotations

import re
from typing import Any

from tests.peers.emulate import USERS, Emulate
from tests.peers.exchange import Answer, Request, invalid, refused
from tests.peers.git import Bare


class Refusals:
    """GitHub's 422s; texts as GitHub writes them."""

    def __init__(self, bare: Bare, emulate: Emulate, slug: str) -> None:
        self._bare = bare
        self._emulate = emulate
        self._pulls = f"/repos/{slug}/pulls"

    def answer(self, request: Request) -> Answer | None:
        if request.method == "PATCH" and re.fullmatch(rf"{self._pulls}/\d+", request.path):
            return self._of_change(request.path, request.json())
        if request.method != "POST":
            return None
        if request.path == self._pulls:
            return self._of_opening(request.json())
        if found := re.fullmatch(rf"({self._pulls}/\d+)/(reviews|requested_reviewers)", request.path):
            return self._of_review(found[1], found[2], USERS.get(request.token, ""), request.json())
        return None

    def _of_opening(self, body: dict[str, Any]) -> Answer | None:
        if not {"head", "base"} <= set(body):
            return invalid("PullRequest", code="missing_field", field="base" if "head" in body else "head")
        owner, _, head = str(body["head"]).rpartition(":")
        for field, name in (("head", head), ("base", body["base"])):
            if self._bare.commit_of(f"refs/heads/{name}") is None:
                return invalid("PullRequest", code="invalid", field=field)
        for pull in self._emulate.call("GET", f"{self._pulls}?per_page=100"):
            if (pull["head"]["ref"], pull["base"]["ref"]) == (head, body["base"]):
                label = f"{owner or pull['head']['user']['login']}:{head}"
                return invalid("PullRequest", f"A pull request already exists for {label}.")
        if self._bare.contains(body["base"], head):
            return invalid("PullRequest", f"No commits between {body['base']} and {head}")
        return None

    def _of_change(self, path: str, body: dict[str, Any]) -> Answer | None:
        pull = self._emulate.call("GET", path)
        if "base" not in body or body["base"] == pull["base"]["ref"]:
            return None
        if pull["state"] != "open":
            return invalid("PullRequest", "Cannot change the base branch of a closed pull request.", field="base")
        if self._bare.commit_of(f"refs/heads/{body['base']}") is None:
            return invalid("PullRequest", f"Proposed base branch '{body['base']}' was not found", field="base")
        return None

    def _of_review(self, path: str, what: str, login: str, body: dict[str, Any]) -> Answer | None:
        author = self._emulate.call("GET", path)["user"]["login"]
        if what == "requested_reviewers" and author in body.get("reviewers", []):
            return refused(422, "Review cannot be requested from pull request author.")
        if what == "reviews" and login == author and body.get("event") in {"APPROVE", "REQUEST_CHANGES"}:
            asked = "approve" if body["event"] == "APPROVE" else "request changes on"
            return refused(422, "Unprocessable Entity", [f"Can not {asked} your own pull request"])
        return None
