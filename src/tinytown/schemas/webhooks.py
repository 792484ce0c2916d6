"""Deliveries of webhooks."""

from __future__ import annotations

from tinytown.schemas.base import Answer
from tinytown.services.deliveries import Taken


class DeliveryTaken(Answer):
    """What became of a delivery."""

    event: str
    delivery: str
    signalled: int
    """Pull requests and missions that are looked at now."""
    is_repeated: bool
    """Whether it had been taken before; then nothing was done."""

    @classmethod
    def of(cls, taken: Taken) -> DeliveryTaken:
        """What became of it."""
        return cls(event=taken.event, delivery=taken.delivery, signalled=taken.signalled, is_repeated=taken.is_repeated)
