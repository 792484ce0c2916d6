"""Items that a person gives to another agent."""

from __future__ import annotations

import pytest
from tests.unit.planner.world import (
    AGENTS,
    HEAD,
    agent_id,
    draft_of,
    fix_request,
    handed_in,
    in_work,
    item_id,
    make_agent,
    make_draft,
    make_item,
    make_snapshot,
    make_task,
    one,
    ready,
    reported,
    said,
    step,
)

from tinytown.domain.agent import AgentState
from tinytown.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
)
from tinytown.domain.workitem import WorkStatus
from tinytown.planner import directives


@pytest.mark.parametrize(
    "text", ["redirect #1 to frontend", f"redirect {item_id(1)[:8]} to Frontend.", "redirect 1 TO frontend"]
)
def test_redirected_item_goes_to_the_agent_named(text: str) -> None:
    item = in_work(1)
    task = make_task(item)
    draft = draft_of(item, task, ready(2))

    assert directives.note(draft, text) == "#1 goes to frontend"

    assert [one.task_id for one in draft.changes().cancelled] == [task.id]
    assert (one(draft).status, one(draft).pinned_to, one(draft).task_id) == (
        WorkStatus.READY,
        agent_id("frontend"),
        None,
    )
    assert "item.redirected" in said(draft.changes())


def test_reason_of_a_redirection_is_handed_to_the_new_agent() -> None:
    draft = draft_of(ready(1))

    directives.note(draft, "redirect #1 to frontend it knows the parser")

    assert one(draft).notes == ("it knows the parser",)


def test_held_item_is_lifted_by_a_redirection() -> None:
    draft = draft_of(make_item(1, status=WorkStatus.BLOCKED, hold="failed 3 times", failed_attempts=3))

    directives.note(draft, "redirect to frontend")

    assert (one(draft).status, one(draft).hold, one(draft).failed_attempts) == (WorkStatus.READY, None, 0)


def test_mending_goes_to_the_agent_it_is_redirected_to() -> None:
    item = handed_in(1, fixes=(fix_request("checks"),))
    draft = draft_of(item)
    directives.note(draft, "redirect #1 to frontend")

    _, decision = step(make_snapshot(one(draft), *AGENTS))

    assert [given.agent_id for given in decision.changes.given] == [agent_id("frontend")]


def test_without_an_item_the_only_held_one_is_meant_else_the_only_one_under_way() -> None:
    held = draft_of(ready(1), make_item(2, status=WorkStatus.BLOCKED, hold="stuck"), make_item(3))
    under_way = draft_of(ready(1), make_item(2), make_item(3, status=WorkStatus.DONE))

    assert directives.note(held, "redirect to backend") == "#2 goes to backend"
    assert directives.note(under_way, "redirect to backend") == "#1 goes to backend"


def test_redirection_that_could_mean_several_items_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"say which item to redirect \(#1, #2\)"):
        directives.note(draft_of(ready(1), ready(2)), "redirect to backend")


@pytest.mark.parametrize("text", ["redirect", "redirect #1", "redirect #1 to", "redirect #1 backend", "redirect to"])
def test_redirection_without_item_or_agent_says_how_to_write_it(text: str) -> None:
    with pytest.raises(InvalidInputError, match="write: redirect ITEM to AGENT"):
        directives.note(draft_of(ready(1)), text)


def test_redirection_to_an_unknown_agent_names_those_there_are() -> None:
    with pytest.raises(NotFoundError, match="no agent 'nobody'; there are: backend, frontend, reviewer"):
        directives.note(draft_of(ready(1)), "redirect #1 to nobody")
    with pytest.raises(NotFoundError, match="there are: none"):
        directives.note(make_draft(ready(1)), "redirect #1 to nobody")


def test_redirection_to_an_agent_that_takes_nothing_is_refused() -> None:
    draft = make_draft(ready(1), make_agent("backend", state=AgentState.STOPPED))

    with pytest.raises(ConflictError, match="backend is stopped"):
        directives.note(draft, "redirect #1 to backend")


def test_item_that_is_done_cannot_be_redirected() -> None:
    with pytest.raises(ConflictError, match="#1 is done already"):
        directives.note(draft_of(make_item(1, status=WorkStatus.DONE)), "redirect #1 to backend")


def test_result_that_came_before_the_redirection_still_counts() -> None:
    item = in_work(1)
    draft = draft_of(item, reported(make_task(item), head=HEAD))

    directives.note(draft, "redirect #1 to frontend")

    assert draft.changes().cancelled == ()
    assert one(draft).task_id == item.task_id
