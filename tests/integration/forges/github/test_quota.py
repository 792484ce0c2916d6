"""The quota as all processes of a token see it: limits, refusals, the reserve, and what is counted for whom."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from tests.integration.forges.github.conftest import TOKEN, Clock, Peer
from tests.peers.exchange import Answer, refused, said

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, QuotaError
from tinytown.domain.ids import new_id
from tinytown.domain.mission import Mission, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.refs import IssueRef
from tinytown.forges.github.access import token_access
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.issues import Issues
from tinytown.forges.github.trust import Trust
from tinytown.store.connection import Connection
from tinytown.store.forge_quota import QuotaStore, Requests, token_keys
from tinytown.store.keys import Keys
from tinytown.store.missions import MissionStore

R = "/repos/octo/town"
Open = Callable[..., GitHub]


def seconds(clock: Clock, error: QuotaError) -> float:
    assert error.retry_at is not None
    return (error.retry_at - clock()).total_seconds()


def with_quota(clock: Clock, remaining: int, *, limit: int = 5000, in_secs: int = 1200, status: int = 200) -> Answer:
    headers = {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(int(clock().timestamp()) + in_secs),
        "x-ratelimit-resource": "core",
    }
    return said({}, headers=headers) if status == 200 else refused(status, "API rate limit exceeded", headers=headers)


def refusal(github: GitHub) -> QuotaError:
    with pytest.raises(QuotaError) as caught:
        github.get(R, dict)
    return caught.value


def test_used_up_quota_is_known_to_every_process_of_the_token(open_github: Open, peer: Peer, clock: Clock) -> None:
    peer.on("GET", R, with_quota(clock, 0, status=403), said({}))
    assert seconds(clock, refusal(open_github())) == pytest.approx(1200, abs=2)
    assert seconds(clock, refusal(open_github())) == pytest.approx(1200, abs=2)
    assert peer.count() == 1
    open_github("ghp_another").get(R, dict)
    clock.advance(seconds=1203)
    open_github().get(R, dict)
    assert peer.count() == 3


def test_last_request_of_the_quota_is_known_before_the_refusal(open_github: Open, peer: Peer, clock: Clock) -> None:
    peer.on("GET", R, with_quota(clock, 0))
    open_github().get(R, dict)
    assert "quota is used up until" in str(refusal(open_github()))
    assert peer.count() == 1


def test_another_process_sees_the_used_up_quota(
    open_github: Open, peer: Peer, clock: Clock, redis_url: str, keys: Keys
) -> None:
    peer.on("GET", R, with_quota(clock, 0, status=403), said({}))
    refusal(open_github())
    program = f"""
from tinytown.bootstrap import utc_now
from tinytown.domain.errors import QuotaError
from tinytown.forges.github.address import Repository
from tinytown.forges.github.opening import open_client
from tinytown.store.connection import connect
from tinytown.store.keys import Keys
github = open_client(api_url={peer.url!r}, repository=Repository(host="github.com", owner="octo", name="town"),
    environ={{"GITHUB_TOKEN": {TOKEN!r}}}, app=None, connect=lambda: connect({redis_url!r}), town=Keys({keys.prefix!r}),
    clock=utc_now)
try:
    github.get({R!r}, dict)
except QuotaError as error:
    print(error)
github.close()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("GitHub's quota is used up until")
    assert peer.count() == 1


def test_resources_have_quotas_of_their_own(open_github: Open, peer: Peer, clock: Clock) -> None:
    peer.on("GET", R, with_quota(clock, 0))
    peer.on("GET", "/search/issues", said({}))
    peer.on("POST", "/graphql", said({"data": {}}))
    github = open_github()
    github.get(R, dict)
    refusal(github)
    assert github.get("/search/issues", dict, {"q": "x"}) == {}
    assert github.graphql("query{viewer}", {}, dict) == {}


@pytest.mark.parametrize(
    ("answer", "secs"),
    [
        (refused(403, "You have exceeded a secondary rate limit.", headers={"retry-after": "30"}), 30),
        (refused(429, "slow down", headers={"retry-after": "7"}), 7),
        (refused(403, "You have exceeded a secondary rate limit."), 60),
    ],
)
def test_secondary_limit_holds_for_everything(
    open_github: Open, peer: Peer, clock: Clock, answer: Answer, secs: int
) -> None:
    peer.on("GET", R, answer)
    peer.on("POST", "/graphql", said({"data": {}}))
    assert seconds(clock, refusal(open_github())) == secs
    with pytest.raises(QuotaError):
        open_github().graphql("query{viewer}", {}, dict)
    with pytest.raises(QuotaError):
        open_github().do("POST", f"{R}/pulls", {})
    assert len(peer.asked) == 1


def test_secondary_limit_met_again_is_waited_for_longer(open_github: Open, peer: Peer, clock: Clock) -> None:
    peer.on("GET", R, refused(403, "You have exceeded a secondary rate limit."))
    github = open_github()
    waits = []
    for _ in range(4):
        waits.append(seconds(clock, refusal(github)))
        clock.advance(seconds=waits[-1] + 1)
    assert waits == [60, 120, 240, 480]
    clock.advance(minutes=11)
    peer.on("GET", R, said({}))
    github.get(R, dict)


def test_requests_refused_together_count_once(open_github: Open, peer: Peer, clock: Clock) -> None:
    slow = msgspec.structs.replace(refused(403, "You have exceeded a secondary rate limit."), wait_secs=0.2)
    peer.on("GET", R, slow)
    github = open_github()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: refusal(github), range(4)))
    clock.advance(seconds=61)
    assert seconds(clock, refusal(github)) == 120


def test_graphql_quota_in_a_body_holds_for_graphql(open_github: Open, peer: Peer, clock: Clock) -> None:
    headers = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-resource": "graphql"}
    headers["x-ratelimit-reset"] = str(int(clock().timestamp()) + 600)
    peer.on("POST", "/graphql", said({"errors": [{"type": "RATE_LIMITED", "message": "x"}]}, headers=headers))
    for _ in range(2):
        with pytest.raises(QuotaError) as caught:
            open_github().graphql("query{viewer}", {}, dict)
        assert seconds(clock, caught.value) == pytest.approx(600, abs=2)
    assert len(peer.asked) == 1


# -- a refused token


def test_refused_token_is_left_alone_for_five_minutes_then_told(open_github: Open, peer: Peer, clock: Clock) -> None:
    peer.on("GET", R, refused(401, "Bad credentials"))
    assert seconds(clock, refusal(open_github())) == 300
    assert "GitHub refuses the token" in str(refusal(open_github()))
    assert peer.count() == 1
    clock.advance(seconds=301)
    with pytest.raises(ForgeError, match="tt doctor") as caught:
        open_github().get(R, dict)
    assert not isinstance(caught.value, ForgeUnavailableError)
    assert peer.count() == 2


def test_token_that_a_person_mended_is_only_waited_for(open_github: Open, peer: Peer, clock: Clock) -> None:
    peer.on("GET", R, refused(401, "Bad credentials"), refused(401, "Bad credentials"), said({}))
    refusal(open_github())
    clock.advance(seconds=301)
    with pytest.raises(ForgeError):
        open_github().get(R, dict)
    assert seconds(clock, refusal(open_github())) == 300
    clock.advance(seconds=301)
    open_github().get(R, dict)


def test_accepted_token_is_forgiven(open_github: Open, peer: Peer, clock: Clock) -> None:
    peer.on("GET", R, refused(401, "Bad credentials"), said({}), refused(401, "Bad credentials"))
    refusal(open_github())
    clock.advance(seconds=301)
    open_github().get(R, dict)
    assert seconds(clock, refusal(open_github())) == 300


def test_locked_out_is_as_refused(open_github: Open, peer: Peer, clock: Clock) -> None:
    peer.on("GET", R, refused(403, "Maximum number of login attempts exceeded. Please try again later."))
    assert seconds(clock, refusal(open_github())) == 300


def test_without_a_store_a_refused_token_is_told_at_once(open_github: Open, peer: Peer) -> None:
    peer.on("GET", R, refused(401, "Bad credentials"))
    with pytest.raises(ForgeError, match="tt doctor"):
        open_github(is_shared=False).get(R, dict)


# -- the reserve


def test_below_the_reserve_looks_wait_for_their_turn_and_changes_do_not(
    open_github: Open, peer: Peer, clock: Clock
) -> None:
    peer.on("GET", R, with_quota(clock, 250, in_secs=3600))
    peer.on("POST", f"{R}/pulls", said({}, 201))
    github = open_github()
    look = github.as_look()
    github.get(R, dict)
    for _ in range(3):
        look.get(R, dict)
    clock.advance(seconds=11)
    caught = refusal(look)
    assert "GitHub's quota is low (250 of 5,000 requests left); it is looked at less often" in str(caught)
    assert seconds(clock, caught) == pytest.approx(180 * 5.5 - 11)
    github.get(R, dict)
    github.do("POST", f"{R}/pulls", {})
    clock.advance(seconds=seconds(clock, caught))
    look.get(R, dict)


def test_whether_an_issue_is_open_can_wait_below_the_reserve(open_github: Open, peer: Peer, clock: Clock) -> None:
    issue = {"number": 7, "title": "Do it", "state": "open", "html_url": "https://github.com/octo/town/issues/7"}
    low = with_quota(clock, 250, in_secs=3600)
    peer.on("GET", f"{R}/issues/7", said(issue, headers=low.headers))
    home, ref = Repository(host="github.com", owner="octo", name="town"), IssueRef("octo", "town", 7)
    issues = Issues(open_github(), home, Trust())
    assert [issues.is_open(ref) for _ in range(2)] == [True, True]
    clock.advance(seconds=20)
    with pytest.raises(QuotaError, match="it is looked at less often"):
        issues.is_open(ref)


@pytest.mark.parametrize(("remaining", "factor"), [(500, 1), (250, 5.5), (50, 9.1), (5, 9.91)])
def test_less_quota_means_longer_waits(
    open_github: Open, peer: Peer, clock: Clock, remaining: int, factor: float
) -> None:
    peer.on("GET", R, with_quota(clock, remaining, in_secs=3600))
    look = open_github().as_look()
    look.get(R, dict)
    look.get(R, dict)
    clock.advance(seconds=20)
    assert seconds(clock, refusal(look)) == pytest.approx(180 * factor - 20, abs=0.1)


def test_above_the_reserve_nothing_waits(open_github: Open, peer: Peer, clock: Clock) -> None:
    peer.on("GET", R, with_quota(clock, 501))
    look = open_github().as_look()
    for _ in range(5):
        look.get(R, dict)
        clock.advance(seconds=30)
    assert peer.count() == 5


def test_no_slot_is_later_than_the_reset(open_github: Open, peer: Peer, clock: Clock) -> None:
    peer.on("GET", R, with_quota(clock, 5, in_secs=100))
    look = open_github().as_look()
    look.get(R, dict)
    look.get(R, dict)
    clock.advance(seconds=20)
    assert seconds(clock, refusal(look)) <= 81


def test_companys_server_without_quota_is_never_waited_for(open_github: Open, peer: Peer) -> None:
    peer.on("GET", R, said({}))
    look = open_github().as_look()
    for _ in range(3):
        look.get(R, dict)
    assert peer.count() == 3


@pytest.mark.parametrize("value", ["many", "", "-1", "1e400", "99999999999999999999"])
def test_odd_headers_do_no_harm(open_github: Open, peer: Peer, value: str) -> None:
    headers = {f"x-ratelimit-{name}": value for name in ("limit", "remaining", "reset", "resource")}
    peer.on("GET", R, said({}, headers=headers))
    github = open_github()
    github.get(R, dict)
    github.get(R, dict)
    assert peer.count() == 2


def test_answers_out_of_order_keep_the_least_and_a_new_hour_replaces_all(
    open_github: Open, peer: Peer, clock: Clock, shared: Connection
) -> None:
    github = open_github()
    identity = token_access(peer.url, {"GITHUB_TOKEN": TOKEN}).credential(clock()).identity

    def after(*answers: Answer) -> int | None:
        peer.on("GET", R, *answers)
        for _ in answers:
            github.get(R, dict)
        return QuotaStore(shared).seen(token_keys(identity), "core").remaining

    assert after(with_quota(clock, 900), with_quota(clock, 880), with_quota(clock, 890)) == 880
    assert after(with_quota(clock, 870, in_secs=1202)) == 870
    assert after(with_quota(clock, 5000, in_secs=4800)) == 5000
    assert after(with_quota(clock, 860)) == 5000
    assert shared.execute("TTL", token_keys(identity)("quota", "core")) > 4800


# -- what is counted


def test_requests_are_counted_for_the_mission_they_are_made_for(
    open_github: Open, peer: Peer, keys: Keys, shared: Connection
) -> None:
    now = datetime.now(UTC)
    mission = Mission(
        id=new_id(),
        objective_refs=(),
        state=MissionState.RUNNING,
        policy=MissionPolicy(),
        created_at=now,
        updated_at=now,
    )
    MissionStore(shared, keys).create(mission, (), {}, (), now + timedelta(0))
    tagged = said({"a": 1}, headers={"etag": '"1"'})
    peer.on("GET", R, tagged, Answer(304))
    peer.on("POST", "/graphql", said({"data": {}}))
    github = open_github()
    ours = github.on_behalf_of(mission.id)
    ours.as_look().get(R, dict)
    ours.get(R, dict)
    github.get(R, dict)
    ours.graphql("query{viewer}", {}, dict)
    with pytest.raises(Exception, match="has no octo/town/nothing"):
        ours.get(f"{R}/nothing", dict)
    github.on_behalf_of(new_id()).get(R, dict)
    found = QuotaStore(shared).requests(keys, mission.id)
    assert found == Requests(sent=4, free=1, failed=1, by_resource={"core": 3, "graphql": 1}, token=found.token)
    assert len(shared.execute("KEYS", keys("mission", "*", "requests"))) == 1


def test_quota_is_told_without_asking(open_github: Open, peer: Peer, clock: Clock) -> None:
    peer.on("GET", R, with_quota(clock, 4321))
    github = open_github()
    assert github.quota().remaining is None
    github.get(R, dict)
    seen = open_github().quota()
    assert (seen.limit, seen.remaining, seen.blocked_until) == (5000, 4321, None)
    assert seen.reset is not None
    assert (seen.reset - clock()).total_seconds() == pytest.approx(1200, abs=2)
    assert peer.count() == 1
