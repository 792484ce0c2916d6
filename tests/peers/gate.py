"""What the base branch asks of a pull request before it is merged: checks, reviews, being up to date."""

from __future__ import annotations

from typing import Any

from tests.peers.emulate import Emulate
from tests.peers.git import Bare
from tests.peers.rules import Rules
from tests.peers.statuses import Statuses

_PASSING = {"success", "skipped", "neutral"}


class Gate:
    """Classic protection as emulate keeps it, united with rules as the test set them."""

    def __init__(self, bare: Bare, emulate: Emulate, slug: str, rules: Rules, statuses: Statuses) -> None:
        self._bare = bare
        self._emulate = emulate
        self._root = f"/repos/{slug}"
        self._rules = rules
        self._statuses = statuses
        self._kept: dict[int, tuple[tuple[int, ...], tuple[bool | None, str]]] = {}
        self.says: dict[int, list[tuple[bool | None, str]]] = {}
        """What the next answers say of a pull request (by number) instead: (None, "unknown") is still being computed."""

    def mergeability(self, pull: dict[str, Any]) -> tuple[bool | None, str]:
        """GitHub's `mergeable` and `mergeable_state` of a pull request."""
        if told := self.says.get(pull["number"]):
            return told.pop(0)
        if pull["state"] != "open":
            return None, "unknown"
        stamp = (self._emulate.changes, self._rules.changes, self._statuses.changes)
        if (
            pull["number"] not in self._kept or self._kept[pull["number"]][0] != stamp
        ):  # it takes 8 ms, and much is asked of quiet ones
            self._kept[pull["number"]] = (stamp, self._computed(pull))
        return self._kept[pull["number"]][1]

    def _computed(self, pull: dict[str, Any]) -> tuple[bool | None, str]:
        if self._bare.merged_tree(pull["base"]["sha"], pull["head"]["sha"]) is None:
            return False, "dirty"
        return True, self._state(pull)

    def has_queue(self, pull: dict[str, Any]) -> bool:
        """Whether only the merge queue may merge."""
        return self._rules.has_queue(pull["base"]["ref"])

    def missing_check(self, pull: dict[str, Any]) -> str | None:
        """GitHub's text about the first required check that did not pass."""
        ended = self._verdicts(pull["head"]["sha"])
        for name in self._required(pull["base"]["ref"])[0]:
            if name not in ended:
                return f'Required status check "{name}" is expected.'
            if not ended[name] <= _PASSING:
                return f'Required status check "{name}" is failing.'
        return None

    def lacks_reviews(self, pull: dict[str, Any]) -> str | None:
        """GitHub's text about approvals that are not there."""
        wanted = self._reviews_wanted(pull["base"]["ref"])
        if not wanted:
            return None
        states: dict[str, str] = {}
        for review in self._emulate.call("GET", f"{self._root}/pulls/{pull['number']}/reviews?per_page=100"):
            if review["state"] not in {"COMMENTED", "PENDING"}:
                states[review["user"]["login"]] = review["state"]
        if "CHANGES_REQUESTED" in states.values():
            return "Changes have been requested."
        if list(states.values()).count("APPROVED") < wanted:
            return f"At least {wanted} approving review is required by reviewers with write access."
        return None

    def _state(self, pull: dict[str, Any]) -> str:
        if pull["draft"] or self.lacks_reviews(pull):
            return "blocked"
        is_strict = self._required(pull["base"]["ref"])[1]
        if is_strict and not self._bare.contains(pull["head"]["sha"], pull["base"]["sha"]):
            return "behind"
        if self.missing_check(pull) or self.has_queue(pull):
            return "blocked"
        verdicts = self._verdicts(pull["head"]["sha"]).values()
        return "clean" if all(one <= _PASSING for one in verdicts) else "unstable"

    def _required(self, branch: str) -> tuple[list[str], bool]:
        names, is_strict = self._rules.required(branch)
        answer = self._emulate.ask("GET", f"{self._root}/branches/{branch}/protection/required_status_checks")
        if answer.status != 200:
            return names, is_strict
        classic = answer.json()
        return [*classic["contexts"], *names], is_strict or classic["strict"]

    def _reviews_wanted(self, branch: str) -> int:
        answer = self._emulate.ask("GET", f"{self._root}/branches/{branch}/protection")
        classic = (answer.json().get("required_pull_request_reviews") or {}) if answer.status == 200 else {}
        return max(self._rules.reviews(branch), int(classic.get("required_approving_review_count") or 0))

    def _verdicts(self, sha: str) -> dict[str, set[str]]:
        """By name of check or status: how it stands."""
        found: dict[str, set[str]] = {}
        answer = self._emulate.ask("GET", f"{self._root}/commits/{sha}/check-runs?per_page=100")
        for run in answer.json()["check_runs"] if answer.status == 200 else []:
            found.setdefault(run["name"], set()).add(run["conclusion"] or run["status"])
        for name, state in self._statuses.states(sha).items():
            found.setdefault(name, set()).add(state)
        return found
