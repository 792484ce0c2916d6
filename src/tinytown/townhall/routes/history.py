"""What was done in the town."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from tinytown.schemas.history import EndedTask, History
from tinytown.services.tasks import ended_place
from tinytown.townhall.context import READ, LentTown
from tinytown.townhall.paging import Paging, Place, not_ours, paging

DEFAULT_LIMIT = 50

router = APIRouter(prefix="/v1", tags=["Events"], dependencies=[READ])


@router.get("/history", summary="List what was done", operation_id="listHistory")
def history(
    town: LentTown,
    page: Annotated[Paging, Depends(paging("history", default=DEFAULT_LIMIT))],
    agent: Annotated[str | None, Query(min_length=1, max_length=64, description="Only that of this agent.")] = None,
) -> History:
    """Tasks that have ended, the last to end first; they are kept for 30 days."""
    before = None if page.after is None else _ended(page.after)
    found = town.tasks.history(agent=agent, limit=page.limit + 1, before=before)
    shown = found[: page.limit]
    is_last = len(found) <= page.limit
    cursor = None if is_last else page.cursor_at(ended_place(shown[-1][0]))
    return History(tasks=[EndedTask.of(*pair) for pair in shown], count=len(shown), next_cursor=cursor)


def _ended(place: Place) -> tuple[int, str]:
    match place:
        case (int(ms), str(task_id)):
            return ms, task_id
    raise not_ours()
