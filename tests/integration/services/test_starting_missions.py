from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.services.directing import missions_of
from tests.properties.mission_town import PaperTown
from tests.properties.paper_forge import PaperForge

from tinytown.domain.errors import ForgeUnavailableError, ProblemsError
from tinytown.domain.mission import MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.refs import IssueRef
from tinytown.services.missions import Objectives

ISSUE = IssueRef("acme", "shop", 1)


class Away(PaperForge):
    """A forge that does not even tell its default branch as long as it is away."""

    is_away = True

    def default_branch(self) -> str:
        if self.is_away:
            raise ForgeUnavailableError("no route to the forge")
        return "trunk"


@pytest.fixture
def town(redis_url: str, tmp_path: Path) -> Iterator[PaperTown]:
    made = PaperTown(redis_url, tmp_path, f"s-{uuid.uuid4().hex[:12]}", forge=Away())
    yield made
    made.close()


def test_mission_started_while_the_forge_is_away_is_planned_when_it_is_back(town: PaperTown, tmp_path: Path) -> None:
    started = missions_of(town, tmp_path).start(Objectives(refs=(ISSUE,)), MissionPolicy(), None)
    town.mission_id = started.mission.id

    assert (started.mission.state, started.items) == (MissionState.PLANNING, ())
    assert started.warnings == ("planning waits: no route to the forge",)
    town.step(0)
    assert town.read().mission.blocked_reason == "no route to the forge"

    town.forge.is_away = False  # type: ignore[attr-defined]  # it is the one above
    town.pass_time(30)
    town.step(0)

    mission = town.read().mission
    assert (mission.base, len(town.read().items), mission.blocked_reason) == ("trunk", 1, None)


def test_every_problem_is_told_whatever_it_is_about(town: PaperTown, tmp_path: Path) -> None:
    town.forge.is_away = False  # type: ignore[attr-defined]  # it is the one above
    missions = missions_of(town, tmp_path)
    named = missions.objectives(["foo"], [tmp_path / "missing.md"], tmp_path)
    with pytest.raises(ProblemsError) as told:
        missions.start(named, MissionPolicy(), "[[overrides]]\nissue = 1\ncolour = 2\n")

    problems = told.value.problems
    assert len(problems) == 3
    assert "'foo' is not an issue" in problems[0]
    assert "mission.toml:3" in problems[1]
    assert "missing.md cannot be read" in problems[2]
    assert town.missions.ids() == []


def test_addresses_of_another_host_are_no_issues_of_this_forge(town: PaperTown, tmp_path: Path) -> None:
    town.forge.is_away = False  # type: ignore[attr-defined]  # it is the one above
    town.forge.host = "forge.example"
    elsewhere = "https://gitlab.com/acme/shop/issues/3"
    (tmp_path / "plan.md").write_text(f"# Plan\n\nDepends on {elsewhere}\n")
    missions = missions_of(town, tmp_path)
    with pytest.raises(ProblemsError, match=f"'{elsewhere}' is not on forge.example"):
        missions.start(missions.objectives([elsewhere], [], tmp_path), MissionPolicy(), None)
    named = missions.objectives(["#1"], [], tmp_path)
    with pytest.raises(ProblemsError, match=f"'{elsewhere}' is not on forge.example"):
        missions.start(named, MissionPolicy(), f"[[overrides]]\nissue = 1\ndepends_on = ['{elsewhere}']\n")
    planned = missions.preview(missions.objectives([], [tmp_path / "plan.md"], tmp_path), MissionPolicy(), None)
    assert "acme/shop#3 of gitlab.com" in " ".join(planned.warnings)


def test_what_is_wrong_already_is_not_put_off_until_the_forge_is_back(town: PaperTown, tmp_path: Path) -> None:
    missions = missions_of(town, tmp_path)
    with pytest.raises(ProblemsError, match="'foo' is not an issue"):
        missions.start(missions.objectives(["foo"], [], tmp_path), MissionPolicy(), None)
    assert town.missions.ids() == []
