"""One agent in a host: takes the next message, runs the CLI on it, stores the outcome, and again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
import structlog

from tinytown.domain.agent import GONE, Agent, AgentState
from tinytown.domain.errors import (
    AgentCliError,
    ConflictError,
    HookError,
    LeaseLostError,
    StaleError,
    TinytownError,
    WorktreeOccupiedError,
)
from tinytown.domain.event import Event
from tinytown.domain.ids import new_id
from tinytown.repository.worktree import Worktree
from tinytown.runtime.clis import Adapter
from tinytown.runtime.clis.base import NOTHING
from tinytown.runtime.environment import RunIdentity, child_environment, secret_values
from tinytown.runtime.outcome import Ended, Evidence, judge
from tinytown.runtime.private_file import make_private, write_private
from tinytown.runtime.process import Launch, Limits, RunResult, supervise
from tinytown.runtime.prompt import write_prompt
from tinytown.runtime.redaction import redact
from tinytown.runtime.run_records import RunRecords
from tinytown.runtime.sessions import Sessions
from tinytown.runtime.signing_in import SignedOut
from tinytown.runtime.stores import Stores
from tinytown.runtime.survivors import Survivors, told_of
from tinytown.runtime.workshop import Workshop, assignment, gather, log_file
from tinytown.store.hosts import Claim, HostLease, RunEnd

T = TypeVar("T")
log = structlog.get_logger("tinytown.runner")

MOST_HELD = 1_000_000
"""Tries of a message that meets another's process in its worktree: it is kept."""

INTERRUPTED = "interrupted by a person"
STOPPED = "its agent was stopped"
"""Why a run was stopped that then counts for nothing."""

_ENDS_IT = frozenset({AgentState.STOPPED.value, AgentState.ERROR.value, AgentState.STARTING.value})
"""States after which a runner takes nothing more: one that is restarted gets another."""

MOST_JUDGEMENTS = 3
"""Reports that may come in between before a run ends as it was judged last."""


class RunnerTools(msgspec.Struct, frozen=True, kw_only=True):
    """What every agent of a host needs; put together by bootstrap."""

    root: Path
    """The town's folder."""
    environ: Mapping[str, str]
    """What the CLIs' environment is made from."""
    signed_out: SignedOut | None
    """How the CLIs are kept from acting on the forge as the operator; None: they may."""
    adapter: Callable[[str], Adapter]
    workshop: Workshop
    records: RunRecords
    sessions: Sessions
    survivors: Survivors
    logs: Path
    limits: Limits
    report_grace_secs: float
    max_nudges: int
    takes_backlog: Callable[[], bool]
    """Whether idle agents take tasks from the backlog, as the settings are now. Called in a thread."""
    clock: Callable[[], datetime]
    newest: Callable[[], RunnerTools | None]
    """These by the settings as they are now, None while they are the same; asked before each run. Called in a thread."""
    occupied_retry_secs: float = 30.0
    """After how long it is looked whether a worktree that is held is free."""


class _Work(msgspec.Struct, frozen=True, kw_only=True):
    """What was done in a run."""

    result: RunResult | None = None
    evidence: Evidence = Evidence()
    trouble: str | None = None
    """Why it could not be begun or looked after."""
    hook: str | None = None
    """The hook that failed, when that is why."""


class Threads(Protocol):
    """Where blocking calls go: the host."""

    async def store(self, call: Callable[[], T]) -> T:
        """Speak to the store, in its thread."""
        ...

    async def work(self, call: Callable[[], T]) -> T:
        """Do something slow in a worker thread."""
        ...


class Runner:
    """The life of one agent under one lease."""

    def __init__(self, agent: Agent, lease: HostLease, stores: Stores, threads: Threads, tools: RunnerTools) -> None:
        self._agent = agent
        self._lease = lease
        self._stores = stores
        self._threads = threads
        self._tools = self._first_tools = tools
        self._woken = asyncio.Event()
        self._is_ended = False
        self._run_id: str | None = None
        self._run_stop: asyncio.Event | None = None
        self._run_task: str | None = None
        self._cancelled: set[str] = set()
        """Tasks taken back while no run was under way."""
        self._interrupted: set[str] = set()
        """Runs interrupted while their claim was on its way."""
        self._interruption: str | None = None
        """Why a person had the run under way stopped."""
        self._reading = NOTHING
        self._output_at: datetime | None = None

    def is_for(self, agent: Agent) -> bool:
        """Whether it is the runner of the agent as it is now: neither gone nor started anew meanwhile."""
        return agent.spec == self._agent.spec and agent.starts == self._agent.starts and agent.state not in GONE

    def wake(self) -> None:
        """Look into the inbox."""
        self._woken.set()

    def end(self) -> None:
        """Stop the run, if any, and take nothing more."""
        self._is_ended = True
        self._interrupt(STOPPED)
        self._woken.set()

    def heed(self, agent: Agent) -> None:
        """See that the run of an agent that was paused meanwhile is stopped, should the event have been missed."""
        if agent.state is AgentState.PAUSED and agent.run_id == self._run_id:
            self._interrupt(INTERRUPTED)

    def _interrupt(self, why: str) -> None:
        """Stop the run under way, if any; it counts for nothing."""
        if self._run_stop is not None:
            self._interruption = self._interruption or why
            self._run_stop.set()

    def notice(self, event: Event) -> None:
        """React to an event about this agent or its task."""
        if event.type == "task.cancelled" and self._run_task is None and event.task_id:
            self._cancelled.add(event.task_id)  # its claim may be on its way
        if event.type == "agent.paused" and event.run_id is not None:
            if event.run_id == self._run_id:
                self._interrupt(INTERRUPTED)
            elif self._run_id is None:
                self._interrupted.add(event.run_id)  # as above
        is_mine = self._run_task is not None and event.task_id == self._run_task
        if is_mine and event.type == "task.cancelled" and self._run_stop is not None:
            self._run_stop.set()
        elif is_mine and event.type == "task.reported" and self._run_stop is not None:
            stop = self._run_stop
            asyncio.get_running_loop().call_later(self._tools.report_grace_secs, stop.set)
        self._woken.set()

    def output_since_asked(self) -> datetime | None:
        """When the CLI printed something last, if it did since this was asked before."""
        seen, self._output_at = self._output_at, None
        return seen

    async def serve(self) -> None:
        """Do one run after another until ended."""
        while not self._is_ended:
            self._woken.clear()
            run_id, now = new_id(), self._tools.clock()
            claim = await self._claim(run_id, now)
            if isinstance(claim, Claim):
                await self._run(claim, run_id)
            else:
                await self._sleep_until(claim)

    async def _claim(self, run_id: str, now: datetime) -> Claim | datetime | None:
        hosts, takes_backlog = self._stores.hosts, self._tools.takes_backlog
        return await self._threads.store(
            lambda: hosts.claim(self._lease, self._agent.id, run_id, now, takes_backlog=takes_backlog())
        )

    async def give_up(self, reason: str) -> None:
        """Put the agent in error; the run under way, if any, gives back what it had."""
        now, agent_id, run_id = self._tools.clock(), self._agent.id, self._run_id
        fields = {"reason": reason}
        if run_id is None:
            await self._threads.store(lambda: self._stores.agents.move(agent_id, AgentState.ERROR, now, fields))
            return
        end = RunEnd(
            agent_id=agent_id,
            run_id=run_id,
            outcome="retry",
            agent_state="error",
            agent_fields=fields,
            task_fields={"reason": reason, "result": ""},
        )
        await self._threads.store(lambda: self._stores.hosts.finish(self._lease, end, now))

    async def _sleep_until(self, at: datetime | None) -> None:
        secs = None if at is None else max(0.0, (at - self._tools.clock()).total_seconds())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), secs)

    async def _run(self, claim: Claim, run_id: str) -> None:
        self._run_stop = asyncio.Event()
        self._run_id = run_id
        self._run_task = claim.task.id if claim.task else None
        self._interruption = None
        if self._is_ended or run_id in self._interrupted:
            self._interrupt(STOPPED if self._is_ended else INTERRUPTED)
        if self._run_task in self._cancelled:
            self._run_stop.set()  # told so while the claim was on its way
        self._cancelled.clear()
        self._interrupted.clear()
        self._reading = NOTHING
        bound = log.bind(agent=self._agent.name, run=run_id, task=self._run_task)
        bound.info("run started", action="run_started")
        end, state = await self._finish(claim, run_id)
        self._run_stop = self._run_id = self._run_task = None
        bound.info("run finished", action="run_finished", outcome=end.outcome, state=state)
        await self._after(state)

    async def _finish(self, claim: Claim, run_id: str) -> tuple[RunEnd, str]:
        """Do the run, judge it and store its outcome; the agent's state then.

        A CLI that cannot be started puts the agent in error; its messages wait.
        """
        try:
            work = await self._work(claim, run_id)
        except AgentCliError as error:
            log.warning("CLI cannot be started", action="cli_broken", agent=self._agent.name, reason=error.message)
            end = RunEnd(
                agent_id=self._agent.id,
                run_id=run_id,
                outcome="retry",
                agent_state="error",
                agent_fields={"reason": error.message},
                keeps_extras=True,
            )
            return end, await self._stored(end)
        except WorktreeOccupiedError as error:
            log.warning("worktree held", action="worktree_held", agent=self._agent.name, reason=error.message)
            await self._tell_of_survivors()
            end = self._held(run_id, error.message)
            return end, await self._stored(end)
        for _ in range(MOST_JUDGEMENTS):
            end = await self._judged(claim, run_id, work)
            with contextlib.suppress(StaleError):  # a report came between reading and storing: it counts
                return end, await self._stored(end)
        end = msgspec.structs.replace(end, seen_report=None)
        return end, await self._stored(end)

    def _held(self, run_id: str, reason: str) -> RunEnd:
        """A run that was not begun, as it would have met another's process: it is tried again, and counts for nothing."""
        return RunEnd(
            agent_id=self._agent.id,
            run_id=run_id,
            outcome="retry",
            task_fields={"reason": reason, "result": ""},
            retry_at=self._tools.clock() + timedelta(seconds=self._tools.occupied_retry_secs),
            max_tries=MOST_HELD,
            keeps_extras=True,
            is_round=False,
        )

    async def _tell_of_survivors(self) -> None:
        """Tell a person of processes that nobody was told of yet."""
        if found := await self._threads.work(self._tools.survivors.to_be_told):
            message = told_of(found, self._tools.root, self._tools.clock())
            await self._threads.store(lambda: self._stores.inbox.send(message))

    async def _stored(self, end: RunEnd) -> str:
        clean, now = self._without_secrets(end), self._tools.clock()
        return await self._threads.store(lambda: self._stores.hosts.finish(self._lease, clean, now))

    def _without_secrets(self, end: RunEnd) -> RunEnd:
        """What is stored of a run goes into events and other agents' prompts."""
        said = {name: self._redacted(end.task_fields[name]) for name in ("result", "reason") if name in end.task_fields}
        failures = tuple(map(self._redacted, end.hook_failures))
        pushing = self._redacted(end.push_failure)
        return msgspec.structs.replace(
            end, task_fields=end.task_fields | said, hook_failures=failures, push_failure=pushing
        )

    def _redacted(self, text: str) -> str:
        return redact(text, secret_values(self._tools.environ))

    async def _judged(self, claim: Claim, run_id: str, work: _Work) -> RunEnd:
        ended = await self._ended(claim, run_id, work)
        return judge(ended, max_nudges=self._tools.max_nudges, now=self._tools.clock())

    async def _work(self, claim: Claim, run_id: str) -> _Work:
        """Prepare, run the CLI, and look at what it left. Trouble on our side is told, not raised."""
        try:
            newest = await self._threads.work(self._first_tools.newest)
            tools = self._tools = newest or self._first_tools
            material = await self._threads.store(lambda: gather(self._stores.missions, self._stores.tasks, claim.task))
            if self._run_stop is not None and self._run_stop.is_set():
                return _Work(trouble="it was stopped before it began")
            worktree = await self._threads.work(lambda: tools.workshop.open(self._agent, claim))
            head_before = await self._threads.work(lambda: tools.workshop.before(worktree))
            prompt = self._redacted(write_prompt(assignment(self._agent, claim, material, worktree, run_id)))
            result = await self._launch(run_id, worktree, prompt)
            is_published = claim.task is not None and claim.task.spec.item_id is not None
            evidence = await self._threads.work(
                lambda: tools.workshop.after(worktree, head_before, is_published=is_published)
            )
            await self._threads.work(
                lambda: self._log(tuple(filter(None, (*evidence.hook_failures, evidence.push_failure))))
            )
        except (LeaseLostError, AgentCliError, WorktreeOccupiedError):
            raise
        except TinytownError as error:
            return _Work(trouble=error.message, hook=error.hook if isinstance(error, HookError) else None)
        except OSError as error:  # a full disk, a folder that cannot be written: it may be well again later
            return _Work(trouble=_told(error))
        return _Work(result=result, evidence=evidence)

    def _log(self, lines: tuple[str, ...]) -> None:
        """Say something of ours where people read what the agent said."""
        if lines:
            with log_file(self._tools.logs, self._agent.name).open("ab") as file:
                file.writelines(f"tinytown: {self._redacted(line)}\n".encode() for line in lines)

    async def _launch(self, run_id: str, worktree: Worktree, prompt: str) -> RunResult:
        tools, agent = self._tools, self._agent
        adapter = tools.adapter(agent.spec.cli)
        file = tools.records.prompt_file(run_id)
        await self._threads.work(lambda: self._prepare(file, prompt))
        session = tools.sessions.find(agent.id, worktree.name)
        invocation = adapter.launch(file, session)
        identity = RunIdentity(
            agent_id=agent.id, agent_name=agent.name, run_id=run_id, town=tools.root, task_id=self._run_task
        )
        environ = child_environment(tools.environ, identity, signed_out=tools.signed_out)
        launch = Launch(
            argv=invocation.argv,
            cwd=worktree.path,
            env=environ,
            stdin=prompt.encode() if invocation.stdin_from_prompt else None,
            log_path=log_file(tools.logs, agent.name),
            redact=secret_values(tools.environ),
        )
        result = await supervise(
            launch,
            limits=tools.limits,
            on_line=lambda line: self._read(adapter, line),
            on_start=tools.records.add,
            stop=self._run_stop,
        )
        for process in result.survivors:
            tools.survivors.note_left(process, worktree.path)
        if result.survivors:
            await self._tell_of_survivors()
        tools.records.remove(run_id)
        self._keep_session(worktree, result)
        return result

    def _prepare(self, file: Path, prompt: str) -> None:
        write_private(file, prompt)
        if self._tools.signed_out is not None:
            make_private(self._tools.signed_out.gh_folder)

    def _keep_session(self, worktree: Worktree, result: RunResult) -> None:
        """Remember the conversation; a run is not lost when that cannot be done."""
        session = self._reading.session if result.is_success else None
        try:
            self._tools.sessions.keep(self._agent.id, worktree.name, session)
        except OSError as error:
            log.warning("session not kept", action="session_lost", agent=self._agent.name, reason=_told(error))

    def _read(self, adapter: Adapter, line: bytes) -> None:
        self._output_at = self._tools.clock()
        self._reading = self._reading.then(adapter.read(line))

    async def _ended(self, claim: Claim, run_id: str, work: _Work) -> Ended:
        task = claim.task
        if task is not None:
            task_id = task.id
            task = await self._threads.store(lambda: self._stores.tasks.get(task_id))  # with the agent's report
        limit = self._agent.spec.max_rounds
        rounds = (await self._threads.store(lambda: self._stores.agents.get(self._agent.id))).rounds_completed
        return Ended(
            agent_id=self._agent.id,
            run_id=run_id,
            task=task,
            result=work.result,
            reading=self._reading,
            evidence=work.evidence,
            trouble=work.trouble,
            hook=work.hook,
            interruption=self._interruption,
            rounds_left=None if limit is None else limit - rounds,
        )

    async def _after(self, state: str) -> None:
        """A rate limit is waited out; an agent that ended takes nothing more."""
        if state in _ENDS_IT:
            self._is_ended = True
        elif state == AgentState.PAUSED.value:
            await self._wait_out()

    async def _wait_out(self) -> None:
        """Go on when the pause's time is over; sooner when somebody resumes the agent, interrupts or stops it."""
        while not self._is_ended:
            self._woken.clear()
            agent = await self._threads.store(lambda: self._stores.agents.get(self._agent.id))
            until, now = agent.paused_until, self._tools.clock()
            if agent.state is not AgentState.PAUSED or until is None:
                return
            if now >= until:
                with contextlib.suppress(ConflictError):  # somebody stopped or resumed it meanwhile
                    await self._threads.store(lambda: self._stores.agents.resume(agent.id, now, until=until))  # noqa: B023  awaited here
                return
            await self._sleep_until(until)


def _told(error: OSError) -> str:
    """The error in one line, with the file it is about."""
    what = (error.strerror or str(error) or type(error).__name__).lower()
    return f"{error.filename}: {what}" if error.filename else what
