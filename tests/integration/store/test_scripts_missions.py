from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.integration.store.stores import (
    NOW,
    Stores,
    later,
    make_event,
    make_item,
    make_message,
    make_mission,
    make_spec,
)

from tinytown.domain.agent import AgentState
from tinytown.domain.errors import AlreadyExistsError, ConflictError, LeaseLostError, NotFoundError, StaleError
from tinytown.domain.mission import MissionState
from tinytown.domain.refs import DocRef, IssueRef
from tinytown.domain.task import Report, TaskState
from tinytown.domain.watch import TRIGGERS, Watch, WatchKind, WatchStatus
from tinytown.domain.workitem import Brief, WorkStatus
from tinytown.store.missions import EVENTS_KEPT, Commit, Handed

PULL = "acme/shop/pull/1"


def make_watch(mission_id: str) -> Watch:
    return Watch(
        id="watch-1",
        mission_id=mission_id,
        work_item_id="item-1",
        kind=WatchKind.PR_CHECKS,
        target_ref=PULL,
        interval_secs=180,
        next_due_at=NOW,
        status=WatchStatus.ACTIVE,
        on_trigger=TRIGGERS[WatchKind.PR_CHECKS],
    )


def refused(town: Stores, error: type[Exception], act: Callable[[], object], match: str | None = None) -> None:
    """The act is refused and has written nothing."""
    before = town.dump()
    with pytest.raises(error, match=match):
        act()
    assert town.dump() == before


# Starting


def test_mission_comes_back_as_it_was_stored(town: Stores) -> None:
    mission, brief = make_mission(), Brief(title="t", body="äöü \0 end", labels=("kind:test",))
    item = make_item(mission_id=mission.id)
    town.missions.create(mission, [item], {item.id: brief}, [make_event("started")], NOW)

    stored = town.read(mission.id)

    assert stored.mission == msgspec.structs.replace(mission, version=1)
    assert stored.items == {item.id: item}
    assert town.missions.brief(mission.id, item.id) == brief
    assert [event.text for event in town.missions.events(mission.id)] == ["started"]


def test_mission_is_not_stored_twice(town: Stores) -> None:
    mission = make_mission()
    town.missions.create(mission, (), {}, (), NOW)

    town.missions.create(mission, [make_item()], {}, (), later(5))  # its answer was lost, the call is repeated

    assert (town.missions.ids(), town.missions.items(mission.id, [make_item().id])) == ([mission.id], [])


def test_objective_is_in_one_mission_at_a_time(town: Stores) -> None:
    first = town.mission(objective_refs=(IssueRef("Acme", "Shop", 1), DocRef("docs/a.md")), home=("acme", "shop"))

    for same, shown in ((IssueRef("acme", "shop", 1), "#1"), (DocRef("docs/a.md"), "docs/a.md")):
        again = make_mission(objective_refs=(IssueRef("acme", "shop", 2), same), home=("acme", "shop"))
        told = f"^{shown} is in mission {first[:8]} already; see: tt mission status --run {first[:8]}$"
        refused(town, AlreadyExistsError, lambda again=again: town.missions.create(again, (), {}, (), NOW), told)  # type: ignore[misc]  # a lambda with a default
    town.mission(objective_refs=(IssueRef("other", "shop", 1), IssueRef("acme", "shop", 2)))

    seen = town.read(first)
    town.commit(seen, mission=msgspec.structs.replace(seen.mission, state=MissionState.COMPLETED))

    assert town.mission(objective_refs=(IssueRef("acme", "shop", 1),)) in town.missions.ids(is_active_only=True)


def test_new_mission_is_due_at_once_and_can_be_put_off(town: Stores) -> None:
    mission_id = town.mission()
    assert town.due().missions == (mission_id,)

    town.missions.defer(town.read(mission_id), later(60))

    assert town.due().missions == ()
    assert town.due().next_at == later(60)


def test_missions_are_listed_newest_first_and_found_by_prefix(town: Stores) -> None:
    old = make_mission(id="aaaa0000-0000-4000-8000-000000000000")
    new = make_mission(id="bbbb0000-0000-4000-8000-000000000000", state=MissionState.FAILED)
    town.missions.create(old, (), {}, (), NOW)
    town.missions.create(new, (), {}, (), later(1))
    town.commit(town.read(new.id), mission=new)

    assert town.missions.ids() == [new.id, old.id]
    assert town.missions.ids(is_active_only=True) == [old.id]
    assert town.missions.find("AAAA") == old.id
    assert [record.id for record in town.missions.records([old.id, "gone", new.id])] == [old.id, new.id]


@pytest.mark.parametrize(
    "act",
    [
        lambda town: town.missions.read("gone"),
        lambda town: town.missions.brief("gone", "item"),
        lambda town: town.missions.find("gone"),
    ],
)
def test_unknown_mission_is_told(town: Stores, act: Callable[[Stores], object]) -> None:
    refused(town, NotFoundError, lambda: act(town))


def test_commit_to_a_mission_that_is_gone_is_refused(town: Stores) -> None:
    seen = town.read(town.mission(make_item()))
    town.connection.execute("DEL", town.keys("mission", seen.mission.id))

    refused(town, NotFoundError, lambda: town.commit(seen, items=[make_item(priority=1)]))


# Committing


def test_commit_writes_everything_in_one_step(town: Stores) -> None:
    agent = town.agent("backend")
    mission_id = town.mission(make_item())
    spec = make_spec(mission_id=mission_id, item_id="item-1")
    item, watch = make_item(status=WorkStatus.ASSIGNED, task_id=spec.id), make_watch(mission_id)
    message = make_message("conductor", "stuck", is_urgent=True, mission_id=mission_id)

    version = town.commit(
        town.read(mission_id),
        items=[item],
        watches=[watch],
        given=[Handed(spec=spec, agent_id=agent, load=0)],
        messages=[message],
        events=[make_event("assigned", item_id="item-1", agent_id=agent)],
        watched=[PULL],
    )

    after = town.read(mission_id)
    assert (version, after.mission.version) == (2, 2)
    assert (after.items, after.watches) == ({"item-1": item}, {"watch-1": watch})
    assert after.tasks[spec.id].state is TaskState.ASSIGNED
    assert after.tasks[spec.id].spec == spec
    assert after.agents[agent].open_tasks == 1
    assert [m.task_id for m in town.inbox.waiting(agent)] == [spec.id]
    assert town.inbox.waiting("conductor") == [message]
    assert [event.text for event in town.missions.events(mission_id)] == ["assigned"]


def test_stale_commit_is_refused_and_nothing_of_it_is_written(town: Stores) -> None:
    agent = town.agent("backend")
    mission_id = town.mission(make_item())
    seen = town.read(mission_id)
    town.commit(seen, items=[make_item(priority=1)])

    refused(
        town,
        StaleError,
        lambda: town.commit(
            seen,
            items=[make_item(priority=2)],
            given=[Handed(spec=make_spec(mission_id=mission_id), agent_id=agent, load=0)],
            messages=[make_message("conductor")],
            events=[make_event()],
        ),
        "version 2, planned from 1",
    )
    assert town.read(mission_id).items["item-1"].priority == 1


def test_agent_that_took_other_work_meanwhile_makes_the_whole_commit_fail(town: Stores) -> None:
    agent = town.agent("backend")
    mission_id = town.mission(make_item())
    seen = town.read(mission_id)
    town.tasks.assign(make_spec(), agent, NOW)

    handed = Handed(spec=make_spec(mission_id=mission_id), agent_id=agent, load=0)
    refused(town, ConflictError, lambda: town.commit(seen, items=[make_item(priority=9)], given=[handed]), "free")


@pytest.mark.parametrize("state", [AgentState.STOPPED, AgentState.ERROR])
def test_agent_that_stopped_meanwhile_makes_the_whole_commit_fail(town: Stores, state: AgentState) -> None:
    agent = town.agent("backend")
    mission_id = town.mission(make_item())
    seen = town.read(mission_id)
    town.agents.move(agent, state, NOW)

    handed = [Handed(spec=make_spec(mission_id=mission_id), agent_id=agent, load=0)]
    refused(town, ConflictError, lambda: town.commit(seen, given=handed))


def test_agent_that_does_not_exist_makes_the_whole_commit_fail(town: Stores) -> None:
    seen = town.read(town.mission(make_item()))
    handed = [Handed(spec=make_spec(mission_id=seen.mission.id), agent_id="nobody", load=0)]

    refused(town, ConflictError, lambda: town.commit(seen, given=handed))


def test_task_taken_back_frees_its_agent_for_another_in_the_same_commit(town: Stores) -> None:
    agent = town.agent("backend")
    mission_id = town.mission(make_item())
    old = town.give(mission_id, agent)
    new = make_spec(mission_id=mission_id)

    town.commit(
        town.read(mission_id), cancelled=[(old, "redirected")], given=[Handed(spec=new, agent_id=agent, load=0)]
    )

    assert town.tasks.get(old).state is TaskState.CANCELLED
    assert town.tasks.get(old).reason == "redirected"
    assert [m.task_id for m in town.inbox.waiting(agent)] == [new.id]
    assert list(town.read(mission_id).tasks) == [new.id]


def test_task_that_ended_meanwhile_is_not_taken_back(town: Stores) -> None:
    agent = town.agent("backend")
    mission_id = town.mission(make_item())
    task = town.give(mission_id, agent)
    seen = town.read(mission_id)
    town.tasks.report(task, Report.COMPLETED, NOW, result="made it", run_id=None)

    refused(town, StaleError, lambda: town.commit(seen, cancelled=[(task, "redirected")]), "ended meanwhile")


def test_task_that_the_store_forgot_can_be_taken_back(town: Stores) -> None:
    agent = town.agent("backend")
    mission_id = town.mission(make_item())
    task = town.give(mission_id, agent)
    town.connection.execute("DEL", town.keys("task", task))

    town.commit(town.read(mission_id), cancelled=[(task, "gone")])

    assert town.connection.execute("EXISTS", town.keys("task", task)) == 0
    assert town.read(mission_id).tasks == {}


def test_finished_task_is_shown_until_it_is_settled(town: Stores) -> None:
    agent = town.agent("backend")
    mission_id = town.mission(make_item())
    task = town.give(mission_id, agent)
    town.tasks.report(task, Report.COMPLETED, NOW, result="made it", run_id=None)

    assert town.read(mission_id).tasks[task].result == "made it"
    town.commit(town.read(mission_id), settled=[task])

    assert town.read(mission_id).tasks == {}
    assert town.tasks.get(task).state is TaskState.COMPLETED


def test_mission_that_ended_is_neither_active_nor_due(town: Stores) -> None:
    mission_id = town.mission()
    seen = town.read(mission_id)

    town.commit(seen, mission=msgspec.structs.replace(seen.mission, state=MissionState.COMPLETED))

    assert (town.due().missions, town.due().active, town.due().next_at) == ((), (), None)


def test_mission_that_ended_is_not_woken_any_more(town: Stores) -> None:
    mission_id = town.mission()
    seen = town.read(mission_id)
    town.commit(seen, mission=msgspec.structs.replace(seen.mission, state=MissionState.FAILED))

    town.agent("backend")
    town.missions.defer(seen, NOW)

    assert town.due().missions == ()


# The lease


def test_mission_of_one_dispatcher_is_held_for_others(town: Stores) -> None:
    mission_id = town.mission()
    first = town.read(mission_id, "d1")

    assert town.missions.read(mission_id, dispatcher="d2") == "d1"
    assert town.read(mission_id, "d1").lease == first.lease


def test_mission_can_be_read_without_a_lease_whoever_holds_it(town: Stores) -> None:
    mission_id = town.mission()
    town.read(mission_id, "d1")

    assert town.read(mission_id, None).lease is None


def test_persons_command_needs_no_lease(town: Stores) -> None:
    mission_id = town.mission()
    town.read(mission_id, "d1")

    assert town.commit(town.read(mission_id, None)) == 2


def test_lease_is_taken_over_when_it_is_gone_and_the_late_dispatcher_is_refused(town: Stores) -> None:
    mission_id = town.mission(make_item())
    late = town.read(mission_id, "d1")
    town.connection.execute("DEL", town.keys("mission", mission_id, "lease"))

    refused(town, LeaseLostError, lambda: town.commit(late, items=[make_item(priority=1)]))
    new = town.read(mission_id, "d2")
    refused(town, LeaseLostError, lambda: town.commit(late, items=[make_item(priority=1)]))

    assert late.lease is not None
    assert new.lease is not None
    assert int(new.lease.token) > int(late.lease.token)
    assert town.commit(new) == 2


def test_lease_is_renewed_while_it_is_there_and_never_taken_from_another(town: Stores) -> None:
    mission_id = town.mission()
    seen, lease = town.read(mission_id, "d1"), town.keys("mission", mission_id, "lease")
    town.connection.execute("PEXPIRE", lease, 5000)

    assert town.missions.renew(seen)
    assert town.connection.execute("PTTL", lease) > 25_000

    town.connection.execute("DEL", lease)
    assert not town.missions.renew(seen)
    assert town.connection.execute("EXISTS", lease) == 0
    town.read(mission_id, "d2")
    assert not town.missions.renew(seen)


def test_mission_that_was_read_without_a_lease_has_none_to_renew(town: Stores) -> None:
    assert not town.missions.renew(town.read(town.mission(), None))


def test_dispatcher_that_lost_its_lease_and_took_it_again_has_another_token(town: Stores) -> None:
    mission_id = town.mission()
    late = town.read(mission_id, "d1")
    town.connection.execute("DEL", town.keys("mission", mission_id, "lease"))
    again = town.read(mission_id, "d1")

    refused(town, LeaseLostError, lambda: town.commit(late))
    assert town.commit(again) == 2


def test_lease_runs_out_by_itself(town: Stores) -> None:
    mission_id = town.mission()
    town.read(mission_id, "d1")

    ms = town.connection.execute("PTTL", town.keys("mission", mission_id, "lease"))

    assert 0 < ms <= 30_000


# When it is due


def test_commit_sets_when_the_mission_is_due_again(town: Stores) -> None:
    mission_id = town.mission()

    town.commit(town.read(mission_id), due=later(60))
    assert (town.due(later(59)).missions, town.due().next_at) == ((), later(60))
    assert town.due(later(60)).missions == (mission_id,)

    town.commit(town.read(mission_id), due=None)
    assert (town.due(later(9999)).missions, town.due(later(9999)).next_at) == ((), None)


@pytest.mark.parametrize("due", [None, later(600)])
def test_mission_is_not_put_off_when_a_task_ended_between_reading_and_committing(town: Stores, due: object) -> None:
    agent = town.agent("backend")
    mission_id = town.mission(make_item())
    task = town.give(mission_id, agent)
    seen = town.read(mission_id)
    town.tasks.report(task, Report.COMPLETED, NOW, result="made it", run_id=None)

    town.missions.commit(seen, Commit(mission=seen.mission), NOW, due=None if due is None else later(600))

    assert town.due().missions == (mission_id,)


def test_mission_is_not_deferred_when_something_happened_since_it_was_read(town: Stores) -> None:
    mission_id = town.mission()
    seen = town.read(mission_id)
    town.agent("backend")

    town.missions.defer(seen, later(60))

    assert town.due().missions == (mission_id,)


def test_mission_that_was_put_off_is_due_when_something_happens(town: Stores) -> None:
    mission_id = town.mission()
    town.commit(town.read(mission_id), due=None)

    town.agent("backend")

    assert town.due().missions == (mission_id,)


def test_own_cancellations_of_a_commit_do_not_make_it_due(town: Stores) -> None:
    agent = town.agent("backend")
    mission_id = town.mission(make_item())
    task = town.give(mission_id, agent)

    town.commit(town.read(mission_id), cancelled=[(task, "no")], due=later(60))

    assert town.due().missions == ()


def test_mission_due_earlier_is_not_put_off_by_a_later_wake(town: Stores) -> None:
    mission_id = town.mission()
    town.commit(town.read(mission_id), due=later(-60))

    town.agent("backend")

    assert town.due(later(-60)).missions == (mission_id,)


# Signals


def test_signal_is_shown_until_its_own_token_is_answered(town: Stores) -> None:
    mission_id = town.mission()
    name = town.keys("mission", mission_id, "signals")
    town.connection.execute("HSET", name, PULL, "7")
    seen = town.read(mission_id)
    town.connection.execute("HSET", name, PULL, "8")

    assert seen.signals == {PULL: "7"}
    town.commit(seen, answered={PULL: "7"})
    assert town.read(mission_id).signals == {PULL: "8"}
    town.commit(town.read(mission_id), answered={PULL: "8"})
    assert town.read(mission_id).signals == {}


def test_pull_request_belongs_to_the_mission_that_watches_it_while_it_does(town: Stores) -> None:
    mission_id = town.mission()
    name = town.keys("mission", "targets")

    town.commit(town.read(mission_id), watched=[PULL])
    assert town.connection.execute("HGET", name, PULL) == mission_id.encode()
    town.commit(town.read(mission_id), unwatched=[PULL])
    assert town.connection.execute("HGET", name, PULL) is None


# Events


def test_last_hundred_events_of_a_mission_are_kept(town: Stores) -> None:
    mission_id = town.mission()
    for start in (0, 60):
        town.commit(town.read(mission_id), events=[make_event(str(n)) for n in range(start, start + 60)])

    kept = town.missions.events(mission_id)

    assert len(kept) == EVENTS_KEPT
    assert (kept[0].text, kept[-1].text) == ("20", "119")
    assert [event.text for event in town.missions.events(mission_id, 2)] == ["118", "119"]


def test_new_mission_keeps_its_last_hundred_events(town: Stores) -> None:
    mission = make_mission()
    town.missions.create(mission, (), {}, [make_event(str(n)) for n in range(130)], NOW)

    assert [event.text for event in town.missions.events(mission.id)] == [str(n) for n in range(30, 130)]


def test_events_of_a_mission_are_events_of_the_town_as_well(town: Stores) -> None:
    mission_id = town.mission()

    town.commit(
        town.read(mission_id), events=[make_event("assigned", type="item.assigned", item_id="item-1", agent_id="a")]
    )

    (event,) = [event for event in town.history() if event.type == "item.assigned"]
    assert (event.mission_id, event.item_id, event.agent_id, event.text, event.at) == (
        mission_id,
        "item-1",
        "a",
        "assigned",
        NOW,
    )


def test_some_items_are_read_without_those_that_do_not_exist(town: Stores) -> None:
    mission_id = town.mission(make_item("a"), make_item("b"))

    assert [item.id for item in town.missions.items(mission_id, ["b", "gone", "a"])] == ["b", "a"]
    assert town.missions.items(mission_id, []) == []
