"""An outcome that does not belong to its want changes nothing: it must not be taken for success."""

from __future__ import annotations

import pytest
from tests.unit.planner.world import HEAD, NOW, handed_in, make_agent, make_item, make_mission, make_pull, make_snapshot

from tinytown.domain.forge import ForgeTraits
from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import WorkItem, WorkStatus
from tinytown.planner.draft import Draft
from tinytown.planner.tick import take_in
from tinytown.planner.wants import AskReview, Close, Hear, LookedUp, Outcome, Want

REF = IssueRef("acme", "shop", 1)
STRANGE = LookedUp(is_open=False)


def drafted(item: WorkItem) -> Draft:
    traits = ForgeTraits(closes=True, hears=True)
    return Draft(make_snapshot(item, make_agent("backend"), mission=make_mission(traits=traits)), NOW)


def asked_for(item: WorkItem) -> AskReview:
    return AskReview(item_id=item.id, url="acme/shop/pull/1", head=HEAD, logins=("rev",))


PARENT = make_item(1, status=WorkStatus.DONE, is_parent=True, tasks_given=1, work_task_id="t1")
REVIEWED = handed_in(1, pull=make_pull(ask_again=("rev",)))


@pytest.mark.parametrize(
    ("item", "want"),
    [
        (REVIEWED, asked_for(REVIEWED)),
        (PARENT, Close(item_id=PARENT.id, ref=REF)),
        (PARENT, Hear(item_id=PARENT.id, ref=REF)),
    ],
)
def test_it_is_passed_over(item: WorkItem, want: Want) -> None:
    draft = drafted(item)

    take_in(draft, Outcome(want=want, found=STRANGE))

    assert draft.changes().is_empty


def test_what_was_heard_for_an_item_that_is_gone_is_dropped() -> None:
    draft = drafted(PARENT)

    take_in(draft, Outcome(want=Hear(item_id="gone", ref=REF), found=STRANGE))

    assert draft.changes().is_empty
