"""Each trouble with GitHub has its outcome, and when it is over the mission goes on to its end."""

from __future__ import annotations

import re

import pytest
from tests.integration.forges.github_failures.hub import Hub
from tests.integration.forges.github_failures.outcomes import RESUMED, TABLE, Outcome


def tells(line: str, lines: tuple[str, ...]) -> bool:
    pattern = ".*".join(re.escape(part) for part in line.split("…"))
    return any(re.fullmatch(pattern, one) for one in lines)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.trouble) for row in TABLE])
def test_trouble_has_its_outcome_and_the_mission_goes_on(row: Outcome, hub: Hub) -> None:
    row.begins(hub)
    row.happens(hub)
    hub.step()
    for secs in row.pauses:
        assert row.pause(hub) == secs
        hub.pass_time(secs)
        hub.step()

    assert tells(row.why, hub.why()), hub.why()
    mission = hub.read().mission
    assert (hub.item().hold is not None) is row.is_held
    assert not row.is_held or (mission.help is not None and mission.help.times_asked == 1), "a person is asked"

    row.mended(hub)
    if row.goes_on == RESUMED:
        hub.resume()
    hub.live(hub.is_completed)
    assert [pull["merged_at"] is not None for pull in hub.pulls()] == [True]
    assert hub.merges() == ["Merge pull request #2"]
    assert hub.octo.call("GET", "issues/1")["state"] == "closed"
    assert len(hub.comments()) == 1
