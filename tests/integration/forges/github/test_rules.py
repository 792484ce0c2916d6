"""Asking what a base branch requires."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from tests.integration.forges.github.conftest import Clock, Peer
from tests.integration.forges.github.looking import TOWN, R, asked, assert_described, quiet
from tests.peers.exchange import Answer, refused, said

from tinytown.domain.errors import ForgeUnavailableError
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.rules import BaseRules, Rules
from tinytown.forges.github.verdicts import Required

STRICT = "/branches/main/protection/required_status_checks"
PROTECTED = {
    "name": "main",
    "protected": True,
    "protection": {"required_status_checks": {"enforcement_level": "everyone", "contexts": ["lint"], "checks": []}},
}


@pytest.fixture(autouse=True)
def _quiet(peer: Peer) -> Iterator[None]:
    quiet(peer)
    yield
    assert_described(peer)


@pytest.fixture
def rules(github: GitHub, clock: Clock) -> Rules:
    return Rules(github, TOWN, clock)


def test_rules_are_kept_for_ten_minutes(rules: Rules, peer: Peer, clock: Clock) -> None:
    assert rules.of("main") == BaseRules(is_strict=False)
    once = peer.count()
    clock.advance(minutes=9)
    rules.of("main")
    assert peer.count() == once
    clock.advance(minutes=1)
    rules.of("main")
    assert peer.count() == 2 * once


def test_forgotten_rules_are_asked_for_anew(rules: Rules, peer: Peer) -> None:
    rules.of("main")
    rules.forget("main")
    peer.asked.clear()
    rules.of("main")
    assert asked(peer) == ["/rules/branches/main", "", "/branches/main"]


def test_many_who_want_rules_at_once_ask_for_them_once(rules: Rules, peer: Peer) -> None:
    peer.on("GET", f"{R}/rules/branches/main", msgspec.structs.replace(said([]), wait_secs=0.2))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(rules.of, ["main"] * 8))
    assert found == [BaseRules(is_strict=False)] * 8
    assert asked(peer) == ["/rules/branches/main", "", "/branches/main"]


def test_rules_that_could_not_be_read_are_asked_for_anew_by_who_comes_later(rules: Rules, peer: Peer) -> None:
    peer.on("GET", f"{R}/rules/branches/main", *[refused(502, "bad")] * 3, said([]))
    with pytest.raises(ForgeUnavailableError):
        rules.of("main")
    assert rules.of("main") == BaseRules(is_strict=False)


def test_branch_with_a_slash_is_one_part_of_the_path(rules: Rules, peer: Peer) -> None:
    rules.of("release/1.0")
    assert "/rules/branches/release%2F1.0" in asked(peer)


def test_classic_protection_is_read_in_full_where_the_token_may(rules: Rules, peer: Peer) -> None:
    peer.on("GET", f"{R}/branches/main", said(PROTECTED))
    long = {"strict": True, "contexts": ["lint", "test"], "checks": [{"context": "lint", "app_id": None}]}
    peer.on("GET", f"{R}{STRICT}", said(long))
    found = rules.of("main")
    assert (found.required, found.is_strict) == ((Required("lint"),), True)


@pytest.mark.parametrize(
    "answer", [refused(403, "Resource not accessible by integration"), refused(404, "Branch not protected")]
)
def test_short_form_of_classic_protection_is_enough(rules: Rules, peer: Peer, answer: Answer) -> None:
    peer.on("GET", f"{R}/branches/main", said(PROTECTED))
    peer.on("GET", f"{R}{STRICT}", answer)
    found = rules.of("main")
    assert (found.required, found.is_strict) == ((Required("lint"),), None)


def test_server_without_rulesets_asks_nothing(rules: Rules, peer: Peer) -> None:
    peer.on("GET", f"{R}/rules/branches/main", refused(404, "Not Found"))
    assert rules.of("main").required == ()


def test_outage_is_not_taken_for_no_rules(rules: Rules, peer: Peer) -> None:
    peer.on("GET", f"{R}/rules/branches/main", refused(502, "bad"))
    with pytest.raises(ForgeUnavailableError):
        rules.of("main")
