"""What a base branch asks of a pull request: rules of rulesets united with classic branch protection.

https://docs.github.com/en/rest/repos/rules and .../branches/branch-protection
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import TypeVar

import msgspec

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, NotFoundError
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.shapes import (
    BranchShape,
    ClassicChecksShape,
    RepositoryShape,
    RequiredCheckShape,
    RuleParametersShape,
    RuleShape,
)
from tinytown.forges.github.sharing import Sharing
from tinytown.forges.github.verdicts import Required

T = TypeVar("T")

KEPT = timedelta(minutes=10)
METHODS = ("merge", "squash", "rebase")

_NONE = RuleParametersShape()


class BaseRules(msgspec.Struct, frozen=True, kw_only=True):
    """What one base branch asks."""

    required: tuple[Required, ...] = ()
    is_strict: bool | None = None
    """Whether a head must hold the base's last commit; None when that is not told to this token."""
    has_queue: bool = False
    """Whether only the merge queue merges."""
    methods: tuple[str, ...] = METHODS
    """How may be merged here, of `merge`, `squash`, `rebase`."""
    approvals: int = 0
    """How many approving reviews it takes, as far as rulesets tell."""
    resolves_threads: bool = False
    """Whether every review thread must be resolved."""
    needs_code_owners: bool = False
    needs_signatures: bool = False


class Rules:
    """The rules of a repository's branches, asked for at most every ten minutes. Thread-safe."""

    def __init__(self, client: GitHub, repository: Repository, now: Callable[[], datetime]) -> None:
        self._client = client
        self._repository = repository
        self._now = now
        self._kept: dict[str, tuple[datetime, BaseRules]] = {}
        self._reading: Sharing[BaseRules] = Sharing()

    def of(self, base: str) -> BaseRules:
        """The rules of a branch. What the token may not see counts as not there: GitHub looks again when it merges."""
        read_at, rules = self._kept.get(base, (None, None))
        if read_at is None or rules is None or self._now() - read_at >= KEPT:
            return self._reading.get(base, lambda: self._read_and_keep(base))
        return rules

    def forget(self, base: str) -> None:
        """Ask anew next time: GitHub just refused something by a rule that was not known."""
        self._kept.pop(base, None)

    def _read_and_keep(self, base: str) -> BaseRules:
        rules = self._read(base)
        self._kept[base] = (self._now(), rules)
        return rules

    def _read(self, base: str) -> BaseRules:
        listed = self._optional("/rules/branches/{b}", tuple[RuleShape, ...], base)
        settings = self._client.get(self._repository.path(), RepositoryShape)
        return united(listed or (), self._classic(base), settings)

    def _classic(self, base: str) -> ClassicChecksShape | None:
        """Required checks of classic protection: the short form is for all who may read, the long one knows `strict`."""
        branch = self._optional("/branches/{b}", BranchShape, base)
        if branch is None or not branch.protected:
            return None
        short = branch.protection.required_status_checks if branch.protection else None
        if short is not None and short.strict is not None:
            return short
        path = "/branches/{b}/protection/required_status_checks"
        return self._optional(path, ClassicChecksShape, base) or short

    def _optional(self, template: str, type_: type[T], base: str) -> T | None:
        try:
            return self._client.get(self._repository.path(template, b=base), type_)
        except ForgeUnavailableError:
            raise
        except (NotFoundError, ForgeError):
            return None


def united(
    rules: Iterable[RuleShape], classic: ClassicChecksShape | None, settings: RepositoryShape | None
) -> BaseRules:
    """Both kinds of rules, and the repository's own settings, as one. Pure."""
    rules = tuple(rules)
    parameters = [rule.parameters or _NONE for rule in rules]
    kinds = {rule.type for rule in rules}
    named = chain.from_iterable(one.required_status_checks for one in parameters)
    return BaseRules(
        required=tuple(dict.fromkeys((*map(_required, named), *_classic_required(classic)))),
        is_strict=_is_strict(parameters, classic),
        has_queue="merge_queue" in kinds,
        methods=_methods(parameters, settings, is_linear="required_linear_history" in kinds),
        approvals=max((one.required_approving_review_count for one in parameters), default=0),
        resolves_threads=any(one.required_review_thread_resolution for one in parameters),
        needs_code_owners=any(one.require_code_owner_review for one in parameters),
        needs_signatures="required_signatures" in kinds,
    )


def _required(shape: RequiredCheckShape) -> Required:
    app_id = shape.integration_id or shape.app_id
    return Required(shape.context, app_id if app_id is not None and app_id > 0 else None)


def _classic_required(classic: ClassicChecksShape | None) -> tuple[Required, ...]:
    if classic is None or classic.enforcement_level == "off":
        return ()
    if classic.checks:
        return tuple(map(_required, classic.checks))
    return tuple(Required(context) for context in classic.contexts)


def _is_strict(parameters: Sequence[RuleParametersShape], classic: ClassicChecksShape | None) -> bool | None:
    if any(one.strict_required_status_checks_policy for one in parameters):
        return True
    return False if classic is None else classic.strict


def _methods(
    parameters: Sequence[RuleParametersShape], settings: RepositoryShape | None, *, is_linear: bool
) -> tuple[str, ...]:
    """What nothing forbids. The repository's settings are hidden from tokens that may not push: unset is allowed."""
    off = set()
    if settings is not None:
        told = (settings.allow_merge_commit, settings.allow_squash_merge, settings.allow_rebase_merge)
        off = {method for method, is_allowed in zip(METHODS, told, strict=True) if is_allowed is False}
    if is_linear:
        off.add("merge")
    lists = [set(one.allowed_merge_methods) for one in parameters if one.allowed_merge_methods is not None]
    return tuple(method for method in METHODS if method not in off and all(method in one for one in lists))
