"""The host: one process for each machine and town that runs all its agents there.

It follows the town's events, so an agent begins within milliseconds of its message's arrival. The store is spoken to by
one thread, git by a few others; the loop itself only waits. When its lease is lost somebody else has released its
agents: it stops what it runs, stores nothing, and starts over as a new host.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from tinytown.domain.agent import Agent, AgentState
from tinytown.domain.errors import LeaseLostError, StoreUnavailableError, TinytownError
from tinytown.domain.event import Event
from tinytown.domain.ids import new_id
from tinytown.runtime.cleanup import Cleaner
from tinytown.runtime.ladder import Ladder
from tinytown.runtime.orphans import ChildIdentity, started_in, stop_orphans
from tinytown.runtime.outage import Outage
from tinytown.runtime.run_records import RunRecords
from tinytown.runtime.runner import Runner, RunnerTools
from tinytown.runtime.stores import Stores
from tinytown.runtime.survivors import told_of
from tinytown.store.hosts import HOST_LEASE_MS, HostLease

T = TypeVar("T")
log = structlog.get_logger("tinytown.host")

RENEW_SECS = HOST_LEASE_MS / 1000 / 3
SWEEP_SECS = 30.0
"""The safety net: every agent looks into its inbox this often whatever events said."""
IDLE_EXIT_SECS = 600.0
"""A host without agents ends after this time."""
RETRY_SECS = 1.0
_FOR_EVERYBODY = frozenset({"backlog.added", "agent.draining", "agent.stopped", "agent.error"})
"""Events after which idle agents look again: there is work, or it is no longer somebody else's."""
CLOSE_SECS = 5.0
"""How long a host that is told to stop waits for a store that is away; its lease runs out by itself."""


class HostTools(msgspec.Struct, frozen=True, kw_only=True):
    """What a host is made of; put together by bootstrap."""

    machine: str
    """Identity of this machine and town folder."""
    record: dict[str, str]
    """What to tell others about this process."""
    open_stores: Callable[[], Stores]
    runner: RunnerTools
    records: RunRecords
    do_check: Callable[[HostLease, threading.Event], bool]
    """Claims and runs one check of a pull request; False when none is queued. Called in a thread."""
    leftovers: Ladder
    cleaner: Callable[[], Cleaner]
    """By the settings as they are now."""
    clock: Callable[[], datetime]
    sweep_secs: float = SWEEP_SECS
    """How often everything is looked at whatever events said."""


class Host:
    """One life of a host process; `serve` returns when it is told to stop."""

    def __init__(self, tools: HostTools) -> None:
        self._tools = tools
        self._stores: Stores
        self._store_thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._events: asyncio.Queue[list[Event]] = asyncio.Queue()
        self._is_over = threading.Event()
        self._workers = ThreadPoolExecutor(4, thread_name_prefix="work")
        self._check_thread = ThreadPoolExecutor(1, thread_name_prefix="check")
        self._stop = asyncio.Event()
        self._check_wanted = asyncio.Event()
        self._check_stop = threading.Event()
        self._runners: dict[str, Runner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._lease: HostLease
        self._outage = Outage(log)

    def stop(self) -> None:
        """End in order: runs are stopped, their messages wait for the next host."""
        self._stop.set()
        self._is_over.set()

    async def serve(self) -> None:
        """Run agents until told to stop, whatever happens to the lease."""
        try:
            self._stores = await self._unless_stopped(self.store(self._tools.open_stores))
            threading.Thread(target=self._pump, args=(asyncio.get_running_loop(),), daemon=True).start()
            while not self._stop.is_set():
                try:
                    await self._life()
                except LeaseLostError as error:
                    log.warning("lease lost, starting over", action="lease_lost", reason=error.message)
        except _Ended:  # before the store was there
            log.info("told to stop while the store is away", action="host_closed")
        finally:
            for pool in (self._store_thread, self._workers, self._check_thread):
                pool.shutdown(wait=False, cancel_futures=True)

    async def store(self, call: Callable[[], T]) -> T:
        """Speak to the store, in its thread; an outage is waited out, so that no run is lost to it.

        Calls may be repeated after an outage; the scripts they run know a repeated call by its run or host id.
        """
        while True:
            try:
                answer = await asyncio.get_running_loop().run_in_executor(self._store_thread, call)
            except StoreUnavailableError as error:
                self._outage.goes_on(error.message)
                await asyncio.sleep(RETRY_SECS)
            else:
                self._outage.is_over()
                return answer

    async def _unless_stopped(self, call: Coroutine[None, None, T]) -> T:
        """What the call gives; _Ended when the host is told to stop and the call takes long, as when the store is away."""
        doing, told = asyncio.create_task(call), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({doing, told}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({doing}, timeout=CLOSE_SECS)
            if doing.done():
                return doing.result()
            raise _Ended
        finally:
            doing.cancel()
            told.cancel()

    async def work(self, call: Callable[[], T]) -> T:
        """Do something slow, such as git, in a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, call)

    def _pump(self, loop: asyncio.AbstractEventLoop) -> None:
        """Bring events from the store into the loop, for as long as the process lives (a daemon thread)."""
        stream = self._stores.events
        while not self._is_over.is_set():
            try:
                events = stream.wait(SWEEP_SECS)
            except StoreUnavailableError:
                self._is_over.wait(RETRY_SECS)
                continue
            if events:
                with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
                    loop.call_soon_threadsafe(self._events.put_nowait, events)

    async def _life(self) -> None:
        """From opening the host to its end; whatever ends it, no child of it is left running."""
        await self._unless_stopped(self._open())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._renew())
                group.create_task(self._checks())
                group.create_task(self._follow(group))
                group.create_task(self._sweep())
                group.create_task(self._until_told())
        except* LeaseLostError as failures:
            raise failures.exceptions[0] from None  # several tasks notice the same loss
        except* _Ended:
            await self._close()
        finally:
            self._check_stop.set()
            self._runners.clear()
            self._tasks.clear()

    async def _open(self) -> None:
        tools, now = self._tools, self._tools.clock()
        host_id = new_id()
        self._check_stop = threading.Event()
        self._lease, runs = await self.store(lambda: self._stores.hosts.open(host_id, tools.machine, tools.record, now))
        await self.work(lambda: self._stop_leftovers(runs))
        await self._guarded(self._tell_of_survivors)
        log.info("host opened", action="host_opened", host=host_id, left_behind=len(runs))
        await self._guarded(lambda: self.work(self._tools.cleaner().old_files))
        await self._guarded(self._clean_all)

    async def _clean_all(self) -> None:
        await self._clean(await self.work(self._tools.cleaner().owners))

    async def _clean(self, item_ids: frozenset[str]) -> None:
        """Clear away the worktrees of those of the items that are merged."""
        for item in await self.store(lambda: self._stores.missions.find_items(item_ids)):
            await self.work(partial(self._tools.cleaner().finished, item))

    async def _guarded(self, clean: Callable[[], Awaitable[None]]) -> None:
        """Clear away; what cannot be is tried again by the next host, and keeps nobody from working."""
        try:
            await clean()
        except (TinytownError, OSError) as error:
            log.warning("not cleared away", action="cleanup_failed", reason=str(error))

    def _stop_leftovers(self, runs: list[str]) -> None:
        """Stop what a dead host left running before anything is started again."""
        tools = self._tools
        known: list[ChildIdentity] = tools.records.all()
        earlier = [survivor.identity for survivor in tools.runner.survivors.living() if survivor.is_ours]
        survivors = stop_orphans([*known, *earlier], runs, tools.leftovers, town=tools.runner.root)
        if survivors:
            pids = [process.pid for process in survivors]
            log.error("processes of a dead host cannot be stopped", action="orphans_survive", pids=pids)
        for process in survivors:
            tools.runner.survivors.note_left(process.pid, started_in(process, known))
        with contextlib.suppress(OSError):  # then the next host finds them, and nothing of them runs
            for child in known:
                self._tools.records.remove(child.run_id)

    async def _tell_of_survivors(self) -> None:
        """Tell a person of processes that nobody was told of yet."""
        tools = self._tools
        if found := await self.work(tools.runner.survivors.to_be_told):
            message = told_of(found, tools.runner.root, tools.clock())
            await self.store(lambda: self._stores.inbox.send(message))

    async def _close(self) -> None:
        now = self._tools.clock()
        closing = self.store(lambda: self._stores.hosts.close(self._lease, now))
        try:
            await asyncio.wait_for(closing, CLOSE_SECS)
        except LeaseLostError:
            pass  # released already: nothing is left to give back
        except TimeoutError:
            log.warning("the store is away: it learns from the lease that this host ended", action="close_unheard")
        log.info("host closed", action="host_closed", host=self._lease.host_id)

    async def _until_told(self) -> None:
        await self._stop.wait()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        raise _Ended

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECS)
            if not await self.work(self._tools.runner.root.is_dir):
                log.error("the town's folder was removed, ending", action="town_removed")
                self.stop()
            await self.store(lambda: self._stores.hosts.renew(self._lease))
            await self._tell_output()

    async def _tell_output(self) -> None:
        """Let people see which CLIs are alive."""
        seen = {a: at for a, runner in self._runners.items() if (at := runner.output_since_asked()) is not None}
        if seen:
            await self.store(lambda: self._stores.agents.saw_output(seen))

    async def _sweep(self) -> None:
        """Look at everything now and then, however busy the town is: an event may have been missed."""
        while True:
            await asyncio.sleep(self._tools.sweep_secs)
            self._events.put_nowait([])

    async def _follow(self, group: asyncio.TaskGroup) -> None:
        """Take on agents and wake them as events say; no events at all is the sweep."""
        loop = asyncio.get_running_loop()
        await self._adopt(group)
        idle_since = loop.time()
        while True:
            events = await self._events.get()
            if not events or any(_is_about_roster(event) for event in events):
                await self._adopt(group)
            self._dispatch(events)
            if done := frozenset(e.item_id for e in events if e.type in {"item.done", "pull.merged"} and e.item_id):
                group.create_task(self._guarded(partial(self._clean, done)))
            if self._runners or events:
                idle_since = loop.time()
            elif loop.time() - idle_since > IDLE_EXIT_SECS:
                log.info("no agents for a while, ending", action="host_idle")
                self.stop()

    def _dispatch(self, events: list[Event]) -> None:
        if not events or any(event.type.startswith("check.") for event in events):
            self._check_wanted.set()
        if not events or any(event.type in _FOR_EVERYBODY for event in events):
            for runner in self._runners.values():
                runner.wake()
        for event in events:
            concerned = self._runners.get(event.agent_id or "")
            if concerned is not None:
                concerned.notice(event)

    async def _adopt(self, group: asyncio.TaskGroup) -> None:
        tools, now = self._tools, self._tools.clock()
        mine = set(await self.store(lambda: self._stores.hosts.adopt(self._lease, tools.machine, now)))
        roster = {agent.id: agent for agent in await self.store(self._stores.agents.all)}
        for agent_id in tuple(self._runners):
            if agent_id not in roster or not self._runners[agent_id].is_for(roster[agent_id]):
                self._let_go(agent_id)
            else:
                self._runners[agent_id].heed(roster[agent_id])
        for agent_id in mine & roster.keys():
            agent = roster[agent_id]
            if agent_id not in self._runners and agent.state not in {AgentState.STOPPED, AgentState.ERROR}:
                self._start(group, agent)

    def _start(self, group: asyncio.TaskGroup, agent: Agent) -> None:
        runner = Runner(agent, self._lease, self._stores, self, self._tools.runner)
        self._runners[agent.id] = runner
        self._tasks[agent.id] = group.create_task(self._look_after(agent, runner))
        log.info("agent taken on", action="agent_adopted", agent=agent.name, cli=agent.spec.cli)

    async def _look_after(self, agent: Agent, runner: Runner) -> None:
        """Run one agent; a bug that shows with it puts it in error and leaves the others alone."""
        try:
            await runner.serve()
        except LeaseLostError:
            raise
        except Exception as bug:  # the supervisor: anything else would stop every agent of the machine
            log.exception("agent failed", action="agent_bug", agent=agent.name)
            with contextlib.suppress(TinytownError):
                await runner.give_up(f"internal error: {bug!r}; see .tt/logs/host.log")

    def _let_go(self, agent_id: str) -> None:
        """An agent was stopped or is in error: its run, if any, is stopped too."""
        runner = self._runners.pop(agent_id)
        self._tasks.pop(agent_id)
        runner.end()

    async def _checks(self) -> None:
        """Run queued checks of pull requests, one at a time."""
        self._check_wanted.set()
        while True:
            await self._check_wanted.wait()
            self._check_wanted.clear()
            while await self._check(self._lease, self._check_stop):
                pass

    async def _check(self, lease: HostLease, stop: threading.Event) -> bool:
        """One check, if there is one to do; trouble with it, also a bug's, is logged and tried again after a while."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._check_thread, lambda: self._tools.do_check(lease, stop))
        except LeaseLostError:
            raise
        except TinytownError as error:
            log.warning("check not run", action="check_failed", reason=error.message)
            secs = RETRY_SECS if isinstance(error, StoreUnavailableError) else SWEEP_SECS
        except Exception:  # the supervisor: anything else would end every agent's run
            log.exception("check failed to run", action="check_bug")
            secs = SWEEP_SECS
        loop.call_later(secs, self._check_wanted.set)
        return False


class _Ended(Exception):  # noqa: N818  not an error: it ends the group when the host is told to stop
    """The host was told to stop."""


def _is_about_roster(event: Event) -> bool:
    return event.type in {"agent.spawned", "agent.starting", "agent.stopped", "agent.error", "agent.cold"}


def host_record(pid: int, root: Path) -> dict[str, str]:
    """What a host says of itself."""
    return {"pid": str(pid), "root": str(root)}
