"""Pull requests: finding the one that is there, opening one, changing where it goes."""

from __future__ import annotations

import time
from collections.abc import Callable

from tinytown.domain.errors import (
    ConflictError,
    ForgeError,
    ForgeUnavailableError,
    InvalidInputError,
    NotFoundError,
)
from tinytown.domain.pull import Pull, PullDraft
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub, Query
from tinytown.forges.github.failures import Said
from tinytown.forges.github.pull_text import body_of, title_of, with_own_part
from tinytown.forges.github.pull_urls import PullUrls
from tinytown.forges.github.shapes import PullShape, RepositoryShape

_INVALID = 422
_LISTED = tuple[PullShape, ...]
_LATE = (
    "pullrequest head invalid",
    "head sha can't be blank",
    "head ref must be a branch",
    "not all refs are readable",
)
"""What GitHub says of a branch whose push it has not noticed."""
_EXISTS = "already exists"


class Pulls:
    """The pull requests of one repository."""

    def __init__(
        self,
        client: GitHub,
        repository: Repository,
        *,
        sleep: Callable[[float], None] = time.sleep,
        pauses_secs: tuple[float, ...] = (1.0, 3.0),
    ) -> None:
        """Args: pauses_secs is how long is waited when GitHub has not noticed a push, one for each further try."""
        self._client = client
        self._repository = repository
        self._urls = PullUrls(client, repository)
        self._sleep = sleep
        self._pauses_secs = pauses_secs

    def number(self, url: str) -> int:
        """The number in a pull request's URL. NotFoundError when it is none of this repository."""
        return self._urls.number(url)

    def read(self, number: int) -> PullShape:
        """The pull request. NotFoundError when there is none."""
        return self._client.get(self._path(number), PullShape)

    def ensure(self, draft: PullDraft) -> PullShape:
        """The pull request of the draft's item: the one that is there, else a new one. The branch must be pushed.

        Raises:
            ForgeError: GitHub has it not; says why. ForgeUnavailableError: it may have it later.
            ConflictError: GitHub does not show what was pushed; it mostly does so later.
        """
        found = self.find(draft) or self._open(draft)
        return self._adopted(found, draft) if found.state == "open" else found

    def find(self, draft: PullDraft) -> PullShape | None:
        """The pull request that is there: as its agent named it, with its head branch, or with its marker.

        One that is merged or closed counts only if it is of the very commit.
        """
        listed = self._with_head(draft.branch)
        candidates = [*self._named(draft), *(pull for pull in listed if pull.state == "open")]
        candidates.sort(key=lambda pull: pull.base.ref != draft.base)
        if candidates:
            return candidates[0]
        over = (p for p in listed if p.head.sha == draft.head and draft.marker in (p.body or ""))
        return next(over, None) or self._marked(draft)

    def retarget(self, number: int, base: str) -> None:
        """Have it go into another branch; nothing to do when it does, or is merged."""
        pull = self.read(number)
        if pull.base.ref == base or pull.is_merged:
            return
        if pull.state != "open":
            raise ForgeError(f"{pull.html_url} is closed; reopen it, then it can go into {base}")
        self._change(number, {"base": base})

    def ask_review(self, number: int, logins: tuple[str, ...]) -> None:
        """Request reviews; nothing to do for those who are requested, or who opened it, and when it is not open."""
        pull = self.read(number)
        there = {user.login.lower() for user in (*(pull.requested_reviewers or ()), pull.user) if user is not None}
        wanted = [login for login in logins if login.lower() not in there]
        if wanted and pull.state == "open":
            path = f"{self._path(number)}/requested_reviewers"
            self._client.send("POST", path, PullShape, {"reviewers": wanted})

    def is_own(self, pull: PullShape) -> bool:
        """Whether its branch is in this repository, not in a fork."""
        there, here = pull.head.repo, pull.base.repo
        if there is None:
            return False
        if there.id is not None and here is not None and here.id is not None:
            return there.id == here.id  # names change
        return there.full_name.lower() == str(self._repository).lower()

    def _named(self, draft: PullDraft) -> tuple[PullShape, ...]:
        """What the agent says is its pull request, if that can be: agents are not taken at their word."""
        try:
            pull = self.read(self.number(draft.named_url or ""))
        except ForgeUnavailableError:
            raise
        except (NotFoundError, InvalidInputError, ForgeError):
            return ()
        return (pull,) if pull.state == "open" and pull.head.ref == draft.branch and self.is_own(pull) else ()

    def _with_head(self, branch: str) -> list[PullShape]:
        owner = self._client.get(self._repository.path(), RepositoryShape).full_name.partition("/")[0]
        query: Query = {"head": f"{owner}:{branch}", "state": "all", "per_page": 100}
        listed = self._client.get(self._path(), _LISTED, query)
        return [pull for pull in listed if pull.head.ref == branch and self.is_own(pull)]

    def _marked(self, draft: PullDraft) -> PullShape | None:
        """One of the item whose branch had another name. Only among the newest: this is asked before each opening."""
        query: Query = {"state": "open", "sort": "created", "direction": "desc", "per_page": 100}
        listed = self._client.get(self._path(), _LISTED, query)
        return next((p for p in listed if draft.marker in (p.body or "") and self.is_own(p)), None)

    def _adopted(self, pull: PullShape, draft: PullDraft) -> PullShape:
        """The pull request with our part in its text, going where it is to go."""
        changes: dict[str, str] = {}
        if draft.marker not in (pull.body or ""):
            changes["body"] = with_own_part(pull.body or "", draft)
        if pull.base.ref != draft.base:
            changes["base"] = draft.base
        return self._change(pull.number, changes) if changes else pull

    def _open(self, draft: PullDraft) -> PullShape:
        for pause in self._pauses_secs:
            try:
                return self._post(draft)
            except ConflictError:
                pass
            self._sleep(pause)
            if (found := self.find(draft)) is not None:
                return found
        return self._post(draft)

    def _post(self, draft: PullDraft) -> PullShape:
        body = {"title": title_of(draft), "head": draft.branch, "base": draft.base, "body": body_of(draft)}
        try:
            return self._client.send("POST", self._path(), PullShape, body)
        except ForgeError as error:
            if error.evidence.get("status") != _INVALID:
                raise
            return self._after_refusal(draft, error)

    def _after_refusal(self, draft: PullDraft, error: ForgeError) -> PullShape:
        """What there is although GitHub does not take it: its own lists and checks lag behind pushes and openings."""
        said = error.evidence.get("said")
        text = " ".join((said.message, *said.errors)).lower() if isinstance(said, Said) else error.message.lower()
        if _EXISTS in text and (found := self.find(draft)) is not None:
            return found
        if _EXISTS in text or any(words in text for words in _LATE):
            raise ConflictError(
                f"GitHub does not show yet what was pushed to {draft.branch}, or its pull request; if it stays so,"
                f" push {draft.branch} once more, or open its pull request by hand"
            ) from error
        if "no commits between" in text:
            raise ForgeError(
                f"{draft.branch} has no commits that {draft.base} lacks: there is nothing to open a pull request for"
            ) from error
        if "base" in text and "invalid" in text:
            raise ForgeError(f"GitHub has no branch '{draft.base}' to open a pull request into; push it") from error
        raise error

    def _change(self, number: int, changes: dict[str, str]) -> PullShape:
        return self._client.send("PATCH", self._path(number), PullShape, changes)

    def _path(self, number: int | None = None) -> str:
        return self._repository.path("/pulls" if number is None else f"/pulls/{number}")


def public(pull: PullShape, *, head: str | None = None) -> Pull:
    """The pull request as missions know it.

    Args:
        pull: as GitHub has it.
        head: what its branch is at, if GitHub has not noticed yet.
    """
    return Pull(
        number=pull.number,
        url=pull.html_url,
        branch=pull.head.ref,
        base=pull.base.ref,
        head=head if head is not None and pull.state == "open" else pull.head.sha,
        is_open=pull.state == "open",
        merged_as=pull.merge_commit_sha if pull.is_merged else None,
    )
