"""The ids in paths about missions."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Path

from tinytown.schemas.base import Id

MissionPath: TypeAlias = Annotated[Id, Path(alias="mission_id", description="The id of a mission.")]
WorkItemPath: TypeAlias = Annotated[Id, Path(alias="work_item_id", description="The id of a work item.")]
WatchPath: TypeAlias = Annotated[Id, Path(alias="watch_id", description="The id of a watch.")]
