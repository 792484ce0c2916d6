"""Whether what is said to and by the tests' GitHub is what GitHub describes."""

from __future__ import annotations

from typing import Any

from tests.peers.described import NotDescribedError, github_described
from tests.peers.exchange import Answer, Request


class Judge:
    """Keeps what was wrong; GraphQL is not part of the description."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def hear(self, request: Request) -> None:
        """A request of what is under test."""
        if request.path == "/graphql":
            return
        try:
            body: Any = request.json() if request.body else None
            github_described().check(request.method, request.path, request.query, body)
        except NotDescribedError as fault:
            self.faults.append(str(fault))

    def approve(self, request: Request, answer: Answer) -> Answer:
        """An answer that is not emulate's; the same."""
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        if 200 <= answer.status < 300 and is_json and request.path != "/graphql":
            try:
                github_described().check_answer(request.method, request.path, answer.status, answer.json())
            except NotDescribedError as fault:
                self.faults.append(f"an answer that GitHub does not give: {fault}")
        return answer
