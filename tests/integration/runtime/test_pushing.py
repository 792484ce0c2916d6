"""A host of a town whose work is merged on GitHub; its origin is a bare repository."""

from __future__ import annotations

import msgspec
from tests.integration.repository.remotes import pushed_by_another, with_origin
from tests.integration.runtime.hosted_town import HostedTown
from tests.integration.store.stores import make_item, make_mission
from tests.waiting import wait_until

from tinytown.domain.task import TaskState
from tinytown.domain.workitem import Brief
from tinytown.repository.git import Git

ON_GITHUB = '[forge]\nkind = "github"\nrepository = "octo/town"\ndefault_branch = "main"\n'


def given(hosted: HostedTown) -> tuple[Git, str]:
    """(origin, the task of an item's work): a person has merged something there meanwhile."""
    hosted.set_up(ON_GITHUB)
    bare = with_origin(Git(hosted.town.root))
    mission = make_mission()
    item = msgspec.structs.replace(make_item(), mission_id=mission.id)
    hosted.town.mission_store.create(mission, [item], {item.id: Brief(title="Do it", body="")}, (), hosted.town.clock())
    agent = hosted.spawn("backend")
    return bare, hosted.assign(agent, mission_id=mission.id, item_id=item.id, branch=item.branch, base="main")


def test_what_an_agent_committed_is_on_the_remote_after_its_run(hosted: HostedTown) -> None:
    bare, task = given(hosted)
    merged = pushed_by_another(bare, "main", {"merged.txt": "x"})

    hosted.start()

    wait_until(lambda: not hosted.task(task).is_open, "the task has ended")
    done = hosted.task(task)
    assert (done.state, bare.find_branch("tt/1-thing")) == (TaskState.COMPLETED, done.head)
    assert bare.rev_parse("tt/1-thing^") == merged


def test_a_push_that_fails_is_told_in_events_and_log_and_fails_nothing(hosted: HostedTown) -> None:
    bare, task = given(hosted)
    hook = bare.folder / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)

    hosted.start()

    wait_until(lambda: hosted.task(task).state is TaskState.COMPLETED, "the task is done all the same")
    (event,) = [one for one in hosted.town.insights.town(with_events=True).events if one.type == "push.failed"]
    assert event.task_id == task
    assert event.text.startswith("pushing tt/1-thing to origin failed, its rules or hooks do not take it")
    assert f"tinytown: {event.text}" in (hosted.town.agent_logs / "backend.log").read_text().splitlines()
    assert bare.branches() == ("main",)
