"""Recovery from what died."""

from __future__ import annotations

from fastapi import APIRouter

from tinytown.schemas.recovery import ReclaimRequest, ReclaimResponse, RecoverResponse
from tinytown.townhall.context import MANAGE, LentTown

router = APIRouter(prefix="/v1", tags=["Recovery"], dependencies=[MANAGE])


@router.post("/recover", summary="Recover orphaned agents", operation_id="recover")
def recover(town: LentTown) -> RecoverResponse:
    """Give up hosts that are gone, and start this machine's for its agents; doing it twice changes nothing more."""
    return RecoverResponse.of(town.recovery.recover())


@router.post("/reclaim", summary="Reclaim tasks from dead agents", operation_id="reclaim")
def reclaim(town: LentTown, body: ReclaimRequest | None = None) -> ReclaimResponse:
    """Take unfinished work from agents that are gone. Tasks of missions go back to their missions."""
    wish = body or ReclaimRequest.model_validate({})
    return ReclaimResponse.of(town.recovery.reclaim(to_backlog=wish.to_backlog, to=wish.to, source=wish.source))
