"""`POST /graphql`: review threads and the merge queue, the two things that GitHub's REST API does not have."""

from __future__ import annotations

from typing import Any

from tests.peers.emulate import USERS, Emulate
from tests.peers.exchange import Answer, Request, said
from tests.peers.gate import Gate
from tests.peers.queries import QueryError, connection, parsed, selected
from tests.peers.threads import Threads


class GraphQL:
    """Answers what was selected; a field that it does not know is an error, as on GitHub."""

    def __init__(self, emulate: Emulate, slug: str, threads: Threads, gate: Gate) -> None:
        self._emulate = emulate
        self._slug = slug
        self._threads = threads
        self._gate = gate
        self.old: set[str] = set()
        """Names that the repository had before."""
        self.queue: list[int] = []
        """The pull requests in the merge queue, first one first."""

    def answer(self, request: Request) -> Answer | None:
        if (request.method, request.path) != ("POST", "/graphql"):
            return None
        body = request.json()
        try:
            kind, fields = parsed(body["query"], body.get("variables") or {})
            return said({"data": selected(self._root(kind, USERS.get(request.token, "")), fields)})
        except QueryError as error:
            return said({"data": None, "errors": [{"type": "undefinedField", "message": str(error), "path": []}]})

    def _root(self, kind: str, login: str) -> dict[str, Any]:
        if kind == "mutation":
            return {
                "enqueuePullRequest": self._enqueue,
                "dequeuePullRequest": self._dequeue,
                "resolveReviewThread": self._resolve,
                "unresolveReviewThread": self._unresolve,
            }
        limits = {"limit": 5000, "cost": 1, "remaining": 4999, "used": 1, "resetAt": "2030-01-01T00:00:00Z"}
        return {"repository": self._repository, "viewer": {"login": login}, "rateLimit": limits}

    def _repository(self, arguments: dict[str, Any]) -> dict[str, Any] | None:
        if f"{arguments['owner']}/{arguments['name']}" not in {self._slug, *self.old}:
            raise QueryError(f"Could not resolve to a Repository with the name '{self._slug}'.")
        return {"nameWithOwner": self._slug, "pullRequest": self._pull, "mergeQueue": self._merge_queue}

    def _merge_queue(self, arguments: dict[str, Any]) -> dict[str, Any] | None:
        return {"id": "MQ_1"} if self._gate.has_queue({"base": {"ref": arguments["branch"]}}) else None

    def _pull(self, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = self._emulate.ask("GET", f"/repos/{self._slug}/pulls/{arguments['number']}")
        if answer.status != 200:
            raise QueryError(f"Could not resolve to a PullRequest with the number of {arguments['number']}.")
        pull = answer.json()
        number = pull["number"]
        return {
            "id": pull["node_id"],
            "number": number,
            "title": pull["title"],
            "url": pull["html_url"],
            "state": "MERGED" if pull["merged"] else pull["state"].upper(),
            "merged": pull["merged"],
            "isDraft": pull["draft"],
            "headRefOid": pull["head"]["sha"],
            "headRefName": pull["head"]["ref"],
            "baseRefName": pull["base"]["ref"],
            "reviewDecision": self._decision(pull),
            "reviewThreads": lambda page: self._pages(number, page),
            "isMergeQueueEnabled": self._gate.has_queue(pull),
            "isInMergeQueue": number in self.queue,
            "mergeQueueEntry": self._entry(number) if number in self.queue else None,
        }

    def _pages(self, number: int, page: dict[str, Any]) -> Any:
        return connection(self._threads.of(number))(page)

    def _decision(self, pull: dict[str, Any]) -> str | None:
        text = self._gate.lacks_reviews(pull)
        if text is None:
            return None
        return "CHANGES_REQUESTED" if text.startswith("Changes") else "REVIEW_REQUIRED"

    def _entry(self, number: int) -> dict[str, Any]:
        return {"id": f"MQE_{number}", "state": "QUEUED", "position": self.queue.index(number) + 1}

    def _enqueue(self, arguments: dict[str, Any]) -> dict[str, Any]:
        said_by = arguments["input"]
        pull = self._by_id(said_by["pullRequestId"])
        if said_by.get("expectedHeadOid") not in {None, pull["head"]["sha"]}:
            raise QueryError("Head branch was modified. Review and try the merge again.")
        if not self._gate.has_queue(pull):
            raise QueryError("The merge queue is not enabled for this branch.")
        if pull["number"] in self.queue:
            raise QueryError("Pull request is already in the queue")
        self.queue.append(pull["number"])
        return {"clientMutationId": None, "mergeQueueEntry": self._entry(pull["number"])}

    def _dequeue(self, arguments: dict[str, Any]) -> dict[str, Any]:
        number = self._by_id(arguments["input"]["id"])["number"]
        if number not in self.queue:
            raise QueryError("Pull request is not in the queue")
        entry = self._entry(number)
        self.queue.remove(number)
        return {"clientMutationId": None, "mergeQueueEntry": entry}

    def _by_id(self, node_id: str) -> dict[str, Any]:
        for pull in self._emulate.call("GET", f"/repos/{self._slug}/pulls?per_page=100"):
            if pull["node_id"] == node_id:
                return dict(pull)
        raise QueryError(f"Could not resolve to a node with the global id of '{node_id}'")

    def _resolve(self, arguments: dict[str, Any]) -> dict[str, Any]:
        name = arguments["input"]["threadId"]
        self._threads.resolved.add(int(name.removeprefix("PRRT_")))
        return {"clientMutationId": None, "thread": {"id": name, "isResolved": True}}

    def _unresolve(self, arguments: dict[str, Any]) -> dict[str, Any]:
        name = arguments["input"]["threadId"]
        self._threads.resolved.discard(int(name.removeprefix("PRRT_")))
        return {"clientMutationId": None, "thread": {"id": name, "isResolved": False}}
