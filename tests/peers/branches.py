"""The branches of the repository behind the tests' GitHub, and what their moves do to pull requests."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from tests.peers.emulate import Emulate
from tests.peers.exchange import Answer, Request, refused, said
from tests.peers.git import Bare
from tests.peers.mirror import Mirror


class Branches:
    """Keeps emulate at what is pushed to the bare repository: it is compared before each request."""

    def __init__(self, bare: Bare, emulate: Emulate, slug: str) -> None:
        self.bare = bare
        self._emulate = emulate
        self._slug = slug
        self._mirror = Mirror(bare, emulate, slug)
        self._told: dict[str, str] = {}

    def sync(self) -> None:
        """Tell emulate of every branch that moved, came or went since the last time."""
        now = self.bare.branches()
        moved = {name: sha for name, sha in now.items() if self._told.get(name) != sha}
        gone = [name for name in self._told if name not in now]
        for sha in moved.values():
            self._mirror.commits(sha)
        for name, sha in moved.items():
            self._tell(name, sha)
        for name in gone:
            self._close_pulls_of(name)
            self._tell(name, None)
        self._told = now

    def move(self, branch: str, sha: str | None) -> None:
        """Move a branch as a push would; None removes it."""
        self.bare.set(branch, sha)
        self.sync()

    def answer(self, request: Request) -> Answer | None:
        """Refs changed by the API are changed in the bare repository, and read from emulate."""
        if found := re.fullmatch(rf"/repos/{self._slug}/git/refs/heads/(.+)", request.path):
            name = unquote(found[1])
            if request.method in {"DELETE", "PATCH"} and name not in self._told:
                return refused(422, "Reference does not exist")
            if request.method == "DELETE":
                self.move(name, None)
                return Answer(204)
            if request.method == "PATCH":
                return self._patch(name, request.json())
        if request.method == "POST" and request.path == f"/repos/{self._slug}/git/refs":
            return self._create(request.json())
        return None

    def _create(self, body: dict[str, Any]) -> Answer:
        name = str(body["ref"]).removeprefix("refs/heads/")
        if name in self._told:
            return refused(422, "Reference already exists")
        if self.bare.commit_of(body["sha"]) is None:
            return refused(422, "Object does not exist")
        self.move(name, body["sha"])
        return said(self._ref(name), 201)

    def _patch(self, name: str, body: dict[str, Any]) -> Answer:
        if self.bare.commit_of(body["sha"]) is None:
            return refused(422, "Object does not exist")
        if not body.get("force") and not self.bare.contains(body["sha"], self._told[name]):
            return refused(422, "Update is not a fast forward")
        self.move(name, body["sha"])
        return said(self._ref(name))

    def _ref(self, name: str) -> object:
        return self._emulate.call("GET", f"/repos/{self._slug}/git/ref/heads/{name}")

    def _tell(self, branch: str, sha: str | None) -> None:
        self._emulate.call("POST", "/_git/moved", {"repository": self._slug, "branch": branch, "sha": sha})

    def _close_pulls_of(self, branch: str) -> None:
        """GitHub closes pull requests whose head or base branch was removed."""
        for pull in self._emulate.call("GET", f"/repos/{self._slug}/pulls?per_page=100"):
            if branch in {pull["head"]["ref"], pull["base"]["ref"]}:
                self._emulate.call("PATCH", f"/repos/{self._slug}/pulls/{pull['number']}", {"state": "closed"})
