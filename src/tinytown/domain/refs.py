"""References to what a mission is about: issues and documents."""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

from tinytown.domain.errors import InvalidInputError

_NUMBER = r"(?P<number>[1-9][0-9]{0,9})"
_SLUG = r"(?P<owner>[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)/(?P<repo>[A-Za-z0-9._-]+)"
_FORMS = (
    re.compile(rf"#?{_NUMBER}"),
    re.compile(rf"{_SLUG}#{_NUMBER}"),
    re.compile(rf"https?://(?P<host>[^/\s]+)/{_SLUG}/(?:issues|pull)/{_NUMBER}(?:[/?#]\S*)?"),
)


_USUAL_PORT = re.compile(r":(?:80|443)$")
_OTHER_NAMES = ("www.", "redirect.", "api.")
_FORMS_SAID = "write 23, #23, owner/repo#23 or the issue's URL"


class IssueRef(msgspec.Struct, frozen=True, tag_field="type", tag="issue", order=True):
    """An issue. Two repositories may both have a #5, so its identity is owner/repo/number."""

    owner: str
    repo: str
    number: int

    def __str__(self) -> str:
        return f"{self.owner}/{self.repo}#{self.number}"

    @property
    def repository(self) -> tuple[str, str]:
        """(owner, repo)."""
        return self.owner, self.repo

    def label(self, home: tuple[str, str]) -> str:
        """`#5` within the home repository, `owner/repo#5` elsewhere."""
        return f"#{self.number}" if self.folded.repository == (home[0].lower(), home[1].lower()) else str(self)

    @property
    def folded(self) -> IssueRef:
        """The same reference in lower case: forges ignore the case of owner and repository."""
        return IssueRef(self.owner.lower(), self.repo.lower(), self.number)

    @property
    def signal(self) -> str:
        """What a signal about it is known by among a mission's signals; those of pull requests have their URLs."""
        return f"issue {self.folded}"


class DocRef(msgspec.Struct, frozen=True, tag_field="type", tag="doc", order=True):
    """A document of the repository, by its path relative to the town's root."""

    path: str

    def __str__(self) -> str:
        return self.path

    def label(self, home: tuple[str, str]) -> str:  # noqa: ARG002  the same call works on both kinds
        """The path."""
        return self.path


ObjectiveRef: TypeAlias = IssueRef | DocRef


def host_of(text: str) -> str:
    """The host, with its port when that is not a usual one, of an issue's URL; empty when the text is none."""
    match = _FORMS[-1].fullmatch(text.strip())
    return _USUAL_PORT.sub("", match["host"].lower()) if match else ""


def is_same_host(named: str, host: str) -> bool:
    """Whether what a URL names is the host, or another name of it."""
    named = _USUAL_PORT.sub("", named.lower())
    return named == host or any(named == f"{prefix}{host}" for prefix in _OTHER_NAMES)


def require_host(text: str, host: str) -> None:
    """InvalidInputError when the text is the URL of an issue on another host."""
    named = host_of(text)
    if named and host and not is_same_host(named, host):
        raise InvalidInputError(f"'{text}' is not on {host}, where issues are here; {_FORMS_SAID}")


def parse_issue_ref(text: str, home: tuple[str, str], host: str = "") -> IssueRef:
    """Read `23`, `#23`, `owner/repo#23` or an issue URL.

    Args:
        text: what a person wrote.
        home: (owner, repo) that a bare number belongs to.
        host: the only one that URLs may have; empty: any.

    Raises:
        InvalidInputError: it is none of these.
    """
    require_host(text, host)
    for form in _FORMS:
        if match := form.fullmatch(text.strip()):
            groups = match.groupdict()
            owner, repo = groups.get("owner") or home[0], groups.get("repo") or home[1]
            return IssueRef(owner, repo, int(groups["number"]))
    raise InvalidInputError(f"'{text}' is not an issue; {_FORMS_SAID}")
