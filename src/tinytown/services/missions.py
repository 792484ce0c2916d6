"""Missions: starting them, looking at them, and telling them what to do."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from tinytown.domain.agent import Agent
from tinytown.domain.errors import ForgeUnavailableError, InvalidInputError, NotFoundError
from tinytown.domain.ids import by_prefix, new_id, short
from tinytown.domain.issue import Selection
from tinytown.domain.mission import Mission, MissionEvent, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.refs import DocRef, IssueRef, ObjectiveRef, parse_issue_ref
from tinytown.domain.task import Task
from tinytown.domain.watch import Watch
from tinytown.domain.workitem import WorkItem, WorkStatus
from tinytown.forges.base import Forge
from tinytown.planner import by_hand, directives, reopen
from tinytown.planner.draft import Draft
from tinytown.planner.preview import Preview, preview
from tinytown.planner.reasons import reasons
from tinytown.services.caller import Caller
from tinytown.services.commits import command, to_snapshot
from tinytown.services.machine import STATE_FOLDER
from tinytown.services.planning import Plan, Planning
from tinytown.store.agents import AgentStore
from tinytown.store.missions import MissionStore, Stored

T = TypeVar("T")

LOOKED_BACK = 50
"""Missions, the newest ones, among which an item is looked for that is in no active one."""


class Objectives(msgspec.Struct, frozen=True, kw_only=True):
    """What a person named to be done."""

    refs: tuple[ObjectiveRef, ...]
    problems: tuple[str, ...] = ()
    """What of it is no objective."""
    warnings: tuple[str, ...] = ()
    """What a person should know of what was chosen."""


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A new mission."""

    mission: Mission
    items: tuple[WorkItem, ...]
    warnings: tuple[str, ...] = ()


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What a command did to a mission's state."""

    before: MissionState
    after: MissionState


class Answered(Moved, frozen=True, kw_only=True):
    """What an answer did to a mission."""

    note: str
    """What was done with its text, in one line."""
    is_resumed: bool
    """Whether something was stopped or held that goes on now."""


class MissionView(msgspec.Struct, frozen=True, kw_only=True):
    """A mission as people look at it."""

    mission: Mission
    items: tuple[WorkItem, ...]
    """In order of their numbers."""
    watches: tuple[Watch, ...]
    tasks: dict[str, Task]
    agents: dict[str, Agent]
    why: dict[str, tuple[str, ...]]
    """Item id -> what it waits for."""
    events: tuple[MissionEvent, ...]


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """Why an item is where it is."""

    item: WorkItem
    items: dict[str, WorkItem]
    """All of the mission, by id."""
    home: tuple[str, str]
    reasons: tuple[str, ...]
    history: tuple[MissionEvent, ...]
    """What happened to it, oldest first."""


class Missions:
    """The missions of one town. Commands that decide are refused to agents that may not direct: NotAllowedError."""

    def __init__(
        self,
        missions: MissionStore,
        agents: AgentStore,
        forge: Forge,
        planning: Planning,
        clock: Callable[[], datetime],
        *,
        caller: Caller,
        may_direct: bool,
        redact: Callable[[str], str],
    ) -> None:
        self._missions = missions
        self._agents = agents
        self._forge = forge
        self._planning = planning
        self._clock = clock
        self._caller = caller
        self._may_direct = may_direct
        self._redact = redact

    @property
    def home(self) -> tuple[str, str]:
        """Owner and name of the repository that bare issue numbers belong to. ConfigError: nothing says which it is."""
        return self._forge.home

    def objectives(
        self, issues: Sequence[str], docs: Sequence[Path], root: Path, choice: Selection | None = None
    ) -> Objectives:
        """What a person named and chose, as references.

        Raises:
            InvalidInputError: nothing was named, or the forge cannot choose so. NotFoundError: nothing fits.
            ForgeError: it refuses to choose.
        """
        refs: list[ObjectiveRef] = []
        problems: list[str] = []
        for text in issues:
            try:
                refs.append(parse_issue_ref(text, self._forge.home, self._forge.host))
            except InvalidInputError as error:
                problems.append(error.message)
        for doc in docs:
            path = (Path.cwd() / doc).resolve()
            if path.is_relative_to(root):
                refs.append(DocRef(path.relative_to(root).as_posix()))
            else:
                problems.append(f"document {doc} is outside the town's folder {root}")
        return self._with_chosen(refs, problems, choice)

    def named(self, refs: Sequence[ObjectiveRef], choice: Selection | None = None) -> Objectives:
        """What somebody elsewhere named and chose; documents by their paths in the town's folder.

        Raises:
            NotFoundError: nothing fits. ForgeError: the forge refuses to choose.
        """
        problems: list[str] = []
        checked: dict[ObjectiveRef, ObjectiveRef] = {}
        for ref in refs:
            if isinstance(ref, IssueRef):
                checked.setdefault(ref.folded, ref)
            elif (doc := _inside(ref)) is not None:
                checked.setdefault(doc, doc)
            else:
                problems.append(f"document {ref.path} is no file of the town's folder; give its path relative to that")
        try:
            return self._with_chosen(list(checked.values()), problems, choice)
        except InvalidInputError as error:
            return Objectives(refs=tuple(checked.values()), problems=(*problems, error.message))

    def _with_chosen(self, refs: list[ObjectiveRef], problems: list[str], choice: Selection | None) -> Objectives:
        warnings: tuple[str, ...] = ()
        if choice is not None and not choice.is_empty:
            named = {ref.folded for ref in refs if isinstance(ref, IssueRef)}
            chosen = self._forge.select(choice)
            refs += [ref for ref in chosen.refs if ref.folded not in named]
            warnings = (chosen.notice,) if chosen.notice else ()
            if not refs and not problems:
                raise NotFoundError("; ".join((f"no open issue has {_chosen(choice)}", *warnings)))
        if not refs and not problems:
            raise InvalidInputError(
                "a mission needs objectives: give --issue N, --doc PATH, --label L or --milestone M"
            )
        return Objectives(refs=tuple(refs), problems=tuple(problems), warnings=warnings)

    def start(self, objectives: Objectives, policy: MissionPolicy, manifest: str | None) -> Started:
        """Start a mission, all or nothing. An unreachable forge leaves it in planning; the dispatcher tries again.

        Raises:
            ProblemsError: every problem found, also in the manifest; nothing was stored.
            AlreadyExistsError: an objective is in a mission that has not ended.
        """
        self._caller.check_directing("start a mission", may_direct=self._may_direct)
        now = self._clock()
        mission = self._draft(objectives, policy, manifest, now)
        try:
            compiled = self._planning.compile(self._plan(mission, objectives), now)
            mission = msgspec.structs.replace(mission, base=self._planning.base(), objective_refs=compiled.objectives)
        except ForgeUnavailableError as error:
            return self._postpone(mission, error.message, now)
        events = [_event(now, "mission.started", f"mission {short(mission.id)} started")]
        events += [_event(now, "mission.warning", warning) for warning in compiled.warnings]
        self._missions.create(mission, compiled.items, compiled.briefs, events, now)
        return Started(mission=mission, items=compiled.items, warnings=compiled.warnings)

    def preview(self, objectives: Objectives, policy: MissionPolicy, manifest: str | None) -> Preview:
        """What a mission would do; nothing is started or stored.

        Raises:
            ProblemsError: every problem found, also in the manifest. ForgeUnavailableError: try again later.
        """
        now = self._clock()
        mission = self._draft(objectives, policy, manifest, now)
        compiled = self._planning.compile(self._plan(mission, objectives), now, is_preview=True)
        mission = msgspec.structs.replace(mission, base=self._planning.base(), objective_refs=compiled.objectives)
        return preview(mission, compiled, tuple(self._agents.all()))

    def _draft(self, objectives: Objectives, policy: MissionPolicy, manifest: str | None, now: datetime) -> Mission:
        return Mission(
            id=new_id(),
            objective_refs=objectives.refs,
            state=MissionState.RUNNING,
            policy=policy,
            created_at=now,
            updated_at=now,
            next_wake_at=now,
            home=self._forge.home,
            traits=self._forge.traits,
            manifest=manifest,
        )

    def _plan(self, mission: Mission, objectives: Objectives) -> Plan:
        return Plan(
            mission_id=mission.id,
            objectives=objectives.refs,
            manifest=mission.manifest,
            roles=self.roles(),
            problems=objectives.problems,
            warnings=objectives.warnings,
        )

    def _postpone(self, mission: Mission, reason: str, now: datetime) -> Started:
        waiting = msgspec.structs.replace(mission, state=MissionState.PLANNING, blocked_reason=reason)
        self._missions.create(waiting, (), {}, [_event(now, "mission.planning", f"planning waits: {reason}")], now)
        return Started(mission=waiting, items=(), warnings=(f"planning waits: {reason}",))

    def roles(self) -> frozenset[str]:
        """The roles and names of the agents there are."""
        agents = self._agents.all()
        return frozenset(a.spec.role.lower() for a in agents) | frozenset(a.name.lower() for a in agents)

    def find(self, run: str | None, *, is_active_only: bool = True) -> str:
        """The id that a prefix means; without one, the active mission, or the newest when none is active.

        Raises:
            NotFoundError, AmbiguousError. InvalidInputError: several are active and none is named.
        """
        if run is not None:
            return self._missions.find(run)
        active = self._missions.ids(is_active_only=True)
        if len(active) > 1 and is_active_only:
            shown = ", ".join(short(i) for i in active)
            raise InvalidInputError(f"several missions are active ({shown}); say which with --run ID")
        ids = active or self._missions.ids()
        if not ids:
            raise NotFoundError("no mission yet; start one: tt mission start --issue N")
        return ids[0]

    def list(self, *, is_all: bool = False) -> list[tuple[Mission, int, int]]:
        """Missions, newest first, each with its number of items and of items that are done."""
        found = []
        for mission_id in self._missions.ids(is_active_only=not is_all):
            stored = self._read(mission_id)
            done = sum(item.is_done for item in stored.items.values())
            found.append((stored.mission, len(stored.items), done))
        return found

    def view(self, mission_id: str) -> MissionView:
        """Everything about a mission that people look at."""
        stored = self._read(mission_id)
        draft = Draft(to_snapshot(stored), self._clock())
        items = tuple(sorted(stored.items.values(), key=item_order))
        return MissionView(
            mission=stored.mission,
            items=items,
            watches=tuple(sorted(stored.watches.values(), key=lambda w: (w.next_due_at, w.id))),
            tasks=stored.tasks,
            agents=stored.agents,
            why={item.id: reasons(draft, item) for item in items},
            events=tuple(self._missions.events(mission_id)),
        )

    def why(self, mission_id: str, item: str) -> Why:
        """Why an item is where it is."""
        stored = self._read(mission_id)
        draft = Draft(to_snapshot(stored), self._clock())
        found = directives.find_item(draft, item)
        history = tuple(e for e in self._missions.events(mission_id) if e.item_id == found.id)
        return Why(
            item=found,
            items=stored.items,
            home=stored.mission.home,
            reasons=reasons(draft, found),
            history=history,
        )

    def find_with_item(self, item: str, run: str | None) -> str:
        """The mission an item belongs to: the one named, else the only active one, else the newest, that has it."""
        if run is not None:
            return self._missions.find(run)
        active = self._missions.ids(is_active_only=True)
        having = [i for i in active if self._has(i, item)]
        if len(having) == 1:
            return having[0]
        if not having:
            ended = (i for i in self._missions.ids()[:LOOKED_BACK] if i not in active)
            if (newest := next((i for i in ended if self._has(i, item)), None)) is not None:
                return newest
            raise NotFoundError(f"no item '{item}' in a mission that is active; see: tt mission status --work")
        shown = ", ".join(short(i) for i in having)
        raise InvalidInputError(f"item '{item}' is in several missions ({shown}); say which with --run ID")

    def find_with_watch(self, watch: str, run: str | None) -> str:
        """The active mission that a watch belongs to: the one named, else the only one that has it."""
        if run is not None:
            return self._missions.find(run)
        stored = [self._read(i) for i in self._missions.ids(is_active_only=True)]
        missions = {watch_id: one.mission.id for one in stored for watch_id in one.watches}
        return missions[by_prefix(watch, missions, "watch")]

    def _has(self, mission_id: str, item: str) -> bool:
        draft = Draft(to_snapshot(self._read(mission_id)), self._clock())
        try:
            directives.find_item(draft, item)
        except NotFoundError:
            return False
        return True

    def note(self, mission_id: str, text: str) -> str:
        """Carry out or keep an operator's note; returns what was done."""
        said = self._redact(text)
        return self._command("give notes to a mission", mission_id, lambda draft: directives.note(draft, said))

    def answer(self, mission_id: str, text: str) -> Answered:
        """A note upon which what is stopped or held goes on, in one commit; a note that says to pause is only that."""
        said = self._redact(text)

        def acting(draft: Draft) -> Answered:
            before = draft.mission.state
            done, is_resumed = directives.answer(draft, said)
            return Answered(before=before, after=draft.mission.state, note=done, is_resumed=is_resumed)

        return self._command("answer a mission", mission_id, acting)

    def stop(self, mission_id: str, *, is_forced: bool) -> Moved:
        """Start nothing new; with force, take back what is being done."""
        return self._move("stop a mission", mission_id, lambda draft: directives.stop(draft, is_forced=is_forced))

    def resume(self, mission_id: str) -> Moved:
        """Go on after a stop or a block."""
        return self._move("resume a mission", mission_id, directives.resume)

    def _move(self, what: str, mission_id: str, act: Callable[[Draft], None]) -> Moved:
        def acting(draft: Draft) -> Moved:
            before = draft.mission.state
            act(draft)
            return Moved(before=before, after=draft.mission.state)

        return self._command(what, mission_id, acting)

    def approve(self, mission_id: str, item: str, comment: str = "") -> WorkItem:
        """Accept an item by hand."""
        said = self._redact(comment)
        return self._on_item(
            "approve an item", mission_id, item, lambda draft, found: directives.approve(draft, found, said)
        )

    def reject(self, mission_id: str, item: str, reason: str) -> WorkItem:
        """Send an item back by hand."""
        said = self._redact(reason)
        return self._on_item(
            "reject an item", mission_id, item, lambda draft, found: directives.reject(draft, found, said)
        )

    def merge(self, mission_id: str, item: str) -> WorkItem:
        """Have an item merged that is ready; a dispatcher does it, and looks at every condition anew before."""
        return self._on_item("merge an item", mission_id, item, reopen.merge)

    def update(self, mission_id: str, item: str, status: WorkStatus | None, artifacts: Sequence[str]) -> WorkItem:
        """Set an item's status and add artifacts to it, in one commit; see planner/by_hand.py."""
        said = [self._redact(one) for one in artifacts]

        def acting(draft: Draft) -> WorkItem:
            return by_hand.update(draft, directives.find_item(draft, item), status, said)

        return self._command("update an item", mission_id, acting)

    def snooze(self, mission_id: str, watch: str, secs: int) -> Watch:
        """Leave what a watch looks at alone for a while."""
        return self._command("snooze a watch", mission_id, lambda draft: directives.snooze(draft, watch, secs))

    def _on_item(self, what: str, mission_id: str, item: str, act: Callable[[Draft, WorkItem], None]) -> WorkItem:
        def acting(draft: Draft) -> WorkItem:
            found = directives.find_item(draft, item)
            act(draft, found)
            return draft.items[found.id]

        return self._command(what, mission_id, acting)

    def _command(self, what: str, mission_id: str, act: Callable[[Draft], T]) -> T:
        self._caller.check_directing(what, may_direct=self._may_direct)
        return command(self._missions, mission_id, act, self._clock)

    def _read(self, mission_id: str) -> Stored:
        stored = self._missions.read(mission_id)
        assert isinstance(stored, Stored)  # noqa: S101  without a dispatcher there is no lease to be held
        return stored


def _inside(ref: DocRef) -> DocRef | None:
    """The document by its plain path, unless it is outside the town's folder or among what git and the town keep."""
    path = posixpath.normpath(ref.path)
    is_ours = path.split("/", 1)[0] not in {"", ".", "..", ".git", STATE_FOLDER}
    return DocRef(path) if is_ours and not ref.path.startswith("/") else None


def item_order(item: WorkItem) -> tuple[str, int, str]:
    """By repository, then by number."""
    place, _, number = item.key.rpartition("#")
    return place, int(number) if number.isdecimal() else 0, item.key


def _chosen(choice: Selection) -> str:
    """What was asked for, in words."""
    parts = [f"label '{label}'" for label in choice.labels]
    parts += [f"milestone '{choice.milestone}'"] if choice.milestone is not None else []
    parts += [f"a match for '{choice.query}'"] if choice.query is not None else []
    return " and ".join(parts)


def _event(at: datetime, type_: str, text: str) -> MissionEvent:
    return MissionEvent(at=at, type=type_, text=text)
