"""What a mission has asked of GitHub, and how its quota is, as a process knows that never speaks to GitHub."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from tests.integration.forges.github.conftest import Clock, Peer
from tests.peers.exchange import Answer, refused, said

from tinytown.cli.render.usage import usage_lines, usage_record
from tinytown.domain.errors import QuotaError
from tinytown.domain.ids import new_id
from tinytown.domain.mission import Mission, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.forges.github.client import GitHub
from tinytown.services.usage import Usage, Usages
from tinytown.store.connection import Connection
from tinytown.store.forge_quota import QuotaStore
from tinytown.store.keys import Keys
from tinytown.store.missions import MissionStore

R = "/repos/octo/town"
Open = Callable[..., GitHub]


@pytest.fixture
def mission(shared: Connection, keys: Keys) -> str:
    now = datetime.now(UTC)
    made = Mission(
        id=new_id(),
        objective_refs=(),
        state=MissionState.RUNNING,
        policy=MissionPolicy(),
        created_at=now,
        updated_at=now,
    )
    MissionStore(shared, keys).create(made, (), {}, (), now)
    return made.id


@pytest.fixture
def usage_of(shared: Connection, keys: Keys, clock: Clock) -> Callable[[str], Usage]:
    return Usages(QuotaStore(shared), keys, clock).of


def left(clock: Clock, remaining: int, in_secs: int = 1200) -> dict[str, str]:
    reset = str(int(clock().timestamp()) + in_secs)
    return {
        "x-ratelimit-limit": "5000",
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": reset,
        "x-ratelimit-resource": "core",
    }


def test_usage_has_the_requests_and_the_quota_of_the_token_they_were_made_with(
    open_github: Open, peer: Peer, clock: Clock, mission: str, usage_of: Callable[[str], Usage]
) -> None:
    tagged = said({}, headers=left(clock, 4000) | {"etag": '"1"'})
    peer.on("GET", R, tagged, Answer(304, headers=left(clock, 3999)), said({}))
    ours = open_github().on_behalf_of(mission)
    ours.get(R, dict)
    ours.get(R, dict)
    with pytest.raises(Exception, match="nothing"):
        ours.get(f"{R}/nothing", dict)
    open_github("ghp_another").get(R, dict)
    asked = len(peer.asked)

    usage = usage_of(mission)

    assert (usage.requests.sent, usage.requests.free, usage.requests.failed) == (3, 1, 1)
    assert [(one.resource, one.limit, one.remaining) for one in usage.quotas] == [("core", 5000, 3999)]
    assert len(peer.asked) == asked
    text = "\n".join(usage_lines(usage))
    assert "3 (core 3), 1 free, 1 failed" in text
    assert "core: 3,999 of 5,000 left until" in text
    assert "slow" not in text
    assert usage_record(usage)["requests"] == {"sent": 3, "free": 1, "failed": 1, "by_resource": {"core": 3}}


def test_slowed_looks_are_shown_until_the_quota_begins_anew(
    open_github: Open, peer: Peer, clock: Clock, mission: str, usage_of: Callable[[str], Usage]
) -> None:
    peer.on("GET", R, said({}, headers=left(clock, 250, in_secs=3600)))
    look = open_github().on_behalf_of(mission).as_look()
    look.get(R, dict)
    assert usage_of(mission).quotas[0].slowed_until is None
    look.get(R, dict)
    (quota,) = usage_of(mission).quotas
    assert quota.slowed_until is not None
    assert quota.slowed_until == quota.reset
    assert "looks are slowed until then" in "\n".join(usage_lines(usage_of(mission)))
    clock.advance(seconds=3605)
    (quota,) = usage_of(mission).quotas
    assert (quota.slowed_until, quota.remaining, quota.reset) == (None, None, None)


def test_a_block_of_everything_is_shown_while_it_lasts(
    open_github: Open, peer: Peer, clock: Clock, mission: str, usage_of: Callable[[str], Usage]
) -> None:
    peer.on("GET", R, refused(403, "You have exceeded a secondary rate limit.", headers={"retry-after": "30"}))
    with pytest.raises(QuotaError):
        open_github().on_behalf_of(mission).get(R, dict)
    (block,) = [one for one in usage_of(mission).quotas if one.blocked_until is not None]
    assert block.blocked_until is not None
    assert (block.blocked_until - clock()).total_seconds() == 30
    assert "nothing is asked until" in "\n".join(usage_lines(usage_of(mission)))
    clock.advance(seconds=31)
    assert all(one.blocked_until is None for one in usage_of(mission).quotas)


def test_a_mission_that_asked_nothing_has_no_usage(usage_of: Callable[[str], Usage], mission: str) -> None:
    assert usage_of(mission).quotas == ()
    assert usage_lines(usage_of(mission)) == []


def test_an_error_below_the_reserve_says_when_that_ends(open_github: Open, peer: Peer, clock: Clock) -> None:
    peer.on("GET", R, said({}, headers=left(clock, 250, in_secs=3600)))
    look = open_github().as_look()
    look.get(R, dict)
    look.get(R, dict)
    clock.advance(seconds=11)
    with pytest.raises(QuotaError) as caught:
        look.get(R, dict)
    assert caught.value.low_until is not None
    assert (caught.value.low_until - clock()).total_seconds() == pytest.approx(3589, abs=2)
    assert caught.value.retry_at is not None
    assert caught.value.retry_at < caught.value.low_until


def test_no_secret_is_in_what_is_counted(
    open_github: Open, peer: Peer, mission: str, shared: Connection, keys: Keys
) -> None:
    peer.on("GET", R, said({}))
    open_github("ghp_verysecret").on_behalf_of(mission).get(R, dict)
    kept = b"".join(shared.execute("HGETALL", keys("mission", mission, "requests")))
    assert b"verysecret" not in kept
    assert b"sent" in kept
