"""What a mission would do, before it is started."""

from __future__ import annotations

from fastapi import APIRouter

from tinytown.bootstrap import Town
from tinytown.domain.issue import Selection
from tinytown.domain.policy import MissionPolicy
from tinytown.schemas.mission_plans import MissionPlan
from tinytown.schemas.mission_starts import PlanMissionRequest
from tinytown.services.missions import Objectives
from tinytown.services.planning import read_manifest
from tinytown.townhall.context import WRITE, LentTown

router = APIRouter(prefix="/v1/missions", tags=["Missions"])


@router.post("/plan", summary="Show what a mission would do", operation_id="planMission", dependencies=[WRITE])
def plan_mission(town: LentTown, body: PlanMissionRequest) -> MissionPlan:
    """Compile a mission as it would be started; nothing is stored, and no agent gets anything."""
    return MissionPlan.of(town.missions.preview(*parts_of(town, body)))


def parts_of(town: Town, body: PlanMissionRequest) -> tuple[Objectives, MissionPolicy, str | None]:
    """What the services make a mission from."""
    choice = Selection(labels=tuple(body.labels), milestone=body.milestone, query=body.query)
    objectives = town.missions.named([one.reference() for one in body.objectives], choice)
    manifest = body.manifest if body.manifest is not None else read_manifest(town.root, None)
    return objectives, body.policy.over(town.settings.mission), manifest
