"""Which pull requests and issues a delivery of a webhook is about. Pure.

The payload is only a hint at what to look at: nothing that it says of a check, a review or a merge is taken over.
https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from tinytown.domain.errors import InvalidInputError
from tinytown.domain.refs import IssueRef

T = TypeVar("T")

_BRANCH = "refs/heads/"
_FATE = frozenset({"closed", "reopened", "deleted", "transferred"})
"""What becomes of an issue that others wait for."""


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """What may have changed; empty when nothing did that a mission looks at."""

    repository: str = ""
    """URL of the repository's page, in lower case."""
    repository_id: int = 0
    """The repository's number, which stays when its name changes."""
    pulls: tuple[int, ...] = ()
    """Numbers of pull requests."""
    heads: tuple[str, ...] = ()
    """Head commits."""
    branches: tuple[str, ...] = ()
    """Head branches."""
    bases: tuple[str, ...] = ()
    """Branches that pull requests go into."""
    issues: tuple[IssueRef, ...] = ()
    is_everything: bool = False
    """Whether any pull request of the repository may be meant."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look at."""
        named = (self.pulls, self.heads, self.branches, self.bases, self.issues)
        return not self.is_everything and not any(named)


class _Numbered(msgspec.Struct, frozen=True):
    number: int


class _Repository(msgspec.Struct, frozen=True):
    html_url: str
    full_name: str
    id: int = 0


class _Payload(msgspec.Struct, frozen=True):
    """What every delivery about a repository has."""

    repository: _Repository | None = None


class _Suite(msgspec.Struct, frozen=True):
    """A check suite or a run of a workflow."""

    head_sha: str = ""
    head_branch: str | None = None
    pull_requests: tuple[_Numbered, ...] | None = ()


class _Check(_Suite, frozen=True):
    check_suite: _Suite | None = None


class _OfCheck(msgspec.Struct, frozen=True):
    check_run: _Check


class _OfSuite(msgspec.Struct, frozen=True):
    check_suite: _Suite


class _OfRun(msgspec.Struct, frozen=True):
    workflow_run: _Suite


class _OfJob(msgspec.Struct, frozen=True):
    workflow_job: _Suite


class _Branch(msgspec.Struct, frozen=True):
    name: str


class _OfStatus(msgspec.Struct, frozen=True):
    sha: str
    branches: tuple[_Branch, ...] = ()


class _OfPull(msgspec.Struct, frozen=True):
    pull_request: _Numbered


class _Issue(msgspec.Struct, frozen=True):
    number: int
    pull_request: dict[str, Any] | None = None


class _OfIssue(msgspec.Struct, frozen=True):
    issue: _Issue
    action: str


class _OfRef(msgspec.Struct, frozen=True):
    ref: str


class _Group(msgspec.Struct, frozen=True):
    base_ref: str


class _OfGroup(msgspec.Struct, frozen=True):
    merge_group: _Group


def concern_of(event: str, body: bytes) -> Concern:
    """What a delivery is about.

    A payload that has another shape than GitHub documents is about everything in its repository.

    Args:
        event: of the header `X-GitHub-Event`.
        body: the payload's JSON.

    Raises:
        InvalidInputError: it is not the JSON of a delivery.
    """
    payload = _read(body, _Payload)
    if payload.repository is None or event not in _EVENTS:
        return Concern()
    repository = payload.repository.html_url.rstrip("/").lower()
    try:
        found = _EVENTS[event](body, payload)
    except InvalidInputError:
        found = Concern(is_everything=True)
    return msgspec.structs.replace(found, repository=repository, repository_id=payload.repository.id)


def _of_check(body: bytes, _payload: _Payload) -> Concern:
    check = _read(body, _OfCheck).check_run
    suite = check.check_suite or _Suite()
    merged = _Suite(check.head_sha, suite.head_branch, (*(check.pull_requests or ()), *(suite.pull_requests or ())))
    return _of_commit(merged)


def _of_commit(suite: _Suite) -> Concern:
    """GitHub names no pull request of a fork, so the commit and its branch count as well."""
    numbers = tuple(dict.fromkeys(pull.number for pull in suite.pull_requests or ()))
    return Concern(pulls=numbers, heads=_given(suite.head_sha), branches=_given(suite.head_branch))


def _of_status(body: bytes, _payload: _Payload) -> Concern:
    status = _read(body, _OfStatus)
    return Concern(heads=_given(status.sha), branches=tuple(branch.name for branch in status.branches))


def _of_pull(body: bytes, _payload: _Payload) -> Concern:
    return Concern(pulls=(_read(body, _OfPull).pull_request.number,))


def _of_comment(body: bytes, _payload: _Payload) -> Concern:
    issue = _read(body, _OfIssue).issue
    return Concern(pulls=() if issue.pull_request is None else (issue.number,))


def _of_issue(body: bytes, payload: _Payload) -> Concern:
    assert payload.repository is not None  # noqa: S101  narrows the type
    told = _read(body, _OfIssue)
    owner, _, name = payload.repository.full_name.partition("/")
    return Concern(issues=(IssueRef(owner, name, told.issue.number),) if told.action in _FATE else ())


def _of_ref(body: bytes, _payload: _Payload) -> Concern:
    """A branch moved, came or went: it may be a head, or a base. Tags concern nobody."""
    branch = _branch(_read(body, _OfRef).ref)
    return Concern(branches=branch, bases=branch)


def _of_branch(body: bytes, _payload: _Payload) -> Concern:
    branch = _given(_read(body, _OfRef).ref)
    return Concern(branches=branch, bases=branch)


def _of_group(body: bytes, _payload: _Payload) -> Concern:
    return Concern(bases=_branch(_read(body, _OfGroup).merge_group.base_ref))


def _of_rules(_body: bytes, _payload: _Payload) -> Concern:
    return Concern(is_everything=True)


_EVENTS: Mapping[str, Callable[[bytes, _Payload], Concern]] = MappingProxyType(
    {
        "branch_protection_rule": _of_rules,
        "check_run": _of_check,
        "check_suite": lambda body, _: _of_commit(_read(body, _OfSuite).check_suite),
        "create": _of_branch,
        "delete": _of_branch,
        "issue_comment": _of_comment,
        "issues": _of_issue,
        "merge_group": _of_group,
        "pull_request": _of_pull,
        "pull_request_review": _of_pull,
        "pull_request_review_comment": _of_pull,
        "pull_request_review_thread": _of_pull,
        "push": _of_ref,
        "repository_ruleset": _of_rules,
        "status": _of_status,
        "workflow_job": lambda body, _: _of_commit(_read(body, _OfJob).workflow_job),
        "workflow_run": lambda body, _: _of_commit(_read(body, _OfRun).workflow_run),
    }
)
READ = tuple(_EVENTS)
"""The events whose deliveries concern somebody; what else comes is passed over."""


def _read(body: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInputError("the body is not the JSON of a GitHub delivery") from error


def _given(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()


def _branch(ref: str) -> tuple[str, ...]:
    return _given(ref.removeprefix(_BRANCH)) if ref.startswith(_BRANCH) else ()
