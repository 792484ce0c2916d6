"""Answers that a test gives instead of GitHub: what emulate lacks, and what goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.peers.exchange import Answer, Request


class Sample:
    """An answer to requests of one method whose path matches a pattern wholly."""

    def __init__(
        self,
        method: str,
        pattern: str,
        answer: Answer | Callable[[Request], Answer | None],
        *,
        times: int | None = None,
        takes_effect: bool = False,
        is_described: bool = True,
    ) -> None:
        """What is answered, and when.

        `times`: so often only. `takes_effect`: the request is carried out, then this is answered all the same.
        `is_described`: a successful JSON answer must be one of GitHub's description.
        """
        self._method = method
        self._pattern = re.compile(pattern)
        self._answer = answer
        self._left = times
        self.takes_effect = takes_effect
        self.is_described = is_described
        self.used = 0

    def answer(self, request: Request) -> Answer | None:
        """What it says to the request; None: not meant, or used up."""
        if request.method != self._method or self._left == 0 or not self._pattern.fullmatch(request.path):
            return None
        answer = self._answer if isinstance(self._answer, Answer) else self._answer(request)
        if answer is not None:
            self.used += 1
            self._left = None if self._left is None else self._left - 1
        return answer
