"""Looking at whether a pull request merges: what is asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.integration.forges.github.conftest import Clock, Peer
from tests.integration.forges.github.looking import HEAD, TOWN, R, asked, assert_described, pull, quiet
from tests.peers.exchange import said

from tinytown.domain.errors import ForgeUnavailableError
from tinytown.domain.workitem import Verdict
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.mergeability import Mergeability
from tinytown.forges.github.rules import Rules


@pytest.fixture(autouse=True)
def _quiet(peer: Peer) -> Iterator[None]:
    quiet(peer)
    yield
    assert_described(peer)


@pytest.fixture
def looking(github: GitHub, clock: Clock) -> Mergeability:
    return Mergeability(github, TOWN, rules=Rules(github, TOWN, clock))


def test_clean_pull_request_merges_and_a_quiet_one_costs_one_request(looking: Mergeability, peer: Peer) -> None:
    seen = looking.look(7)
    assert (seen.head, seen.verdict) == (HEAD, Verdict.PASSED)
    peer.asked.clear()
    looking.look(7)
    assert asked(peer) == ["/pulls/7"]


def test_mergeability_that_is_not_worked_out_yet_is_asked_for_again(looking: Mergeability, peer: Peer) -> None:
    peer.on("GET", f"{R}/pulls/7", pull(mergeable=None, mergeable_state="unknown"), pull())
    assert [looking.look(7).verdict for _ in range(2)] == [Verdict.UNKNOWN, Verdict.PASSED]


def test_merged_and_closed_ones_ask_for_no_rules(looking: Mergeability, peer: Peer) -> None:
    peer.on("GET", f"{R}/pulls/7", pull(state="closed", merged=True), pull(state="closed"))
    assert [looking.look(7).is_open for _ in range(2)] == [True, False]
    assert asked(peer) == ["/pulls/7"] * 2


def test_queue_is_asked_where_the_base_has_one(looking: Mergeability, peer: Peer) -> None:
    peer.on("GET", f"{R}/rules/branches/main", said([{"type": "merge_queue", "parameters": {"merge_method": "MERGE"}}]))
    peer.on("GET", f"{R}/pulls/7", pull(mergeable_state="blocked"))
    peer.on(
        "POST",
        "/graphql",
        said({"data": {"repository": {"pullRequest": {"isInMergeQueue": True, "reviewDecision": None}}}}),
        said({"data": {"repository": {"pullRequest": {"isInMergeQueue": False, "reviewDecision": "APPROVED"}}}}),
    )
    first, second = looking.look(7), looking.look(7)
    assert (first.verdict, first.is_queued) == (Verdict.PENDING, True)
    assert (second.verdict, second.is_queued) == (Verdict.PASSED, False)


def test_queue_that_does_not_find_it_is_asked_again_later(looking: Mergeability, peer: Peer) -> None:
    peer.on("GET", f"{R}/rules/branches/main", said([{"type": "merge_queue"}]))
    peer.on("POST", "/graphql", said({"data": {"repository": {"pullRequest": None}}}))
    with pytest.raises(ForgeUnavailableError, match="tried again"):
        looking.look(7)
