"""Compiles objectives into work items: pure, all or nothing, in time linear in what it is given.

Two steps, because what an issue depends on is known only once its text was read: `scan` says which issues outside the
mission must be looked up, `compile_mission` makes the items.

An objective that is closed already becomes an item that is done, and waits for nothing. One that the manifest skips
becomes no item; what depends on it waits for it as for any issue outside the mission.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from tinytown.domain.errors import ProblemsError
from tinytown.domain.ids import derive_id
from tinytown.domain.issue import Issue
from tinytown.domain.refs import IssueRef, ObjectiveRef
from tinytown.domain.workitem import Brief, OutsideDependency, WorkItem, WorkStatus
from tinytown.planner.branch import branch_of
from tinytown.planner.classify import classify
from tinytown.planner.graph import cycles
from tinytown.planner.manifest import Manifest, Override, named_issue
from tinytown.planner.markers import Found, find_dependencies
from tinytown.planner.prose import first_heading


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """What a mission is made of."""

    items: tuple[WorkItem, ...]
    """In the order of the objectives."""
    briefs: dict[str, Brief]
    """By item id."""
    warnings: tuple[str, ...]
    """What a person should know, one line each."""


def scan(
    issues: Mapping[ObjectiveRef, Issue], *, home: tuple[str, str], manifest: Manifest | None
) -> frozenset[IssueRef]:
    """The issues outside the mission that its objectives depend on; `compile_mission` needs their state.

    Args:
        issues: the objectives as read.
        home: (owner, repo) that bare issue numbers belong to.
        manifest: corrections, if there is a mission.toml.
    """
    overrides = _overrides(manifest, home)[0]
    outside: dict[IssueRef, IssueRef] = {}
    for ref, issue in issues.items():
        override = overrides.get(_identity(ref))
        if not issue.is_open or (override and override.skip):
            continue
        for needed in _needs(ref, issue, override, home).refs:
            outside.setdefault(needed.folded, _as_home(needed, home))
    inside = {_identity(ref) for ref in issues}
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
    items = compiler.items({_identity(ref): issue for ref, issue in outside.items()})
    if compiler.problems:
        raise ProblemsError(tuple(compiler.problems))
    return Compiled(items=items, briefs=compiler.briefs, warnings=tuple(compiler.warnings))


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
        overrides, problems = _overrides(manifest, self._home)
        self.problems += problems
        read = {_identity(ref): issue for ref, issue in issues.items()}
        for ref in objectives:
            self._take(ref, read.get(_identity(ref)), overrides.get(_identity(ref)))
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
        identity, label = _identity(ref), ref.label(self._home)
        if identity in self._chosen:
            self.warnings.append(f"{label} is named twice; it is taken once")
        elif issue is None:
            self.problems.append(f"{label} cannot be read")
        elif override and override.skip:
            self._skipped[identity] = issue
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
        labels = {item.id: item.key for item in items}
        for path in cycles({item.id: item.depends_on for item in items}):
            self.problems.append(f"dependencies go in a circle: {' -> '.join(labels[node] for node in path)}")
        return items

    def _item(self, objective: _Objective, known: Mapping[ObjectiveRef, Issue | None]) -> WorkItem:
        issue, override = objective.issue, objective.override or Override(issue=1)
        title = _title(objective)
        found = classify(msgspec.structs.replace(issue, title=title), self._roles, kind=override.kind)
        depends_on, waits_for = self._links(objective, known)
        self.briefs[objective.item_id] = _brief(issue, title)
        return WorkItem(
            id=objective.item_id,
            mission_id=self._mission_id,
            key=objective.label,
            title=title,
            kind=found.kind,
            status=WorkStatus.PENDING if issue.is_open else WorkStatus.DONE,
            depends_on=depends_on,
            waits_for=waits_for,
            owner_role=override.owner_role or found.role,
            priority=override.priority or 0,
            source_ref=str(objective.ref),
            branch=self._branch(objective, title),
            created_at=self._now,
            updated_at=self._now,
        )

    def _links(
        self, objective: _Objective, known: Mapping[ObjectiveRef, Issue | None]
    ) -> tuple[tuple[str, ...], tuple[OutsideDependency, ...]]:
        """Ids of the items, and the outside issues, that must be done before."""
        if not objective.issue.is_open:
            self.warnings.append(f"{objective.label} is closed already; it is taken as done")
            return (), ()
        needs = _needs(objective.ref, objective.issue, objective.override, self._home)
        self.warnings += needs.warnings
        inside = tuple(self._chosen[ref.folded].item_id for ref in needs.refs if ref.folded in self._chosen)
        others = [ref for ref in needs.refs if ref.folded not in self._chosen]
        return inside, tuple(self._outside(objective, others, known))

    def _outside(
        self, objective: _Objective, refs: Iterable[IssueRef], known: Mapping[ObjectiveRef, Issue | None]
    ) -> Iterator[OutsideDependency]:
        for ref in refs:
            issue = known.get(ref.folded)
            if issue is None:
                label = ref.label(self._home)
                self.problems.append(f"{objective.label} depends on {label}, which does not exist")
            elif issue.is_open:
                yield OutsideDependency(ref=_as_home(ref, self._home), is_open=True, checked_at=self._now)

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
    )


def _identity(ref: ObjectiveRef) -> ObjectiveRef:
    return ref.folded if isinstance(ref, IssueRef) else ref


def _as_home(ref: IssueRef, home: tuple[str, str]) -> IssueRef:
    """The reference, with the home repository spelled as the forge spells it."""
    at_home = IssueRef(*home, ref.number)
    return at_home if at_home.folded == ref.folded else ref


def _overrides(manifest: Manifest | None, home: tuple[str, str]) -> tuple[dict[ObjectiveRef, Override], list[str]]:
    """The manifest's overrides by folded reference, and what is wrong with them."""
    found: dict[ObjectiveRef, Override] = {}
    problems: list[str] = []
    for override in manifest.overrides if manifest else ():
        ref = named_issue(override.issue, home)
        if ref.folded in found:  # `5` and `owner/repo#5` are the same only once the home repository is known
            problems.append(f"the manifest overrides {ref.label(home)} twice")
        found[ref.folded] = override
    return found, problems


def _needs(ref: ObjectiveRef, issue: Issue, override: Override | None, home: tuple[str, str]) -> Found:
    """What an objective depends on."""
    itself = ref if isinstance(ref, IssueRef) else None
    if override is None or override.depends_on is None:
        return find_dependencies(issue.body, home=itself.repository if itself else home, itself=itself)
    named = {_identity(needed): needed for needed in (named_issue(n, home) for n in override.depends_on)}
    if named.pop(_identity(ref), None) is None:
        return Found(tuple(named.values()))
    label = ref.label(home)
    return Found(tuple(named.values()), (f"the manifest says that {label} depends on itself; that is ignored",))
