"""Which URLs are of pull requests of one repository: it may have had other names, and numbers are everybody's."""

from __future__ import annotations

import re

import msgspec

from tinytown.domain.errors import NotFoundError
from tinytown.domain.refs import is_same_host
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.shapes import RepositoryShape

_URL = re.compile(
    r"https?://(?P<host>[^/\s]+)/(?P<owner>[^/\s]+)/(?P<name>[^/\s]+)/pulls?/(?P<number>[1-9][0-9]{0,9})\b[^\s]*"
)
_HOST = re.compile(r"https?://([^/\s]+)")


class PullUrls:
    """The pull requests of one repository by their URLs. Thread-safe; remembers under which names it was found."""

    def __init__(self, client: GitHub, repository: Repository) -> None:
        self._client = client
        self._repository = repository
        self._ours: set[tuple[str, str]] = set()

    def number(self, url: str) -> int:
        """The number in a pull request's URL. NotFoundError when it is none, or one of another repository."""
        match = _URL.fullmatch(url)
        if match is None:
            raise NotFoundError(f"'{url}' is not the URL of a pull request")
        host, slug = match["host"].lower(), f"{match['owner']}/{match['name']}".lower()
        if (host, slug) not in self._ours:
            if not self._is_as_configured(host, slug) and not self._is_ours(host, slug):
                raise NotFoundError(
                    f"{url} is not a pull request of {self._repository} at {self._repository.host};"
                    " correct [forge] repository and api_url if it should be"
                )
            self._ours.add((host, slug))
        return int(match["number"])

    def _is_as_configured(self, host: str, slug: str) -> bool:
        return is_same_host(host, self._repository.host) and slug == str(self._repository).lower()

    def _is_ours(self, host: str, slug: str) -> bool:
        """Whether GitHub says so: its pages may be on another host than its API, and repositories are renamed."""
        here = self._client.get(self._repository.path(), RepositoryShape)
        pages = _HOST.match(here.html_url)
        if not any(is_same_host(host, one.lower()) for one in (self._repository.host, pages[1] if pages else "")):
            return False
        if slug == here.full_name.lower():
            return True
        owner, _, name = slug.partition("/")
        try:
            path = msgspec.structs.replace(self._repository, owner=owner, name=name).path()
            there = self._client.get(path, RepositoryShape)
        except NotFoundError:
            return False
        return there.id is not None and there.id == here.id
