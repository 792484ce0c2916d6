"""How long a step may go on outside: until its time is over, or until another dispatcher has the mission."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

CHANGE_SECS = 20.0
"""How long one change may take. The lease is renewed before it, and lasts longer."""
FRESH_SECS = 2.0
"""How old the lease may be when something begins that may take so long."""


class StepTime:
    """The time of one step."""

    def __init__(self, within_secs: float, is_ours: Callable[[], bool], *, fresh_secs: float = FRESH_SECS) -> None:
        """Args: is_ours renews the lease, and says whether there was one to renew."""
        self.until = monotonic() + within_secs
        self._is_ours = is_ours
        self._fresh_secs = fresh_secs
        self._renewed = monotonic()
        self._is_lost = False

    @property
    def left_secs(self) -> float:
        """How long it goes on at most."""
        return max(self.until - monotonic(), 0.0)

    def goes_on(self) -> bool:
        """Whether something more may begin."""
        if self._is_lost or monotonic() >= self.until:
            return False
        if monotonic() - self._renewed >= self._fresh_secs:
            self._is_lost = not self._is_ours()
            self._renewed = monotonic()
        return not self._is_lost
