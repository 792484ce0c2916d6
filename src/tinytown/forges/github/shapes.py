"""GitHub's JSON, only what is used of it. What may be missing or null is optional: versions and tokens differ.

https://docs.github.com/en/rest?apiVersion=2022-11-28
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class UserShape(msgspec.Struct, frozen=True):
    """Somebody. Null in GitHub's answers when the account is deleted."""

    login: str
    type: str = "User"


class AppShape(msgspec.Struct, frozen=True):
    """The GitHub App that made a check."""

    id: int | None = None
    slug: str | None = None


class RepositoryShape(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /repos/{owner}/{repo}`, and the repository a branch of a pull request is in."""

    full_name: str
    id: int | None = None
    html_url: str = ""
    default_branch: str | None = None
    archived: bool = False
    private: bool = False
    allow_merge_commit: bool | None = None
    """Told only to those who may push, as the next two."""
    allow_squash_merge: bool | None = None
    allow_rebase_merge: bool | None = None


class EndShape(msgspec.Struct, frozen=True, kw_only=True):
    """Head or base of a pull request."""

    ref: str
    sha: str
    repo: RepositoryShape | None = None
    """None when the fork is deleted."""


class PullShape(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request. Lists of them lack `merged` and the two about mergeability."""

    number: int
    html_url: str
    state: str
    head: EndShape
    base: EndShape
    title: str = ""
    body: str | None = None
    node_id: str = ""
    user: UserShape | None = None
    requested_reviewers: tuple[UserShape | None, ...] | None = None
    draft: bool | None = None
    merged: bool | None = None
    merged_at: datetime | None = None
    merge_commit_sha: str | None = None
    """Before the merge: of a merge that GitHub tried."""
    mergeable: bool | None = None
    mergeable_state: str | None = None

    @property
    def is_merged(self) -> bool:
        """Whether it is merged."""
        return bool(self.merged) or self.merged_at is not None


class CheckOutputShape(msgspec.Struct, frozen=True, kw_only=True):
    """What a check says of itself."""

    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations_count: int = 0


class SuiteShape(msgspec.Struct, frozen=True):
    """The suite a check belongs to: one app's reaction to one push."""

    id: int


class CheckRunShape(msgspec.Struct, frozen=True, kw_only=True):
    """A check run of a commit."""

    id: int
    name: str
    status: str
    conclusion: str | None = None
    head_sha: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    details_url: str | None = None
    html_url: str | None = None
    output: CheckOutputShape = CheckOutputShape()
    app: AppShape | None = None
    check_suite: SuiteShape | None = None


class CheckRunsShape(msgspec.Struct, frozen=True):
    """A page of check runs."""

    check_runs: tuple[CheckRunShape, ...] = ()
    total_count: int = 0


class StatusShape(msgspec.Struct, frozen=True, kw_only=True):
    """A commit status: the newest of its context."""

    context: str
    state: str
    description: str | None = None
    target_url: str | None = None
    updated_at: datetime | None = None


class StatusesShape(msgspec.Struct, frozen=True):
    """All statuses of a commit. GitHub's own summary of them says "pending" where there are none: it is not read."""

    statuses: tuple[StatusShape, ...] = ()
    total_count: int = 0


class AnnotationShape(msgspec.Struct, frozen=True, kw_only=True):
    """A remark of a check on lines of a file."""

    path: str | None = None
    start_line: int | None = None
    annotation_level: str | None = None
    title: str | None = None
    message: str | None = None


class StepShape(msgspec.Struct, frozen=True, kw_only=True):
    """A step of an Actions job."""

    name: str
    conclusion: str | None = None


class JobShape(msgspec.Struct, frozen=True, kw_only=True):
    """An Actions job."""

    id: int
    run_id: int
    run_attempt: int | None = None
    steps: tuple[StepShape, ...] | None = None


class RequiredCheckShape(msgspec.Struct, frozen=True, kw_only=True):
    """A context that must pass, in a rule (`integration_id`) or in classic protection (`app_id`)."""

    context: str
    integration_id: int | None = None
    app_id: int | None = None


class RuleParametersShape(msgspec.Struct, frozen=True, kw_only=True):
    """What rules are given, all kinds of rules together."""

    required_status_checks: tuple[RequiredCheckShape, ...] = ()
    strict_required_status_checks_policy: bool = False
    required_approving_review_count: int = 0
    require_code_owner_review: bool = False
    required_review_thread_resolution: bool = False
    allowed_merge_methods: tuple[str, ...] | None = None


class RuleShape(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that holds for a branch."""

    type: str
    parameters: RuleParametersShape | None = None


class ClassicChecksShape(msgspec.Struct, frozen=True, kw_only=True):
    """Required checks of classic branch protection; `strict` is told in some answers only."""

    contexts: tuple[str, ...] = ()
    checks: tuple[RequiredCheckShape, ...] | None = None
    strict: bool | None = None
    enforcement_level: str | None = None


class ProtectionShape(msgspec.Struct, frozen=True, kw_only=True):
    """Classic protection as everybody who can read may see it."""

    required_status_checks: ClassicChecksShape | None = None


class BranchShape(msgspec.Struct, frozen=True, kw_only=True):
    """A branch."""

    name: str
    protected: bool = False
    protection: ProtectionShape | None = None


class ReviewShape(msgspec.Struct, frozen=True, kw_only=True):
    """A review of a pull request."""

    id: int
    state: str
    user: UserShape | None = None
    body: str | None = None
    commit_id: str | None = None
    submitted_at: datetime | None = None
    author_association: str = "NONE"
    html_url: str = ""


class CommentShape(msgspec.Struct, frozen=True, kw_only=True):
    """A comment, on lines of a pull request or below an issue."""

    id: int
    user: UserShape | None = None
    body: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    author_association: str = "NONE"
    html_url: str = ""
    in_reply_to_id: int | None = None
    path: str | None = None
    line: int | None = None
    """None also when it is outdated."""
    original_line: int | None = None
    subject_type: str | None = None


class PermissionShape(msgspec.Struct, frozen=True):
    """What somebody may do in a repository."""

    permission: str = "none"
