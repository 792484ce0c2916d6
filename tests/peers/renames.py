"""Repositories that had other names, and addresses by the repository's number."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import msgspec
from tests.peers.emulate import Emulate
from tests.peers.exchange import Answer, Request, said


class Renames:
    """GitHub's redirects: 301 to reading, 307 to the rest, both to `/repositories/NUMBER`."""

    def __init__(self, emulate: Emulate, slug: str, url: str) -> None:
        self._emulate = emulate
        self._slug = slug
        self._url = url
        self.old: set[str] = set()
        """Names (owner/repo) that the repository had before."""

    def answer(self, request: Request) -> Answer | None:
        """The redirect of a request under an old name."""
        found = re.fullmatch(r"/repos/([^/]+/[^/]+)(/.*)?", request.path)
        if not found or found[1] not in self.old:
            return None
        query = f"?{urlencode(request.query)}" if request.query else ""
        place = f"{self._url}/repositories/{self._number()}{found[2] or ''}{query}"
        is_reading = request.method in {"GET", "HEAD"}
        body = {"message": "Moved Permanently" if is_reading else "Temporary Redirect", "url": place}
        return said(
            body | {"documentation_url": "https://docs.github.com/rest"},
            301 if is_reading else 307,
            {"location": place},
        )

    def resolved(self, request: Request) -> Request:
        """The same request by the repository's name."""
        found = re.fullmatch(r"/repositories/(\d+)(/.*)?", request.path)
        if not found or int(found[1]) != self._number():
            return request
        return msgspec.structs.replace(request, path=f"/repos/{self._slug}{found[2] or ''}")

    def _number(self) -> int:
        return int(self._emulate.call("GET", f"/repos/{self._slug}")["id"])
