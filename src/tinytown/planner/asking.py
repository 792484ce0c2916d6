"""Asking people to look again at a pull request that changed since they objected, or whose approval a push dismissed."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tinytown.domain.workitem import PullState, WorkItem
from tinytown.planner.draft import Draft
from tinytown.planner.stage import Stage, stage_of
from tinytown.planner.wants import Asked, AskReview, Outcome, Refused

AGAIN = timedelta(minutes=5)
"""When it is tried again after a refusal."""
_PEOPLES_TURN = frozenset({Stage.REVIEW, Stage.PEOPLE, Stage.MERGEABLE})
"""The checks have passed: nobody is asked to read what will be mended anyhow."""


def ask_reviews(draft: Draft) -> None:
    """Want each of them asked, once for each head."""
    for item in draft.unfinished():
        pull = item.pull
        if pull is None or not (logins := _unasked(pull)):
            continue
        if stage_of(item, draft.mission.policy) not in _PEOPLES_TURN:
            continue
        if pull.ask_at is not None and pull.ask_at > draft.now:
            draft.wake(pull.ask_at)
            continue
        draft.want(AskReview(item_id=item.id, url=pull.url, head=pull.head, logins=logins))


def asked(draft: Draft, outcome: Outcome, want: AskReview) -> None:
    """Take in whether they were asked."""
    item = draft.items.get(want.item_id)
    if item is None or item.pull is None or item.pull.head != want.head:
        return
    who, what = " and ".join(want.logins), f"PR #{item.pull.number} ({item.key}) again"
    match outcome.found:
        case Asked():
            _remember(draft, item, item.pull, want)
            draft.say(
                "review.asked",
                f"{who} {'is' if len(want.logins) == 1 else 'are'} asked to look at {what}",
                item=item.id,
            )
        case Refused(is_temporary=True, not_before=at):
            draft.put(item.id, pull=msgspec.structs.replace(item.pull, ask_at=at or draft.now + AGAIN))
        case Refused(reason=reason):
            _remember(draft, item, item.pull, want)
            draft.say("review.not_asked", f"{who} cannot be asked to look at {what}: {reason}", item=item.id)
        case _:
            pass


def _unasked(pull: PullState) -> tuple[str, ...]:
    return tuple(login for login in pull.ask_again if login not in pull.asked)


def _remember(draft: Draft, item: WorkItem, pull: PullState, want: AskReview) -> None:
    names = tuple(dict.fromkeys((*pull.asked, *want.logins)))
    draft.put(item.id, pull=msgspec.structs.replace(pull, asked=names, ask_at=None))
