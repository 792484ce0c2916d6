"""Merging pull requests and updating their branches: GitHub's conditions, emulate's record, git's commits."""

from __future__ import annotations

import re
from typing import Any

from tests.peers.branches import Branches
from tests.peers.emulate import Emulate
from tests.peers.exchange import Answer, Request, refused, said
from tests.peers.gate import Gate

_CLOSING = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:([\w.-]+/[\w.-]+))?#(\d+)", re.IGNORECASE)


class Merging:
    """Answers `PUT merge` and `PUT update-branch`."""

    def __init__(self, branches: Branches, emulate: Emulate, slug: str, gate: Gate) -> None:
        self._branches = branches
        self._bare = branches.bare
        self._emulate = emulate
        self._slug = slug
        self._gate = gate
        self.closes_issues = True
        """Whether a merge into the default branch closes the issues that the pull request's text names."""

    def answer(self, request: Request) -> Answer | None:
        found = re.fullmatch(rf"(/repos/{self._slug}/pulls/\d+)/(merge|update-branch)", request.path)
        if not found or request.method != "PUT":
            return None
        seen = self._emulate.ask("GET", found[1])
        if seen.status != 200:
            return seen
        if found[2] == "merge":
            return self._merge(request, seen.json())
        return self._update(seen.json(), request.json())

    def _merge(self, request: Request, pull: dict[str, Any]) -> Answer:
        method = request.json().get("merge_method", "merge")
        if refusal := self._refusal(pull, request.json().get("sha")):
            return refusal
        if (sha := self._commit(pull, method, request.json())) is None:
            return refused(405, "This branch can't be rebased")
        return self._record(pull, sha, self._emulate.forward(request))

    def of_queue(self, number: int) -> Answer:
        """What the merge queue does with a pull request at its head."""
        path = f"/repos/{self._slug}/pulls/{number}"
        pull = self._emulate.call("GET", path)
        sha = self._commit(pull, "merge", {})
        assert sha is not None
        return self._record(pull, sha, self._emulate.ask("PUT", f"{path}/merge", {}))

    def _record(self, pull: dict[str, Any], sha: str, seen: Answer) -> Answer:
        if seen.status != 200:  # emulate refuses by 422 what GitHub refuses by 405
            return refused(405, seen.json()["message"]) if seen.status == 422 else seen
        self._branches.move(pull["base"]["ref"], sha)
        place = {"repository": self._slug, "number": pull["number"]}
        self._emulate.call("POST", "/_git/pull", place | {"values": {"merge_commit_sha": sha}})
        self._after(pull)
        return said(seen.json() | {"sha": sha})

    def _refusal(self, pull: dict[str, Any], sha: str | None) -> Answer | None:
        if pull["state"] != "open":
            return refused(405, "Pull Request is not mergeable")
        if sha not in {None, pull["head"]["sha"]}:
            return refused(409, "Head branch was modified. Review and try the merge again.")
        if self._bare.merged_tree(pull["base"]["sha"], pull["head"]["sha"]) is None:
            return refused(405, "Pull Request has merge conflicts")
        if self._gate.has_queue(pull):
            return refused(405, "Changes must be made through the merge queue")
        if text := self._gate.missing_check(pull) or self._gate.lacks_reviews(pull):
            return refused(405, text)
        return None

    def _commit(self, pull: dict[str, Any], method: str, body: dict[str, Any]) -> str | None:
        base, head = pull["base"]["sha"], pull["head"]["sha"]
        if method == "rebase":
            return self._bare.rebased(base, head)
        tree = self._bare.merged_tree(base, head) or ""
        number = pull["number"]
        usual = f"{pull['title']} (#{number})" if method == "squash" else f"Merge pull request #{number}"
        message = f"{body.get('commit_title') or usual}\n\n{body.get('commit_message') or pull['title']}"
        return self._bare.commit(tree, (base,) if method == "squash" else (base, head), message)

    def _after(self, pull: dict[str, Any]) -> None:
        repository = self._emulate.call("GET", f"/repos/{self._slug}")
        if self.closes_issues and pull["base"]["ref"] == repository["default_branch"]:
            for slug, number in _CLOSING.findall(f"{pull['title']}\n{pull['body'] or ''}"):
                path = f"/repos/{slug or self._slug}/issues/{number}"
                if self._emulate.ask("GET", path).status == 200:
                    self._emulate.call("PATCH", path, {"state": "closed", "state_reason": "completed"})
        if repository.get("delete_branch_on_merge"):
            self._remove(pull["head"]["ref"], pull["base"]["ref"])

    def _remove(self, branch: str, base: str) -> None:
        """GitHub's own removal takes pull requests that are stacked on the branch to its base."""
        for other in self._emulate.call("GET", f"/repos/{self._slug}/pulls?base={branch}&per_page=100"):
            self._emulate.call("PATCH", f"/repos/{self._slug}/pulls/{other['number']}", {"base": base})
        self._branches.move(branch, None)

    def _update(self, pull: dict[str, Any], body: dict[str, Any]) -> Answer:
        head, base = pull["head"], pull["base"]
        if body.get("expected_head_sha") not in {None, head["sha"]}:
            return refused(422, "expected head sha didn’t match current head ref.")  # noqa: RUF001  as GitHub writes it
        if self._bare.contains(head["sha"], base["sha"]):
            return refused(422, "There are no new commits on the base branch.")
        tree = self._bare.merged_tree(head["sha"], base["sha"])
        if tree is None:
            return refused(422, "merge conflict between base and head")
        message = f"Merge branch '{base['ref']}' into {head['ref']}"
        self._branches.move(head["ref"], self._bare.commit(tree, (head["sha"], base["sha"]), message))
        return said({"message": "Updating pull request branch.", "url": pull["url"]}, 202)
