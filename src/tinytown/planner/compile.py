"""Compiles objectives into work items: pure, all or nothing, in time linear in what it is given.

Two steps, because what an issue depends on is known only once its text was read: `scan` says which issues outside the
mission must be looked up, `compile_mission` makes the items.

An objective that is closed already becomes an item that is done, and waits for nothing. One that the manifest skips
becomes no item; what depends on it waits for it as for any issue outside the mission. Which issues an objective has as
parts, and so brings into the mission, is `planner.parts`' matter; here it waits for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise

import msgspec

from tinytown.domain.errors import ProblemsError
from tinytown.domain.ids import derive_id
from tinytown.domain.issue import Issue, RelationSource
from tinytown.domain.refs import IssueRef, ObjectiveRef
from tinytown.domain.workitem import Brief, Need, OutsideDependency, WorkItem, WorkStatus
from tinytown.planner.branch import branch_of
from tinytown.planner.classify import classify
from tinytown.planner.graph import cycles
from tinytown.planner.manifest import Manifest, Override
from tinytown.planner.needs import Needs, as_home, identity_of, needs_of, overrides_of
from tinytown.planner.prose import first_heading


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """What a mission is made of."""

    items: tuple[WorkItem, ...]
    """In the order of the objectives."""
    briefs: dict[str, Brief]
    """By item id."""
    warnings: tuple[str, ...]
    """What a person should know, one line each."""
    objectives: tuple[ObjectiveRef, ...] = ()
    """What it is about, parts included; each once, where it is now."""


def scan(
    issues: Mapping[ObjectiveRef, Issue], *, home: tuple[str, str], manifest: Manifest | None
) -> frozenset[IssueRef]:
    """The issues outside the mission that its objectives depend on; `compile_mission` needs their state.

    Args:
        issues: the objectives as read.
        home: (owner, repo) that bare issue numbers belong to.
        manifest: corrections, if there is a mission.toml.
    """
    overrides = overrides_of(manifest, home)[0]
    outside: dict[IssueRef, IssueRef] = {}
    for ref, issue in issues.items():
        override = overrides.get(identity_of(ref))
        if not issue.is_open or (override and override.skip):
            continue
        for needed, _ in needs_of(ref, issue, override, home).each():
            outside.setdefault(needed.folded, as_home(needed, home))
    inside = {identity_of(ref) for ref in issues}
    return frozenset(ref for folded, ref in outside.items() if folded not in inside)


def compile_mission(
    *,
    mission_id: str,
    objectives: tuple[ObjectiveRef, ...],
    issues: Mapping[ObjectiveRef, Issue],
    outside: Mapping[IssueRef, Issue | None],
    manifest: Manifest | None,
    roles: frozenset[str],
    home: tuple[str, str],
    now: datetime,
) -> Compiled:
    """Make the work items of a mission; the same input always gives the same items, ids included.

    Args:
        mission_id: id that the items' ids are derived from.
        objectives: what was asked for, in that order.
        issues: each objective as read.
        outside: what `scan` asked for; None for an issue that does not exist.
        manifest: corrections, if there is a mission.toml.
        roles: roles and names of the agents there are.
        home: (owner, repo) that bare issue numbers belong to.
        now: the time; items are created at it and outside issues were looked at then.

    Raises:
        ProblemsError: every problem there is, one line each.
    """
    compiler = _Compiler(mission_id, roles, home, now)
    compiler.take(objectives, issues, manifest)
    items = compiler.items({identity_of(ref): issue for ref, issue in outside.items()})
    if compiler.problems:
        raise ProblemsError(tuple(compiler.problems))
    return Compiled(
        items=items,
        briefs=compiler.briefs,
        warnings=tuple(compiler.warnings),
        objectives=tuple({identity_of(ref): ref for ref in objectives}.values()),
    )


class _Objective(msgspec.Struct, frozen=True, kw_only=True):
    """An objective that becomes an item."""

    ref: ObjectiveRef
    issue: Issue
    override: Override | None
    item_id: str
    label: str


class _Compiler:
    """Collects objectives, then makes items of them; keeps what is wrong and what is worth knowing."""

    def __init__(self, mission_id: str, roles: frozenset[str], home: tuple[str, str], now: datetime) -> None:
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.briefs: dict[str, Brief] = {}
        self._mission_id = mission_id
        self._roles = roles
        self._home = home
        self._now = now
        self._chosen: dict[ObjectiveRef, _Objective] = {}
        self._skipped: dict[ObjectiveRef, Issue] = {}
        self._branches: set[str] = set()

    def take(
        self, objectives: Iterable[ObjectiveRef], issues: Mapping[ObjectiveRef, Issue], manifest: Manifest | None
    ) -> None:
        """Sort out which objectives become items."""
        overrides, problems = overrides_of(manifest, self._home)
        self.problems += problems
        read = {identity_of(ref): issue for ref, issue in issues.items()}
        for ref in objectives:
            self._take(ref, read.get(identity_of(ref)), overrides.get(identity_of(ref)))
        for ref, override in overrides.items():
            if ref not in read:
                label = ref.label(self._home)
                self.warnings.append(
                    f"the manifest skips {label}, which is not part of this mission anyway"
                    if override.skip
                    else f"the manifest has an override for {label}, which is not part of this mission"
                )
        if not self._chosen and not self.problems:
            self.problems.append("no objective is left to work on; name another, or change 'skip' in the manifest")

    def _take(self, ref: ObjectiveRef, issue: Issue | None, override: Override | None) -> None:
        identity, label = identity_of(ref), ref.label(self._home)
        if identity in self._chosen:
            self.warnings.append(f"{label} is named twice; it is taken once")
        elif issue is None:
            self.problems.append(f"{label} cannot be read")
        elif override and override.skip:
            self._skipped[identity] = issue
        elif issue.is_pull:
            self.problems.append(f"{label} is a pull request, not an issue; name the issue that it is about")
        else:
            item_id = derive_id(self._mission_id, "item", str(identity))
            self._chosen[identity] = _Objective(ref=ref, issue=issue, override=override, item_id=item_id, label=label)

    def items(self, outside: Mapping[ObjectiveRef, Issue | None]) -> tuple[WorkItem, ...]:
        """The items; only to be used when there are no problems afterwards.

        Args:
            outside: by folded reference, issues that are not objectives.
        """
        known = {**outside, **self._skipped}
        items = tuple(self._item(objective, known) for objective in self._chosen.values())
        by_id = {item.id: item for item in items}
        for path in cycles({item.id: item.depends_on for item in items}):
            steps = [by_id[path[0]].key, *(_step(by_id[a], by_id[b]) for a, b in pairwise(path))]
            self.problems.append(f"dependencies go in a circle: {' -> '.join(steps)}")
        return items

    def _item(self, objective: _Objective, known: Mapping[ObjectiveRef, Issue | None]) -> WorkItem:
        issue, override = objective.issue, objective.override or Override(issue=1)
        title = _title(objective)
        found = classify(msgspec.structs.replace(issue, title=title), self._roles, kind=override.kind)
        needs, waits_for = self._links(objective, known)
        if issue.is_open:
            self._tell_of(objective)
        self.briefs[objective.item_id] = _brief(issue, title)
        return WorkItem(
            id=objective.item_id,
            mission_id=self._mission_id,
            key=objective.label,
            title=title,
            kind=found.kind,
            status=WorkStatus.PENDING if issue.is_open else WorkStatus.DONE,
            depends_on=tuple(need.item_id for need in needs),
            waits_for=waits_for,
            needs=needs,
            is_parent=issue.is_parent,
            owner_role=override.owner_role or found.role,
            priority=override.priority or 0,
            source_ref=str(objective.ref),
            branch=self._branch(objective, title),
            created_at=self._now,
            updated_at=self._now,
            heard_at=self._now,
            heard_for=1,
            heard_until=max((one.at for one in issue.remarks if one.at is not None), default=None),
        )

    def _links(
        self, objective: _Objective, known: Mapping[ObjectiveRef, Issue | None]
    ) -> tuple[tuple[Need, ...], tuple[OutsideDependency, ...]]:
        """The items, and the outside issues, that must be done before, with where that is said."""
        if not objective.issue.is_open:
            self.warnings.append(f"{objective.label} is closed already; it is taken as done")
            return (), ()
        needs = needs_of(objective.ref, objective.issue, objective.override, self._home)
        self.warnings += needs.warnings
        inside, outside = Needs(), Needs()
        for ref, sources in needs.each():
            issue = known.get(ref.folded)
            now = _moved(ref, issue)
            if now.folded in self._chosen:
                inside.add(now, *sources)
            elif issue is None:
                self.problems.append(f"{objective.label} depends on {ref.label(self._home)}, which does not exist")
            elif issue.is_open:
                outside.add(as_home(now, self._home), *sources)
        inside.drop(objective.ref)
        waits_for = (
            OutsideDependency(ref=ref, is_open=True, checked_at=self._now, sources=sources)
            for ref, sources in outside.each()
        )
        return tuple(Need(self._chosen[r.folded].item_id, sources) for r, sources in inside.each()), tuple(waits_for)

    def _tell_of(self, objective: _Objective) -> None:
        if objective.issue.notice:
            self.warnings.append(objective.issue.notice)
        if not objective.issue.is_trusted:
            by = objective.issue.author or "somebody unknown"
            self.warnings.append(f"{objective.label} is by {by}, who is not trusted; agents are told to take care")

    def _branch(self, objective: _Objective, title: str) -> str:
        wanted = branch_of(objective.ref, title, self._home)
        branch, count = wanted, 1
        while branch in self._branches:
            count += 1
            branch = f"{wanted}-{count}"
        self._branches.add(branch)
        return branch


def _title(objective: _Objective) -> str:
    """On one line, printable; a document's is its first heading or its file's name."""
    title = objective.issue.title
    if not isinstance(objective.ref, IssueRef):
        title = first_heading(objective.issue.body) or objective.ref.path.rpartition("/")[2]
    return " ".join("".join(c if c.isprintable() else " " for c in title).split()) or objective.label


def _brief(issue: Issue, title: str) -> Brief:
    return Brief(
        title=title,
        body=issue.body,
        url=issue.url,
        author=issue.author,
        labels=issue.labels,
        is_trusted=issue.is_trusted,
        remarks=issue.remarks,
    )


def _moved(ref: IssueRef, issue: Issue | None) -> IssueRef:
    """Where an issue is by now, that was found under that reference."""
    return issue.ref if issue is not None and isinstance(issue.ref, IssueRef) else ref


def _step(item: WorkItem, needed: WorkItem) -> str:
    """A dependency in a circle, with where it is said when that is not the text."""
    sources = next(need.sources for need in item.needs if need.item_id == needed.id)
    told = "" if RelationSource.TEXT in sources else f" ({sources[0].value})"
    return f"{needed.key}{told}"
