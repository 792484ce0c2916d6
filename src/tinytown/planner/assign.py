"""Giving out work: fixes first, then reviews, then ready items, within the mission's limit."""

from __future__ import annotations

from tinytown.domain.agent import Agent
from tinytown.domain.task import TaskKind, TaskSpec
from tinytown.domain.workitem import BUSY, WorkItem, WorkStatus
from tinytown.planner import fixes, hearing
from tinytown.planner.draft import Draft, Wish
from tinytown.planner.fit import mender_for, reviewer_for, wish_of, worker_for
from tinytown.planner.graph import weight_behind
from tinytown.planner.heads import base_of
from tinytown.planner.holds import hold, is_backing_off
from tinytown.planner.settle import take_back
from tinytown.planner.stage import Stage, stage_of


def assign(draft: Draft) -> None:
    """Give out as much as the policy and the agents allow."""
    by_stage = _by_stage(draft)
    for item in by_stage.get(Stage.REVIEW, []):
        _give_review(draft, item)
    room = draft.mission.policy.max_parallel_items - sum(i.status in BUSY for i in draft.items.values())
    for item in by_stage.get(Stage.FIX, []):
        if fixes.awaits_review(draft, item):
            continue  # one round of mending for both
        if fixes.is_exhausted(draft, item):
            causes = ", ".join(fix.cause for fix in item.fixes)
            hold(draft, item, f"not mended after {item.fix_rounds} rounds ({causes})")
        elif room > 0:
            room -= _give_fix(draft, item)
    ready = by_stage.get(Stage.AGENT, [])
    if room > 0 and ready:
        _give_ready(draft, in_order(draft, ready), room)


def _give_ready(draft: Draft, items: list[WorkItem], room: int) -> None:
    """Give out at most `room` items. While they are given out no agent becomes free: a wish in vain stays so."""
    in_vain: set[Wish] = set()
    for item in items:
        if room <= 0:
            return
        if is_backing_off(draft, item) or wish_of(item) in in_vain:
            continue
        agent = worker_for(draft, item)
        if agent is None:
            in_vain.add(wish_of(item))
            continue
        if hearing.must_hear(draft, item):
            continue
        _give(draft, item, agent, TaskKind.WORK, title=item.title)
        room -= 1


def in_order(draft: Draft, items: list[WorkItem]) -> list[WorkItem]:
    """By priority, then by how much waits behind (longest chain), then by age."""
    waiting = {i.id: tuple(d for d in i.depends_on if not draft.items[d].is_done) for i in draft.unfinished()}
    behind = weight_behind(waiting)
    return sorted(items, key=lambda i: (-i.priority, -behind[i.id], i.created_at, _age(i)))


def _age(item: WorkItem) -> tuple[int, str]:
    """Issues made at once are as old as their numbers say."""
    number = item.key.rpartition("#")[2]
    return (int(number) if number.isdecimal() else 0), item.key


def _by_stage(draft: Draft) -> dict[Stage, list[WorkItem]]:
    found: dict[Stage, list[WorkItem]] = {}
    for item in draft.unfinished():
        found.setdefault(stage_of(item, draft.mission.policy), []).append(item)
    return found


def _give_fix(draft: Draft, item: WorkItem) -> bool:
    if is_backing_off(draft, item):
        return False
    agent = mender_for(draft, item)
    if agent is None or hearing.must_hear(draft, item):
        return False
    review = draft.tasks.get(item.review_task_id or "")
    if review is not None:
        take_back(draft, review, f"{item.key} is mended first")
    item = draft.put(item.id, fix_rounds=item.fix_rounds + 1, pull=fixes.with_told(item))
    causes = tuple(fix.cause for fix in item.fixes)
    _give(
        draft,
        item,
        agent,
        TaskKind.FIX,
        title=f"Mend {item.key}: {', '.join(causes)}",
        instructions="\n\n".join(fix.text for fix in item.fixes),
        causes=causes,
    )
    return True


def _give_review(draft: Draft, item: WorkItem) -> None:
    if item.review_task_id is not None or item.pull is None or is_backing_off(draft, item):
        return
    agent = reviewer_for(draft, item)
    if agent is None:
        return
    given = item.tasks_given + 1
    spec = TaskSpec(
        id=draft.next_id("task", item.id, given),
        kind=TaskKind.REVIEW,
        title=f"Review {item.key}: {item.title}",
        created_at=draft.now,
        mission_id=draft.mission.id,
        item_id=item.id,
        head=item.pull.head,
        branch=item.branch,
        base=base_of(draft, item.pull),
        pull_url=item.pull.url,
        notes=draft.mission.notes,
    )
    draft.give(spec, agent.id)
    draft.put(item.id, review_task_id=spec.id, tasks_given=given)
    draft.say("review.assigned", f"{agent.name} reviews {item.key}", item=item.id, agent=agent.id)


def _give(
    draft: Draft,
    item: WorkItem,
    agent: Agent,
    kind: TaskKind,
    *,
    title: str,
    instructions: str = "",
    causes: tuple[str, ...] = (),
) -> None:
    given = item.tasks_given + 1
    spec = TaskSpec(
        id=draft.next_id("task", item.id, given),
        kind=kind,
        title=title,
        instructions=instructions,
        created_at=draft.now,
        mission_id=draft.mission.id,
        item_id=item.id,
        causes=causes,
        head=item.pull.head if item.pull else None,
        branch=item.branch if item.has_branch else None,
        base=base_of(draft, item.pull) if item.pull else draft.mission.base,
        starts_from=_unmerged(draft, item),
        pull_url=item.pull.url if item.pull else None,
        may_be_empty=item.is_parent and kind is TaskKind.WORK,
        notes=(*draft.mission.notes, *item.notes),
        remarks=hearing.for_fix(item) if kind is TaskKind.FIX else item.remarks,
        history=item.history,
    )
    draft.give(spec, agent.id)
    draft.move(
        item.id,
        WorkStatus.ASSIGNED,
        assigned_to=agent.id,
        task_id=spec.id,
        tasks_given=given,
        retry_at=None,
        notes=(),
        remarks_given=len(item.remarks),
    )
    draft.say("item.assigned", f"{item.key} goes to {agent.name} ({kind.value})", item=item.id, agent=agent.id)


def _unmerged(draft: Draft, item: WorkItem) -> tuple[str, ...]:
    """Branches of dependencies that are done but not in the base branch yet."""
    deps = (draft.items[d] for d in item.depends_on)
    return tuple(dep.branch for dep in deps if dep.has_branch and dep.submitted and not dep.is_merged)
