"""Who may do what, and who was asked for a review, where emulate answers 404."""

from __future__ import annotations

import re

from tests.peers.emulate import USERS, Emulate
from tests.peers.exchange import Answer, Request, said

_WORDS = {"admin": "admin", "maintain": "write", "push": "write", "triage": "read", "pull": "read"}
_RANKS = ("none", "read", "write", "admin")


class People:
    """Permissions of users and requested reviewers."""

    def __init__(self, emulate: Emulate, slug: str) -> None:
        self._emulate = emulate
        self._root = f"/repos/{slug}"

    def answer(self, request: Request) -> Answer | None:
        if request.method != "GET":
            return None
        if found := re.fullmatch(rf"{self._root}/collaborators/([^/]+)/permission", request.path):
            return self._permission(request, found[1])
        if found := re.fullmatch(rf"({self._root}/pulls/\d+)/requested_reviewers", request.path):
            pull = self._emulate.ask("GET", found[1])
            if pull.status != 200:
                return pull
            return said({"users": pull.json()["requested_reviewers"], "teams": []})
        return None

    def _permission(self, request: Request, login: str) -> Answer:
        seen = self._emulate.forward(request)
        if seen.status not in {200, 404} or login not in USERS.values():
            return seen
        word = _WORDS.get(seen.json()["permission"], "read") if seen.status == 200 else self._of_others()
        rank = _RANKS.index(word)
        names = ("pull", "triage", "push", "maintain", "admin")
        rights = {name: rank >= least for name, least in zip(names, (1, 2, 2, 3, 3), strict=True)}
        user = self._emulate.call("GET", f"/users/{login}") | {"permissions": rights, "role_name": word}
        return said({"permission": word, "role_name": word, "user": user})

    def _of_others(self) -> str:
        return "none" if self._emulate.call("GET", self._root)["private"] else "read"
