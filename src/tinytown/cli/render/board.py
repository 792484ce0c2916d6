"""The board of a mission: what is drawn while it runs. A pure function of what is seen, the time, and the room there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from tinytown.cli.render.text import plain
from tinytown.domain.agent import Agent, AgentState
from tinytown.domain.ids import short
from tinytown.domain.mission import Mission, MissionEvent, MissionState
from tinytown.domain.task import TaskKind
from tinytown.domain.workitem import BUSY, REVIEWED_KINDS, Verdict, WorkItem, WorkStatus
from tinytown.planner.stage import Stage, stage_of
from tinytown.services.missions import MissionView

_LEAST_WIDTH = 24
_FRAME_COLUMNS, _FRAME_LINES = 4, 2
_LEAST_LINES, _ROOMY_LINES = 3, 16
_NARROW_COLUMNS = 60
_EVENTS_LEAST, _EVENTS_MOST = 3, 12
_NAME_COLUMNS = 12
_TURNS = "◐◓◑◒"
_TURN_MS = 250
_NOT_ASKED = "-"
_MARKS: Mapping[Verdict, tuple[str, str]] = {
    Verdict.UNKNOWN: ("·", "dim"),
    Verdict.PENDING: ("…", "yellow"),
    Verdict.PASSED: ("✓", "green"),
    Verdict.FAILED: ("✗", "bold red"),
}
_GLYPHS: Mapping[str, tuple[str, str]] = {
    "pending": ("○", "dim"),
    "ready": ("●", "cyan"),
    "held": ("!", "bold red"),
    "done": ("✓", "green"),
}
_GATE = ("◇", "yellow")
_MISSION_STYLES = {
    MissionState.PLANNING: "cyan",
    MissionState.RUNNING: "blue",
    MissionState.BLOCKED: "yellow",
    MissionState.COMPLETED: "green",
    MissionState.FAILED: "red",
}
_GOOD = frozenset({"passed", "merged", "done", "approved", "completed"})
_BAD = frozenset({"failed", "rejected", "held", "asked"})
_SHOWN_ANYWAY = frozenset({"mission.running", "mission.blocked"})
"""Events that say what the board shows as the mission's state; they come and go with every check."""
_URGENCY = (
    "held",
    "running",
    "mending",
    "assigned",
    "to mend",
    "checks",
    "review",
    "merge",
    "ready",
    "pending",
    "done",
)


def board(view: MissionView, now: datetime, *, width: int, height: int | None = None) -> RenderableType:
    """The board.

    Args:
        view: the mission.
        now: what elapsed times are counted to.
        width: columns there are.
        height: lines there are; None for as many as it takes.
    """
    columns = max(width, _LEAST_WIDTH) - _FRAME_COLUMNS
    room = None if height is None else max(height - _FRAME_LINES, _LEAST_LINES)
    lines = (
        _tight(view, now, columns, room)
        if room is not None and room < _ROOMY_LINES
        else _roomy(view, now, columns, room)
    )
    mission = view.mission
    style = _MISSION_STYLES[mission.state]
    return Panel(
        Group(*(_within(line, columns) for line in lines)),
        title=_title(mission, now),
        title_align="left",
        border_style="bright_black" if mission.state is MissionState.RUNNING else style,
        width=max(width, _LEAST_WIDTH),
    )


def _roomy(view: MissionView, now: datetime, columns: int, room: int | None) -> list[Text]:
    """Everything in its place."""
    head = list(_head(view, columns))
    agents = [_agents(view, columns)] if view.agents else []
    left = None if room is None else room - len(head) - 2 * bool(agents) - 1
    items = _items(view, now, columns, None if left is None else max(left - _EVENTS_LEAST, 2))
    events = _events(view, columns, _EVENTS_MOST if left is None else left - len(items))
    blank = Text("")
    return [*head, *items, *([blank, *agents] if agents else []), *([blank, *events] if events else [])]


def _tight(view: MissionView, now: datetime, columns: int, room: int) -> list[Text]:
    """The items before all else: what they wait for, the agents and the last events only with the lines that are left."""
    bar, waits = _head(view, columns)
    items = _items(view, now, columns, room - 1, is_tight=True)
    left = room - 1 - len(items)
    head = [bar, waits] if left > 0 and waits.plain else [bar]
    left -= len(head) - 1
    agents = [_agents(view, columns)] if view.agents and left > 0 else []
    return [*head, *items, *agents, *_events(view, columns, left - len(agents))]


def _events(view: MissionView, columns: int, most: int) -> list[Text]:
    told = [event for event in view.events if event.type not in _SHOWN_ANYWAY]
    return [_event(event, columns) for event in told[max(len(told) - max(min(most, _EVENTS_MOST), 0), 0) :]]


def clock(length: timedelta) -> str:
    """A length of time as on a stop watch: `0:07`, `1:02:33`."""
    secs = max(0, int(length.total_seconds()))
    hours, minutes = secs // 3600, secs % 3600 // 60
    return f"{hours}:{minutes:02}:{secs % 60:02}" if hours else f"{minutes}:{secs % 60:02}"


def _title(mission: Mission, now: datetime) -> Text:
    state = "stopped" if mission.is_paused else mission.state.value
    end = now if mission.is_active else mission.updated_at
    return Text.assemble(
        (f"Mission {short(mission.id)}  ", "bold default"),
        (f"{state}  ", f"bold {_MISSION_STYLES[mission.state]}"),
        (clock(end - mission.created_at), "default"),
    )


def _head(view: MissionView, columns: int) -> Iterator[Text]:
    done, total = sum(item.is_done for item in view.items), len(view.items)
    counted = f"{done} of {total} done"
    length = columns - len(counted) - 1
    filled = length * done // total if total else 0
    yield Text.assemble(("━" * filled, "green"), ("━" * (length - filled) + " ", "bright_black"), (counted, "bold"))
    # one line, blank or not: the items stay where they are
    if view.mission.is_paused:
        yield Text(f"stopped; go on with: tt mission resume {short(view.mission.id)}", style="yellow")
    else:
        yield Text(plain(view.mission.blocked_reason or ""), style="yellow")


class _Layout:
    """How many columns each part of an item's line gets."""

    def __init__(self, view: MissionView, columns: int) -> None:
        names = [agent.name for agent in view.agents.values()]
        self.key = min(max((len(item.key) for item in view.items), default=2), columns // 5)
        self.agent = min(max((len(name) for name in names), default=5), _NAME_COLUMNS)
        is_narrow = columns < _NARROW_COLUMNS
        self.fixed = (9, self.agent) if is_narrow else (9, self.agent, 6, 6, 7, 5)
        """State, agent, checks, review, merge, time; a narrow terminal has the first two."""
        self.title = max(columns - 2 - self.key - 1 - sum(self.fixed) - len(self.fixed), 8)
        self.indent = 2 + self.key + 1


def _items(view: MissionView, now: datetime, columns: int, room: int | None, *, is_tight: bool = False) -> list[Text]:
    """The items' lines: all in order when there is room, else the active ones first and a count of the rest.

    Tight: without a header, and without the reasons unless there is room for all of them.
    """
    if not view.items:
        return []
    layout = _Layout(view, columns)
    header = _cells(("", "item", "state", "agent", "checks", "review", "merge", "time"), layout, ["", *["dim"] * 7])
    began = {event.item_id: event.at for event in reversed(view.events) if event.type == "item.assigned"}

    first = [] if is_tight else [header]

    def block(item: WorkItem) -> list[Text]:
        return _item(view, item, layout, now, began.get(item.id))

    if room is None or len(view.items) <= room:
        blocks = [block(item) for item in view.items]
        lines = [*first, *(line for lines in blocks for line in lines)]
        if room is None or len(lines) <= room:
            return lines
        if is_tight:
            return [lines[0] for lines in blocks]
    ordered = sorted(view.items, key=lambda item: _URGENCY.index(_state(view, item)))
    lines = [*first]
    for position, item in enumerate(ordered):
        more = block(item)[: 1 if is_tight else None]
        if len(lines) + len(more) > room - 1:
            return [*lines, _rest(view, ordered[position:])]
        lines += more
    return lines


def _rest(view: MissionView, items: Sequence[WorkItem]) -> Text:
    states = Counter(_state(view, item) for item in items)
    counted = ", ".join(f"{states[state]} {state}" for state in _URGENCY if states[state])
    return Text(f"  … and {len(items)} more: {counted}", style="dim")


def _item(view: MissionView, item: WorkItem, layout: _Layout, now: datetime, began: datetime | None) -> list[Text]:
    state = _state(view, item)
    glyph, style = _GLYPHS.get(state) or (_GATE if item.status not in BUSY else (_turn(now), "bold blue"))
    checks, review, merge = _marks(view, item)
    cells = (
        glyph,
        f"{item.key:{layout.key}} {plain(item.title)}",
        state,
        _agent_name(view.agents, item.assigned_to),
        checks[0],
        review[0],
        merge[0],
        _elapsed(item, now, began),
    )
    faint = "dim" if state == "pending" else ""
    styles = [style, faint, style, faint, checks[1], review[1], merge[1], faint]
    lines = [_cells(cells, layout, styles)]
    if not item.is_done:
        why = "; ".join(view.why.get(item.id, ()))
        lines.append(Text(" " * layout.indent).append(plain(why), style="dim"))
    return lines


def _cells(texts: Sequence[str], layout: _Layout, styles: Sequence[str]) -> Text:
    widths = (1, layout.key + 1 + layout.title, *layout.fixed)
    line = Text()
    for text, width, style in zip(texts, widths, styles, strict=False):  # a narrow layout ends before
        cell = Text(text, style=style)
        cell.truncate(width, overflow="ellipsis", pad=True)
        line.append_text(cell.append(" "))
    line.right_crop(1)
    return line


def _state(view: MissionView, item: WorkItem) -> str:
    """An item's state; what a blocked one is blocked by."""
    if item.hold is not None and not item.is_done:
        return "held"
    if item.status is WorkStatus.BLOCKED:
        return _gate(view, item)
    task = view.tasks.get(item.task_id or "")
    is_fix = task is not None and task.spec.kind is TaskKind.FIX
    return "mending" if is_fix and item.status is WorkStatus.RUNNING else str(item.status.value)


def _gate(view: MissionView, item: WorkItem) -> str:
    return _GATES.get(stage_of(item, view.mission.policy), "merge")


_GATES = {
    Stage.FIX: "to mend",
    Stage.PULL: "checks",
    Stage.CHECKS: "checks",
    Stage.REVIEW: "review",
    Stage.PEOPLE: "changes",
    Stage.BEHIND: "behind",
    Stage.QUEUED: "queued",
}


def _is_reviewed(view: MissionView, item: WorkItem) -> bool:
    return view.mission.policy.reviewer_required and item.kind in REVIEWED_KINDS


def _marks(view: MissionView, item: WorkItem) -> tuple[tuple[str, str], tuple[str, str], tuple[str, str]]:
    """What is known of checks, review and merge."""
    if not item.has_branch:
        return ((_NOT_ASKED, "dim"),) * 3
    pull = item.pull
    review = Verdict.UNKNOWN if pull is None else pull.reviewed
    if item.review_task_id is not None and review is Verdict.UNKNOWN:
        review = Verdict.PENDING
    return (
        _MARKS[Verdict.UNKNOWN if pull is None else pull.checks],
        _MARKS[review] if _is_reviewed(view, item) or review is Verdict.FAILED else (_NOT_ASKED, "dim"),
        (pull.merged_as[:7], "green")
        if pull and pull.merged_as
        else _MARKS[pull.mergeable if pull else Verdict.UNKNOWN],
    )


def _elapsed(item: WorkItem, now: datetime, began: datetime | None) -> str:
    """Since it was first given to an agent; since its last change when that is no longer in the log."""
    if item.is_done:
        return clock(item.updated_at - began) if began is not None else ""
    if item.status is WorkStatus.PENDING:
        return ""
    return clock(now - (began or item.updated_at))


def _turn(now: datetime) -> str:
    return _TURNS[int(now.timestamp() * 1000 // _TURN_MS) % len(_TURNS)]


def _agent_name(agents: Mapping[str, Agent], agent_id: str | None) -> str:
    if agent_id is None:
        return ""
    return agents[agent_id].name if agent_id in agents else short(agent_id)


def _agents(view: MissionView, columns: int) -> Text:
    """The agents, busy ones first, as many as fit on a line."""
    keys = {item.id: item.key for item in view.items}
    agents = sorted(view.agents.values(), key=lambda a: (a.state is not AgentState.WORKING, a.name))
    line = Text().append("agents  ", style="dim")
    for position, agent in enumerate(agents):
        part = _agent(view, agent, keys)
        rest = f"  +{len(agents) - position}"
        if position and line.cell_len + part.cell_len + len(rest) > columns:
            return line.append(rest, style="dim")
        line.append("   " if position else "").append_text(part)
    return line


def _agent(view: MissionView, agent: Agent, keys: Mapping[str, str]) -> Text:
    if agent.state is not AgentState.WORKING:
        is_well = agent.state in {AgentState.IDLE, AgentState.STARTING}
        return Text.assemble((f"{agent.name} ", "dim"), (agent.state.value, "dim" if is_well else "yellow"))
    task = view.tasks.get(agent.task_id or "")
    what = f"{_DOING[task.spec.kind]} {keys.get(task.spec.item_id or '', '')}".rstrip() if task else "works"
    return Text.assemble((f"{agent.name} ", "bold"), (what, "blue"))


_DOING = {TaskKind.WORK: "works on", TaskKind.FIX: "mends", TaskKind.REVIEW: "reviews"}


def _event(event: MissionEvent, columns: int) -> Text:
    word = event.type.rpartition(".")[2]
    style = "green" if word in _GOOD else "red" if word in _BAD else ""
    return _within(Text.assemble((f"{event.at:%H:%M:%S}  ", "dim"), (plain(event.text), style)), columns)


def _within(line: Text, columns: int) -> Text:
    line.no_wrap = True
    line.truncate(columns, overflow="ellipsis")
    return line
