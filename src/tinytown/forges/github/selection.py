"""Issues chosen by label, milestone or search.

https://docs.github.com/en/rest/issues/issues#list-repository-issues,
https://docs.github.com/en/search-github/searching-on-github/searching-issues-and-pull-requests
"""

from __future__ import annotations

import re

import msgspec

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, InvalidInputError
from tinytown.domain.issue import Selection
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import MOST_PAGES, PAGE_SIZE, GitHub
from tinytown.forges.github.issue_shapes import FoundShape, IssueShape, MilestoneShape

MOST = MOST_PAGES * PAGE_SIZE
"""More are refused: a mission about a part of what was asked for would be a surprise."""

_INVALID = 422
_PLACE = re.compile(r"(?<!\S)(?:repo|org|user):")
_TYPE = re.compile(r"(?<!\S)(?:is|type):\"?(?:issue|pr|pull-request)\b")
_SHOWN = 8


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What GitHub showed."""

    issues: tuple[IssueShape, ...] = ()
    notice: str = ""
    """What a person should know of it, one line."""


def selected(client: GitHub, home: Repository, choice: Selection) -> Shown:
    """The open issues that fit, of the home repository unless a query names another; no pull requests.

    Raises:
        InvalidInputError: there is no such milestone, the query is not understood, or too many fit.
        ForgeUnavailableError: the search gave up half way.
    """
    if choice.is_empty:
        return Shown()
    found = _listed(client, home, choice) if choice.query is None else _searched(client, home, choice, choice.query)
    wanted = {label.casefold() for label in choice.labels}
    fitting = tuple(
        issue
        for issue in found.issues
        if issue.is_open and issue.pull_request is None and wanted <= {name.casefold() for name in issue.label_names}
    )
    return msgspec.structs.replace(found, issues=fitting)


def _listed(client: GitHub, home: Repository, choice: Selection) -> Shown:
    query: dict[str, str | int] = {"state": "open", "sort": "created", "direction": "asc"}
    if labels := ",".join(label for label in choice.labels if "," not in label):  # the others are looked at here
        query["labels"] = labels
    if choice.milestone is not None:
        query["milestone"] = _milestone(client, home, choice.milestone)
    found = client.pages(home.path("/issues"), tuple[IssueShape, ...], query)
    if found.is_cut:
        raise _too_many(home)
    return Shown(issues=tuple(issue for page in found.pages for issue in page), notice=_notice(found.hidden))


def _milestone(client: GitHub, home: Repository, title: str) -> int:
    found = client.pages(home.path("/milestones"), tuple[MilestoneShape, ...], {"state": "all"})
    milestones = [milestone for page in found.pages for milestone in page]
    exact = [one.number for one in milestones if one.title == title]
    near = [one.number for one in milestones if one.title.casefold() == title.strip().casefold()]
    if exact or near:
        return (exact or near)[0]
    known = [one.title for one in milestones if one.state == "open"]
    shown = ", ".join(f"'{one}'" for one in known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
    there = f"; there are {shown}" if known else "; it has no open one"
    raise InvalidInputError(f"{home} has no milestone '{title}'{there}")


def _searched(client: GitHub, home: Repository, choice: Selection, query: str) -> Shown:
    terms = [query, *(f"label:{_quoted(label)}" for label in choice.labels)]
    if choice.milestone is not None:
        terms.append(f"milestone:{_quoted(choice.milestone)}")
    if not _PLACE.search(query):
        terms.append(f"repo:{home}")
    if not _TYPE.search(query):
        terms.append("is:issue")
    try:
        found = client.pages("/search/issues", FoundShape, {"q": " ".join(terms)})
    except ForgeError as error:
        if error.evidence.get("status") == _INVALID:
            raise InvalidInputError(f"--query: GitHub does not take '{query}': {error.evidence.get('said')}") from error
        raise
    if any(page.incomplete_results for page in found.pages):
        raise ForgeUnavailableError("GitHub's search gave up before it had seen everything; try again, or ask for less")
    if found.is_cut or any(page.total_count > MOST for page in found.pages):
        raise _too_many(home)
    issues = tuple(issue for page in found.pages for issue in page.items)
    return Shown(issues=issues, notice=_notice(found.hidden))


def _notice(hidden: int) -> str:
    if not hidden:
        return ""
    where = "an organisation" if hidden == 1 else f"{hidden} organisations"
    return (
        f"what {where} have is left out: the token is not authorised there by single sign-on; authorise it in its"
        " settings on GitHub, tt doctor says more"
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _too_many(home: Repository) -> InvalidInputError:
    return InvalidInputError(f"more than {MOST} issues of {home} fit; narrow it down by a --label or a --milestone")
