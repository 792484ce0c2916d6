"""A town with a real store and real dispatchers, whose agents, clock and forge are moved by a test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from tests.properties.paper_forge import KilledError, PaperForge

from tinytown.domain.agent import Agent, AgentSpec, AgentState
from tinytown.domain.errors import TinytownError
from tinytown.domain.ids import derive_id, new_id
from tinytown.domain.mission import Mission
from tinytown.domain.task import Report, Task, TaskKind
from tinytown.domain.workitem import WorkItem
from tinytown.planner.draft import Draft
from tinytown.runtime.clis.base import Reading
from tinytown.runtime.outcome import Ended, Evidence, judge
from tinytown.runtime.process import Ending, RunResult
from tinytown.services.commits import command
from tinytown.services.dispatch import Dispatcher, DispatchTools
from tinytown.services.planning import Planning
from tinytown.services.presence import Presence
from tinytown.store.agents import AgentStore
from tinytown.store.connection import Connection, connect
from tinytown.store.deliveries import DeliveryStore
from tinytown.store.dispatchers import Dispatcher as Record
from tinytown.store.dispatchers import DispatcherStore, Due
from tinytown.store.events import EventStream
from tinytown.store.hosts import Claim, HostLease, HostStore
from tinytown.store.keys import Keys
from tinytown.store.missions import MissionStore, Stored
from tinytown.store.tasks import TaskStore

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
MACHINE = "here"
NOTE = "use argon2"
"""What a person has to say to everybody."""
NAMES = ("backend", "worker", "reviewer")


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run under way."""

    run_id: str
    task: Task
    lease: HostLease


class PaperTown:
    """What the rules of a mission machine act upon."""

    def __init__(self, redis_url: str, folder: Path, name: str, forge: PaperForge | None = None) -> None:
        self.keys = Keys.of(name)
        self.now = START
        self.forge = forge or PaperForge()
        self.interlude: Callable[[], None] | None = None
        """Happens once when a dispatcher reads the clock: between its reading and its committing."""
        self._folder = folder
        self._connections = [connect(redis_url) for _ in range(3)]
        own = self._connections[0]
        self.missions, self.tasks = MissionStore(own, self.keys), TaskStore(own, self.keys)
        self.agents, self.hosts = AgentStore(own, self.keys), HostStore(own, self.keys)
        self.events = EventStream(own, self.keys)
        self.dispatchers = [self._dispatcher(connection) for connection in self._connections[1:]]
        self.agent_ids = {agent: self._spawn(agent) for agent in NAMES}
        self.runs: dict[str, Run] = {}
        self.lease = self._open_host()
        self.mission_id = ""
        self.is_stopped = False
        """What a person said last, and was told was done."""
        self.notes_kept = 0
        self.is_disturbed = False
        """Whether something was done outside of which no record was made."""
        self._heads = 0

    def close(self) -> None:
        """Leave no key and no connection behind."""
        own = self._connections[0]
        if found := own.execute("KEYS", f"{self.keys.prefix}:*"):
            own.execute("DEL", *found)
        for connection in self._connections:
            connection.close()

    # The mission

    def start(self, mission: Mission, items: tuple[WorkItem, ...]) -> None:
        """Store the mission."""
        self.mission_id = mission.id
        self.missions.create(mission, items, {}, (), self.now)

    @property
    def is_started(self) -> bool:
        """Whether there is a mission yet."""
        return self.mission_id != ""

    def read(self) -> Stored:
        """The mission as it is."""
        stored = self.missions.read(self.mission_id)
        assert isinstance(stored, Stored)
        return stored

    def tell(self, act: Callable[[Draft], object]) -> bool:
        """Carry out a person's command; whether it was accepted."""
        try:
            command(self.missions, self.mission_id, act, lambda: self.now)
        except TinytownError:
            return False
        return True

    # Dispatchers

    def step(self, which: int) -> bool:
        """One dispatcher brings the mission as far as it goes; it may be killed on the way, then another starts."""
        try:
            return self.dispatchers[which].step(self.mission_id)
        except KilledError:
            self.is_disturbed = True
            self.end_lease()
            self.dispatchers[which] = self._dispatcher(self._connections[1 + which])
            return True
        finally:
            self.interlude = self.forge.interlude = None
            self.forge.trouble.clear()

    def end_lease(self) -> None:
        """The lease of whichever dispatcher has the mission runs out."""
        self._connections[0].execute("DEL", self.keys("mission", self.mission_id, "lease"))

    def is_due(self) -> bool:
        """Whether a dispatcher would look at the mission now."""
        ms = self._connections[0].execute("ZSCORE", self.keys("mission", "due"), self.mission_id)
        return ms is not None and float(ms) <= self.now.timestamp() * 1000

    def due(self) -> Due:
        """What a heartbeat would find."""
        record = Record(id="observer", machine=MACHINE, pid=1, started_at=START)
        return DispatcherStore(self._connections[0], self.keys).beat(record, self.now)

    def _clock(self) -> datetime:
        interlude, self.interlude = self.interlude, None
        if interlude is not None:
            interlude()
        return self.now

    def _dispatcher(self, connection: Connection) -> Dispatcher:
        tools = DispatchTools(
            record=Record(id=new_id(), machine=MACHINE, pid=1, started_at=START),
            missions=MissionStore(connection, self.keys),
            dispatchers=DispatcherStore(connection, self.keys),
            events=EventStream(connection, self.keys),
            forge=self.forge,
            planning=Planning(self.forge, self._folder),
            roles=lambda: frozenset(NAMES),
            ensure_host=lambda: None,
            clock=self._clock,
            sleep=lambda _: None,
            presence=Presence(self._folder),
            tick_secs=lambda: 30,
        )
        return Dispatcher(tools)

    # Agents

    def find(self, name: str) -> Agent:
        """An agent as it is."""
        return self.agents.get(self.agent_ids[name])

    def claim(self, name: str) -> datetime | None:
        """An agent looks into its inbox; begins a run, or tells before which time there is none."""
        run_id = new_id()
        found = self.hosts.claim(self.lease, self.agent_ids[name], run_id, self.now)
        if not isinstance(found, Claim):
            return found
        assert found.task is not None
        self.runs[name] = Run(run_id=run_id, task=found.task, lease=self.lease)
        return None

    def end_run(self, name: str, report: Report | None, *, commits: bool, is_crash: bool = False) -> None:
        """An agent's run ends: with a report or without, with new commits or without, in order or not."""
        run = self.runs.pop(name)
        branch = run.task.spec.branch if run.task.spec.kind is not TaskKind.REVIEW else None
        before = self.forge.branches.get(branch or "")
        if branch and commits:
            self.forge.push(branch, self.new_head())
        if report is not None:
            self._report(run, report)
        after = self.forge.branches.get(branch or "")
        evidence = Evidence(head=after, head_before=before, branch=branch, made=int(after is not None))
        self._finish(name, run, evidence, is_crash=is_crash)

    def _report(self, run: Run, report: Report) -> None:
        try:
            self.tasks.report(run.task.id, report, self.now, result="said so", reason="because", run_id=run.run_id)
            if report is Report.APPROVED:
                self.forge.ever_approved.add(run.task.spec.head or "")
        except TinytownError:
            task = self.tasks.get(run.task.id)
            assert task.run_id != run.run_id, "only a run that lost its task may be refused"

    def _finish(self, name: str, run: Run, evidence: Evidence, *, is_crash: bool) -> None:
        result = RunResult(ending=Ending.EXITED, exit_code=1 if is_crash else 0, started=0, ended=1)
        ended = Ended(
            agent_id=self.agent_ids[name],
            run_id=run.run_id,
            task=self.tasks.get(run.task.id),
            result=result,
            reading=Reading(),
            evidence=evidence,
        )
        self.hosts.finish(run.lease, judge(ended, max_nudges=2, now=self.now), self.now)

    def new_head(self) -> str:
        """A commit that never was before."""
        self._heads += 1
        return f"{self._heads:040x}"

    def host_dies(self) -> None:
        """The host is killed with its runs, and another one starts."""
        self.runs.clear()
        self.lease = self._open_host()

    def stop_agent(self, name: str) -> None:
        """An agent is stopped by force, in the middle of whatever it does; its run ends without a report."""
        if self.find(name).state in {AgentState.IDLE, AgentState.WORKING}:
            self.agents.move(self.agent_ids[name], AgentState.STOPPED, self.now)
            if name in self.runs:
                self.end_run(name, None, commits=False, is_crash=True)

    def start_agent(self, name: str) -> None:
        """An agent that was stopped is started again."""
        if self.find(name).state is AgentState.STOPPED:
            self.agents.move(self.agent_ids[name], AgentState.STARTING, self.now)
            self.hosts.adopt(self.lease, MACHINE, self.now)

    def _open_host(self) -> HostLease:
        lease, _ = self.hosts.open(new_id(), MACHINE, {}, self.now)
        self.hosts.adopt(lease, MACHINE, self.now)
        return lease

    def _spawn(self, name: str) -> str:
        spec = AgentSpec(
            id=derive_id(new_id(), name), name=name, cli="demo", role=name, machine=MACHINE, created_at=self.now
        )
        self.agents.add(spec)
        return spec.id

    def signal(self, url: str, delivery: str) -> None:
        """The forge delivers that something about a pull request changed."""
        DeliveryStore(self._connections[0], self.keys).take(delivery, [url], [], "changed", self.now)

    def pass_time(self, secs: float) -> None:
        """Time moves on."""
        self.now += timedelta(seconds=secs)


def open_tasks(town: PaperTown) -> list[Task]:
    """Every open task that is in some agent's hands."""
    ids = [task_id for agent in town.agent_ids.values() for task_id in town.agents.task_ids(agent)]
    return town.tasks.many(ids)
