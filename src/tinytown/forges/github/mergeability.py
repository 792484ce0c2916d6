"""Whether a pull request merges, as GitHub says it: `mergeable`, `mergeable_state`, and the merge queue.

The words are those of the GraphQL interface's MergeStateStatus; one that is not known here is asked for again.
https://docs.github.com/en/graphql/reference/enums#mergestatestatus
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import msgspec

from tinytown.domain.errors import ForgeUnavailableError
from tinytown.domain.pull import Known, MergeabilitySeen
from tinytown.domain.workitem import Verdict
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.rules import BaseRules, Rules
from tinytown.forges.github.shapes import PullShape

_SOON_SECS = 2.0
"""GitHub works it out because it was asked."""
_LAG_SECS = 10.0
"""`blocked` lags behind approvals and checks."""

_MERGES = frozenset({"clean", "unstable", "has_hooks"})
_QUERY = """query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    isInMergeQueue reviewDecision } } }"""
_DECISIONS = MappingProxyType(
    {"REVIEW_REQUIRED": "an approving review is required", "CHANGES_REQUESTED": "changes are requested"}
)


class Queueing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a pull request stands to the merge queue."""

    is_in_merge_queue: bool = False
    review_decision: str | None = None


class _Repository(msgspec.Struct, frozen=True, rename="camel"):
    pull_request: Queueing | None = None


class _Data(msgspec.Struct, frozen=True):
    repository: _Repository | None = None


class Mergeability:
    """Looks at whether pull requests merge. Thread-safe."""

    def __init__(self, client: GitHub, repository: Repository, *, rules: Rules) -> None:
        self._client = client
        self._repository = repository
        self._rules = rules

    def look(self, number: int, known: Known | None = None) -> MergeabilitySeen:  # noqa: ARG002  GitHub's own head counts
        """How the head merges that GitHub has."""
        return self.of(self._client.get(self._repository.path("/pulls/{n}", n=number), PullShape))

    def of(self, pull: PullShape) -> MergeabilitySeen:
        """The same of one that was read just now."""
        if pull.is_merged or pull.state != "open":
            return judge(pull, BaseRules())
        rules = self._rules.of(pull.base.ref)
        return judge(pull, rules, self._queueing(pull.number) if rules.has_queue else None)

    def _queueing(self, number: int) -> Queueing:
        variables = {"owner": self._repository.owner, "name": self._repository.name, "number": number}
        data = self._client.graphql(_QUERY, variables, _Data)
        if data.repository is None or data.repository.pull_request is None:
            raise ForgeUnavailableError(f"GitHub does not find pull request #{number} just now; it is tried again")
        return data.repository.pull_request


def judge(pull: PullShape, rules: BaseRules, queueing: Queueing | None = None) -> MergeabilitySeen:
    """What GitHub's words mean. Pure.

    Args:
        pull: read by itself: lists of pull requests lack the words.
        rules: of its base.
        queueing: where only the queue merges.
    """
    if pull.is_merged:
        merged_as = pull.merge_commit_sha or pull.head.sha
        return _seen(pull, Verdict.PASSED, merged_as=merged_as)
    if pull.state != "open":
        return _seen(pull, Verdict.UNKNOWN, is_open=False)
    if queueing is not None and queueing.is_in_merge_queue:
        return _seen(pull, Verdict.PENDING, reason="it is in the merge queue", is_queued=True)
    return _open(pull, rules, queueing)


def _open(pull: PullShape, rules: BaseRules, queueing: Queueing | None) -> MergeabilitySeen:
    state = (pull.mergeable_state or "unknown").lower()
    if state == "dirty" or pull.mergeable is False:
        return _seen(pull, Verdict.FAILED, reason=f"it conflicts with {pull.base.ref}")
    if pull.draft or state == "draft":
        return _seen(pull, Verdict.PENDING, reason="it is a draft; mark it as ready for review")
    if pull.mergeable is None or state == "unknown":
        return _seen(pull, Verdict.UNKNOWN, again_secs=_SOON_SECS)
    return _by_queue(pull, queueing) if queueing is not None else _by_state(pull, state, rules)


def _by_queue(pull: PullShape, queueing: Queueing) -> MergeabilitySeen:
    """Where a queue merges, `blocked` says that it does, and `behind` is its own business."""
    if (reason := _DECISIONS.get(queueing.review_decision or "")) is not None:
        return _seen(pull, Verdict.PENDING, reason=f"the merge queue does not take it: {reason}", again_secs=_LAG_SECS)
    return _seen(pull, Verdict.PASSED)


def _by_state(pull: PullShape, state: str, rules: BaseRules) -> MergeabilitySeen:
    if state in _MERGES:
        return _seen(pull, Verdict.PASSED)
    if state == "behind":
        reason = f"{pull.base.ref} has commits that it lacks, and must be merged into it first"
        return _seen(pull, Verdict.PENDING, reason=reason, is_behind=True)
    if state == "blocked":
        return _seen(pull, Verdict.PENDING, reason=f"GitHub blocks the merge: {blockers(rules)}", again_secs=_LAG_SECS)
    return _seen(pull, Verdict.UNKNOWN, reason=f"GitHub calls it '{state}'", again_secs=_SOON_SECS)


def blockers(rules: BaseRules) -> str:
    """What may stand against a merge, as far as rules tell: GitHub does not say which of them it is."""
    asked = [f"check {', '.join(one.context for one in rules.required)}"] if rules.required else []
    if rules.approvals:
        asked.append("an approving review" if rules.approvals == 1 else f"{rules.approvals} approving reviews")
    if rules.needs_code_owners:
        asked.append("a code owner's review")
    if rules.resolves_threads:
        asked.append("resolved conversations")
    if rules.needs_signatures:
        asked.append("signed commits")
    if not asked:
        return "by a rule that the token may not see (reviews, conversations, deployments, who may push)"
    return f"the rules of its base ask for {'; '.join(asked)}"


def _seen(pull: PullShape, verdict: Verdict, **more: Any) -> MergeabilitySeen:
    return MergeabilitySeen(head=pull.head.sha, base=pull.base.ref, verdict=verdict, **more)
