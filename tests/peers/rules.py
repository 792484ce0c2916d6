"""Rules of branches (rulesets), which emulate lacks; classic protection is emulate's own."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from tests.peers.emulate import Emulate
from tests.peers.exchange import Answer, Request, refused, said


class Rules:
    """What `rules/branches/B` lists, as the test sets it."""

    def __init__(self, emulate: Emulate, slug: str) -> None:
        self._emulate = emulate
        self._slug = slug
        self._of: dict[str, list[dict[str, Any]]] = {}

    def add(self, branch: str, kind: str, **parameters: Any) -> None:
        """One more rule, e.g. `add("main", "merge_queue", merge_method="SQUASH", …)`."""
        rule: dict[str, Any] = {"type": kind, "ruleset_id": 1, "ruleset_source": self._slug}
        rule["ruleset_source_type"] = "Repository"
        self._of.setdefault(branch, []).append(rule | ({"parameters": parameters} if parameters else {}))

    def require(self, branch: str, *contexts: str, is_strict: bool = False, app: int | None = None) -> None:
        """Rule required_status_checks; `app` is the only one whose check counts."""
        checks = [{"context": name} | ({"integration_id": app} if app else {}) for name in contexts]
        self.add(
            branch,
            "required_status_checks",
            required_status_checks=checks,
            strict_required_status_checks_policy=is_strict,
        )

    def require_reviews(self, branch: str, count: int, *, methods: tuple[str, ...] = ("merge", "squash")) -> None:
        """Rule pull_request."""
        self.add(
            branch,
            "pull_request",
            required_approving_review_count=count,
            dismiss_stale_reviews_on_push=False,
            require_code_owner_review=False,
            require_last_push_approval=False,
            required_review_thread_resolution=False,
            allowed_merge_methods=list(methods),
        )

    def queue(self, branch: str) -> None:
        """Rule merge_queue."""
        self.add(
            branch,
            "merge_queue",
            check_response_timeout_minutes=60,
            grouping_strategy="ALLGREEN",
            max_entries_to_build=5,
            max_entries_to_merge=5,
            merge_method="MERGE",
            min_entries_to_merge=1,
            min_entries_to_merge_wait_minutes=5,
        )

    def lift(self, branch: str) -> None:
        """No rules any more."""
        self._of.pop(branch, None)

    @property
    def changes(self) -> int:
        return sum(map(len, self._of.values()))

    def has_queue(self, branch: str) -> bool:
        return bool(self._kind(branch, "merge_queue"))

    def required(self, branch: str) -> tuple[list[str], bool]:
        """The contexts that the rules require, and whether the branch must be up to date."""
        rules = self._kind(branch, "required_status_checks")
        names = [check["context"] for rule in rules for check in rule["required_status_checks"]]
        return names, any(rule["strict_required_status_checks_policy"] for rule in rules)

    def reviews(self, branch: str) -> int:
        return max((rule["required_approving_review_count"] for rule in self._kind(branch, "pull_request")), default=0)

    def answer(self, request: Request) -> Answer | None:
        if request.method != "GET":
            return None
        if found := re.fullmatch(rf"/repos/{self._slug}/rules/branches/([^/]+)", request.path):
            return said(self._of.get(unquote(found[1]), []))
        if re.fullmatch(rf"/repos/{self._slug}/branches/[^/]+/protection(/\w+)?", request.path):
            seen = self._emulate.forward(request)
            return seen if seen.status != 404 else refused(404, "Branch not protected")
        return None

    def _kind(self, branch: str, kind: str) -> list[dict[str, Any]]:
        return [rule.get("parameters", {}) for rule in self._of.get(branch, []) if rule["type"] == kind]
