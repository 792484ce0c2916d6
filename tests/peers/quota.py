"""The requests that a token has left; GitHub counts everything but a 304."""

from __future__ import annotations

import time
from collections import Counter

from tests.peers.exchange import Answer, Request, refused, said


class Quota:
    """Counts by token and resource, with GitHub's rate-limit headers."""

    def __init__(self) -> None:
        self.limits = {"core": 5_000, "search": 30, "graphql": 5_000}
        """May be set by a test at any time; a limit at or below what was used refuses everything."""
        self.reset_at = int(time.time()) + 3_600
        self.used: Counter[tuple[str, str]] = Counter()

    def refusal(self, request: Request) -> Answer | None:
        """GitHub's 403 once a quota is used up."""
        if request.path == "/rate_limit" or self._left(request) > 0:
            return None
        return refused(403, f"API rate limit exceeded for user {request.token[-4:]}.", headers=self._headers(request))

    def counted(self, request: Request, answer: Answer) -> Answer:
        """The answer with the headers that say what is left."""
        if request.path != "/rate_limit" and answer.status != 304:
            self.used[request.token, _resource(request)] += 1
        return Answer(
            answer.status, answer.body, answer.headers | self._headers(request), answer.wait_secs, answer.cut_after
        )

    def answer(self, request: Request) -> Answer | None:
        if (request.method, request.path) != ("GET", "/rate_limit"):
            return None
        listed = {name: self._numbers(request.token, name) for name in self.limits}
        return said({"resources": listed, "rate": listed["core"]})

    def _left(self, request: Request) -> int:
        resource = _resource(request)
        return max(0, self.limits[resource] - self.used[request.token, resource])

    def _headers(self, request: Request) -> dict[str, str]:
        resource = _resource(request)
        numbers = self._numbers(request.token, resource)
        return {f"x-ratelimit-{name}": str(number) for name, number in numbers.items()} | {
            "x-ratelimit-resource": resource
        }

    def _numbers(self, token: str, resource: str) -> dict[str, int]:
        limit, used = self.limits[resource], self.used[token, resource]
        return {"limit": limit, "remaining": max(0, limit - used), "used": used, "reset": self.reset_at}


def _resource(request: Request) -> str:
    first = request.path.split("/")[1]
    return first if first in {"search", "graphql"} else "core"
