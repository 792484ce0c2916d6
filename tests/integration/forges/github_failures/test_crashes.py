"""Whatever changes something at GitHub has one effect, though its answer is lost or its dispatcher killed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from tests.integration.forges.github_failures.hub import Hub
from tests.integration.forges.github_failures.outcomes import R
from tests.peers.exchange import CUT, Answer, Request, refused
from tests.peers.samples import Sample

from tinytown.repository.git import Git


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a mission changes at GitHub."""

    begins: Callable[[Hub], None]
    method: str
    path: str
    """How it is asked for."""
    call: str
    """Of the forge."""
    effects: Callable[[Hub], object]
    """What there is to be seen of it at the end."""
    expected: object
    on_the_way: Callable[[Hub], None] = lambda _hub: None
    """What somebody else has to do before the mission goes on."""
    is_told: Callable[[Request], bool] = lambda _request: True
    """Which of the requests to that path."""


def asked(method: str, path: str) -> Callable[[Hub], int]:
    """How often that was asked for."""

    def count(hub: Hub) -> int:
        return sum(
            one.request.method == method and re.fullmatch(path, one.request.path) is not None for one in hub.github.seen
        )

    return count


def is_mutation(request: Request) -> bool:
    return str(request.json()["query"]).lstrip().startswith("mutation")


def mutations(hub: Hub) -> int:
    return sum(one.request.path == "/graphql" and is_mutation(one.request) for one in hub.github.seen)


def one_item(hub: Hub) -> None:
    hub.start(hub.ready(1))


def to_be_closed_by_us(hub: Hub) -> None:
    hub.github.merging.closes_issues = False
    hub.start(hub.ready(1))


def stacked(hub: Hub) -> None:
    """The second one's pull request goes into the first one's branch."""
    first = hub.hand_in(1)
    hub.push(first)
    second = hub.changed(hub.ready(2, first), retry_at=hub.now + timedelta(seconds=5))
    hub.start(first, second)
    hub.step()
    hub.pass_time(5)
    hub.step()
    assert [pull["base"]["ref"] for pull in hub.pulls()] == ["main", "tt/1"]
    hub.octo.check(first.submitted or "", "success")
    hub.pass_time(180)


def behind(hub: Hub) -> None:
    """Main has gone on, and GitHub wants the branch up to date."""
    hub.github.rules.require("main", "ci", is_strict=True)
    item = hub.ready(1)
    tree = hub.github.bare.text("rev-parse", "main^{tree}")
    main = hub.github.bare.commit_of("main") or ""
    hub.github.bare.set("main", hub.github.bare.commit(tree, (main,), "Go on"))
    hub.start(item)


def queued(hub: Hub) -> None:
    hub.github.rules.queue("main")
    hub.start(hub.ready(1))


def lost_runner(hub: Hub) -> None:
    item = hub.hand_in(1)
    hub.octo.check(hub.push(item), "cancelled")
    hub.start(item)


def merge_what_is_queued(hub: Hub) -> None:
    assert hub.item().pull is not None
    assert hub.github.graphql.queue == [2], "it is in the queue once"
    hub.github.merge_queued()


def check_the_update(hub: Hub) -> None:
    hub.octo.check(hub.item().submitted or "", "success")


def check_the_second(hub: Hub) -> None:
    """It has the new base in it, and is checked for that."""
    hub.octo.check(hub.item("#2").submitted or "", "success")


def end_the_rerun(hub: Hub) -> None:
    head = hub.item().submitted or ""
    runs = hub.octo.call("GET", f"commits/{head}/check-runs")["check_runs"]
    assert [run["status"] for run in runs].count("queued") == 1
    for run in runs:
        if run["status"] == "queued":
            hub.octo.end_check(run["id"], "success")


def updates(hub: Hub) -> int:
    """Merges of main in the branches."""
    told = Git(hub.github.bare.folder).items("log", "-z", "--merges", "--format=%s", "--branches=tt/*")
    return sum(subject.startswith("Merge branch 'main' into tt/") for subject in told)


def reruns(hub: Hub) -> tuple[int, int]:
    """What GitHub was asked for, and what the mission counts."""
    pull = hub.item().pull
    assert pull is not None
    return len(hub.github.jobs.reruns), pull.reruns


CHANGES = {
    "opening a pull request": Change(
        begins=one_item,
        method="POST",
        path=f"{R}/pulls",
        call="open_pull",
        effects=asked("POST", f"{R}/pulls"),
        expected=1,
    ),
    "having it go into another branch": Change(
        begins=stacked,
        method="PATCH",
        path=f"{R}/pulls/4",
        call="retarget",
        on_the_way=check_the_second,
        effects=asked("PATCH", f"{R}/pulls/4"),
        expected=1,
    ),
    "merging": Change(
        begins=one_item,
        method="PUT",
        path=f"{R}/pulls/2/merge",
        call="merge",
        effects=asked("PUT", f"{R}/pulls/2/merge"),
        expected=1,
    ),
    "putting it into the merge queue": Change(
        begins=queued,
        method="POST",
        path="/graphql",
        is_told=is_mutation,
        call="merge",
        on_the_way=merge_what_is_queued,
        effects=mutations,
        expected=1,
    ),
    "closing an issue": Change(
        begins=to_be_closed_by_us,
        method="PATCH",
        path=f"{R}/issues/1",
        call="merge",
        effects=asked("PATCH", f"{R}/issues/1"),
        expected=1,
    ),
    "writing the status comment": Change(
        begins=one_item,
        method="POST",
        path=f"{R}/issues/1/comments",
        call="tell",
        effects=lambda hub: (len(hub.comments()), hub.comments()[0].startswith("**Merged**")),
        expected=(1, True),
    ),
    "changing the status comment": Change(
        begins=one_item,
        method="PATCH",
        path=rf"{R}/issues/comments/\d+",
        call="tell",
        effects=lambda hub: (len(hub.comments()), hub.comments()[0].startswith("**Merged**")),
        expected=(1, True),
    ),
    "running checks again": Change(
        begins=lost_runner,
        method="POST",
        path=rf"{R}/actions/runs/\d+/rerun-failed-jobs",
        call="recheck",
        on_the_way=end_the_rerun,
        effects=reruns,
        expected=(1, 1),
    ),
    "bringing a branch up to date": Change(
        begins=behind,
        method="",
        path="",
        call="update_branch",
        on_the_way=check_the_update,
        effects=updates,
        expected=1,
    ),
    "pushing a branch": Change(
        begins=lambda hub: hub.start(hub.hand_in(1)),
        method="",
        path="",
        call="open_pull",
        on_the_way=check_the_update,
        effects=asked("POST", f"{R}/pulls"),
        expected=1,
    ),
}
EVERY = [pytest.param(change, id=name) for name, change in CHANGES.items()]


def lose(hub: Hub, change: Change, answer: Answer) -> Sample | None:
    """It is carried out, but who asked for it does not hear so."""
    if not change.path:
        _cut_pushes_off(hub)
        return None
    lost = Sample(
        change.method,
        change.path,
        lambda request: answer if change.is_told(request) else None,
        times=1,
        takes_effect=True,
        is_described=False,
    )
    hub.github.samples.append(lost)
    return lost


def _cut_pushes_off(hub: Hub) -> None:
    """The next push moves the branch; then the other side is gone before it says so."""
    hook = hub.github.bare.folder / "hooks" / "reference-transaction"
    hook.write_text('#!/bin/sh\nif [ "$1" = committed ]; then rm -- "$0"; kill -9 "$PPID"; fi\n')
    hook.chmod(0o755)


def check_end(hub: Hub, change: Change) -> None:
    """The mission ends, with one effect and one of everything else."""
    hub.live(lambda: hub.is_completed() or not hub.why()[0].startswith(("handed in", "PR #2 is about")))
    hub.settle(60)
    if not hub.is_completed():
        change.on_the_way(hub)
    hub.live(hub.is_completed)
    hub.settle(600)
    assert change.effects(hub) == change.expected
    pulls = hub.pulls()
    assert [pull["merged_at"] is not None for pull in pulls] == [True] * len(pulls)
    assert len(pulls) == len(hub.read().items)
    assert len(hub.merges()) == len(pulls) + updates(hub)
    for number in range(1, len(pulls) + 1):
        assert hub.octo.call("GET", f"issues/{number}")["state"] == "closed"
        assert len(hub.comments(number)) == 1
    assert hub.log("item.held") == []


@pytest.mark.parametrize("change", EVERY)
def test_lost_answer_is_found_out(change: Change, hub: Hub) -> None:
    change.begins(hub)
    lost = lose(hub, change, CUT)
    hub.step()
    check_end(hub, change)
    assert lost is None or lost.used == 1


@pytest.mark.parametrize("change", EVERY)
def test_change_that_was_made_behind_a_server_error_is_found_by_the_next_dispatcher(change: Change, hub: Hub) -> None:
    change.begins(hub)
    lost = lose(hub, change, refused(502, "Bad Gateway"))
    hub.step()
    hub.restart()
    check_end(hub, change)
    assert lost is None or lost.used == 1


@pytest.mark.parametrize("change", EVERY)
def test_dispatcher_that_is_killed_before_it_writes_down_what_it_did_leaves_it_done_once(
    change: Change, hub: Hub
) -> None:
    change.begins(hub)
    hub.dies_after.append(change.call)
    hub.step()
    check_end(hub, change)
    assert hub.deaths == 1
