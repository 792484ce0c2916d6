"""Deliveries of webhooks: who may send them, what they make due, and each of them once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.integration.services.delivering import (
    a_town,
    deliver,
    deliveries,
    head_of,
    pull_item,
    reviewed,
    signals,
    signature,
    signed,
    url_of,
    watched,
)
from tests.integration.store.stores import NOW, Stores, later, make_item

from tinytown.domain.errors import (
    ConfigError,
    InvalidInputError,
    UnauthenticatedError,
    UnsupportedMediaError,
)
from tinytown.domain.mission import MissionState
from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import OutsideDependency
from tinytown.services.deliveries import Deliveries

CALM: dict[str, Any] = {"check_run": {"head_sha": "f" * 40, "pull_requests": [], "check_suite": {"head_branch": None}}}


@pytest.fixture
def mission(town: Stores) -> str:
    """A mission that watches the pull requests 1, 2 and 3."""
    return watched(town, pull_item(1), pull_item(2), pull_item(3, base="tt/1"), base="main")


def test_a_delivery_makes_the_pull_and_its_mission_due_and_wakes_dispatchers(town: Stores, mission: str) -> None:
    assert town.due().missions == ()

    taken = deliver(town, "pull_request_review", **reviewed(2))

    assert (taken.signalled, taken.is_repeated) == (1, False)
    assert list(signals(town, mission)) == [url_of(2)]
    assert town.due().missions == (mission,)
    assert [(e.type, e.text) for e in town.history()][-1] == ("forge.delivered", "GitHub told of pull_request_review")


def test_a_repeated_delivery_does_nothing(town: Stores, mission: str) -> None:
    deliver(town, "pull_request_review", **reviewed(2))
    before = town.dump()

    again = deliver(town, "pull_request_review", **reviewed(2))

    assert (again.signalled, again.is_repeated) == (0, True)
    assert town.dump() == before


def test_deliveries_of_two_hooks_may_have_one_id(town: Stores, mission: str) -> None:
    headers, body = signed("pull_request_review", reviewed(2), hook="1")
    deliveries(town).take(headers, body)

    assert not deliveries(town).take({**headers, "x-github-hook-id": "2"}, body).is_repeated
    del headers["x-github-hook-id"]
    assert not deliveries(town).take(headers, body).is_repeated
    assert deliveries(town).take(headers, body).is_repeated


def test_a_delivery_is_forgotten_after_a_week(town: Stores, mission: str) -> None:
    deliver(town, "pull_request_review", delivery="d-7", **reviewed(2))

    left = town.connection.execute("TTL", town.keys("delivery", "1", "d-7"))
    assert 7 * 24 * 3600 - 60 < left <= 7 * 24 * 3600


def test_the_case_of_the_repository_is_the_forges_own_business(town: Stores, mission: str) -> None:
    home = {"html_url": "https://github.com/octo/TOWN/", "full_name": "octo/TOWN"}

    deliver(town, "pull_request_review", repository=home, **reviewed(2))

    assert list(signals(town, mission)) == [url_of(2)]


@pytest.mark.parametrize("name", ["Octo/Towns", "Octa/Town", "Octo/Tow"])
def test_other_repositories_concern_nobody(town: Stores, mission: str, name: str) -> None:
    home = {"html_url": f"https://github.com/{name}", "full_name": name}

    assert deliver(town, "pull_request_review", repository=home, **reviewed(2)).signalled == 0
    assert signals(town, mission) == {}


def test_a_check_of_a_fork_is_found_by_its_commit(town: Stores, mission: str) -> None:
    check = {"head_sha": head_of(2), "pull_requests": [], "check_suite": {"head_branch": None}}

    deliver(town, "check_run", check_run=check)

    assert list(signals(town, mission)) == [url_of(2)]


def test_a_check_of_a_commit_that_is_not_known_yet_is_found_by_its_branch(town: Stores, mission: str) -> None:
    check = {"head_sha": "f" * 40, "pull_requests": [], "check_suite": {"head_branch": "tt/2"}}

    deliver(town, "check_run", check_run=check)

    assert list(signals(town, mission)) == [url_of(2)]


def test_a_commit_that_nothing_is_known_of_may_be_of_any_watched_pull(town: Stores, mission: str) -> None:
    assert deliver(town, "check_run", **CALM).signalled == 3
    assert set(signals(town, mission)) == {url_of(1), url_of(2), url_of(3)}


def test_a_check_of_the_base_branch_concerns_nobody(town: Stores, mission: str) -> None:
    check = {"head_sha": "f" * 40, "pull_requests": [], "check_suite": {"head_branch": "main"}}

    assert deliver(town, "check_run", check_run=check).signalled == 0


def test_a_check_of_a_pull_that_is_not_watched_concerns_nobody(town: Stores, mission: str) -> None:
    check = {"head_sha": "f" * 40, "pull_requests": [{"number": 9}]}

    assert deliver(town, "check_run", check_run=check).signalled == 0


def test_a_push_to_a_base_concerns_the_pulls_into_it_and_a_push_to_a_head_its_own(town: Stores, mission: str) -> None:
    deliver(town, "push", "d-1", ref="refs/heads/main")
    assert set(signals(town, mission)) == {url_of(1), url_of(2)}

    other = watched(town, pull_item(11), pull_item(12, base="tt/11"))
    deliver(town, "push", "d-2", ref="refs/heads/tt/11")
    assert set(signals(town, other)) == {url_of(11), url_of(12)}


def test_a_watched_pull_that_no_item_has_is_always_meant(town: Stores, mission: str) -> None:
    town.commit(town.read(mission), watched=[url_of(50)])

    deliver(town, "push", ref="refs/heads/elsewhere")

    assert list(signals(town, mission)) == [url_of(50)]


def test_new_rules_concern_every_watched_pull(town: Stores, mission: str) -> None:
    assert deliver(town, "branch_protection_rule", action="edited").signalled == 3


def test_what_is_not_watched_any_more_is_not_signalled(town: Stores, mission: str) -> None:
    town.commit(town.read(mission), unwatched=[url_of(2)])

    assert deliver(town, "pull_request_review", **reviewed(2)).signalled == 0


def test_a_closed_outside_issue_makes_the_missions_due_that_wait_for_it(town: Stores) -> None:
    ref = IssueRef("octo", "town", 5)
    open_, closed = (OutsideDependency(ref=ref, is_open=is_open, checked_at=NOW) for is_open in (True, False))
    waiting = town.mission(make_item("a", waits_for=(open_,)))
    past = town.mission(make_item("b", waits_for=(closed,)))
    over = town.mission(make_item("c", waits_for=(open_,)))
    seen = town.read(over)
    town.commit(seen, mission=msgspec.structs.replace(seen.mission, state=MissionState.COMPLETED))
    for one in (waiting, past):
        town.commit(town.read(one), due=later(60))

    taken = deliver(town, "issues", action="closed", issue={"number": 5})

    assert taken.signalled == 1
    assert list(signals(town, waiting)) == [ref.signal]
    assert town.due().missions == (waiting,)
    assert deliver(town, "issues", "d-2", action="closed", issue={"number": 6}).signalled == 0


@pytest.mark.parametrize("given_signature", ["", "sha256=", "sha1=" + "0" * 40, "sha256=" + "0" * 64, "SHA256=é"])
def test_a_delivery_that_is_not_signed_with_the_secret_is_refused(
    town: Stores, mission: str, given_signature: str
) -> None:
    headers, body = signed("pull_request_review", reviewed(2))

    with pytest.raises(UnauthenticatedError) as caught:
        deliveries(town).take({**headers, "x-hub-signature-256": given_signature}, body)

    assert caught.value.http_status == 401
    assert signals(town, mission) == {}


def test_the_signature_is_over_the_bytes_as_they_came(town: Stores, mission: str) -> None:
    headers, body = signed("pull_request_review", reviewed(2))
    spaced = body + b"\n"

    with pytest.raises(UnauthenticatedError):
        deliveries(town).take(headers, spaced)
    assert deliveries(town).take({**headers, "x-hub-signature-256": signature(spaced)}, spaced).signalled == 1


def test_without_a_secret_nothing_is_taken(town: Stores) -> None:
    with pytest.raises(ConfigError, match="need a secret"):
        Deliveries("", town.keys, lambda: pytest.fail("not asked"), lambda: NOW)


def test_a_form_is_told_to_be_json(town: Stores) -> None:
    headers, body = signed("push", {"ref": "refs/heads/main"})

    with pytest.raises(UnsupportedMediaError, match="choose application/json as the webhook's content type") as caught:
        deliveries(town).take({**headers, "content-type": "application/x-www-form-urlencoded"}, body)

    assert caught.value.http_status == 415


@pytest.mark.parametrize(
    ("name", "value"),
    [("x-github-event", ""), ("x-github-event", "a b"), ("x-github-delivery", ""), ("x-github-delivery", "a:b*")],
)
def test_headers_that_github_does_not_send_are_refused(town: Stores, name: str, value: str) -> None:
    headers, body = signed("push", {"ref": "refs/heads/main"})

    with pytest.raises(InvalidInputError, match=name) as caught:
        deliveries(town).take({**headers, name: value}, body)

    assert caught.value.http_status == 400


def test_a_body_that_is_no_delivery_is_refused_and_may_come_again(town: Stores, mission: str) -> None:
    headers, body = signed("pull_request_review", reviewed(2))

    with pytest.raises(InvalidInputError, match="not the JSON"):
        deliveries(town).take({**headers, "x-hub-signature-256": signature(b"{")}, b"{")
    assert not deliveries(town).take(headers, body).is_repeated


def test_a_ping_is_taken(town: Stores) -> None:
    assert deliver(town, "ping", zen="Design for failure.").signalled == 0


STEPS = st.lists(
    st.tuples(st.sampled_from(["change", "deliver", "repeat", "look"]), st.integers(0, 7)), min_size=1, max_size=40
)
FORMS: tuple[Callable[[int], tuple[str, dict[str, Any]]], ...] = (
    lambda n: ("pull_request_review", reviewed(n)),
    lambda n: ("check_run", {"check_run": {"head_sha": head_of(n), "pull_requests": []}}),
    lambda n: ("push", {"ref": f"refs/heads/tt/{n}"}),
    lambda n: ("status", {"sha": head_of(n), "branches": [{"name": f"tt/{n}"}]}),
    lambda _: ("check_run", CALM),
)


@given(steps=STEPS)
def test_whatever_the_order_each_pull_is_signalled_after_its_last_change_and_repetition_does_nothing(
    redis_url: str, steps: list[tuple[str, int]]
) -> None:
    with a_town(redis_url) as town:
        mission = watched(town, pull_item(1), pull_item(2), pull_item(3))
        waiting: list[str] = []
        taken: list[str] = []
        sent: dict[str, tuple[dict[str, str], bytes]] = {}
        unseen: dict[str, str] = {}  # delivery -> pull whose change only this one tells of

        def take(delivery: str) -> None:
            before = {key: value for key, value in town.dump().items() if b":delivery:" not in key}
            was_taken = delivery in taken
            found = deliveries(town).take(*sent[delivery])
            assert found.is_repeated == was_taken
            if was_taken:
                assert {key: value for key, value in town.dump().items() if b":delivery:" not in key} == before
                return
            taken.append(delivery)
            assert signals(town, mission).keys() >= {unseen.pop(delivery)}

        for what, number in steps:
            if what == "change":
                pull = number % 3 + 1
                delivery = f"d-{len(sent)}"
                event, payload = FORMS[(number + len(sent)) % len(FORMS)](pull)
                sent[delivery] = signed(event, payload, delivery)
                unseen[delivery] = url_of(pull)
                waiting.append(delivery)
            elif what == "deliver" and waiting:
                take(waiting.pop(number % len(waiting)))
            elif what == "repeat" and taken:
                take(taken[number % len(taken)])
            elif what == "look":
                seen = town.read(mission)
                town.commit(seen, answered=dict(list(seen.signals.items())[: number % 4]))
        for delivery in reversed(waiting):
            take(delivery)
        assert unseen == {}
