"""Running one child under supervision: its own session, time limits, and nothing of it left when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum

import msgspec
import psutil

from tinytown.runtime.child import Child
from tinytown.runtime.ladder import Ladder
from tinytown.runtime.launch import Launch
from tinytown.runtime.orphans import ChildIdentity
from tinytown.runtime.output import Output

__all__ = ["Child", "Ending", "Launch", "Limits", "RunResult", "supervise"]

COLLECT_SECS = 1.0


class Ending(Enum):
    """Why a run is over."""

    EXITED = "exited"
    """By itself."""
    TIMED_OUT = "timed_out"
    """It took longer than it may."""
    STALLED = "stalled"
    """It printed nothing for too long."""
    STOPPED = "stopped"
    """It was told to stop."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a run may take and be silent, in seconds; None for no limit."""

    run_timeout_secs: float | None = None
    stall_timeout_secs: float | None = None
    ladder: Ladder = Ladder()


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended."""

    ending: Ending
    exit_code: int | None = None
    """None when a signal ended it, or when it could not be stopped."""
    signal: int | None = None
    started: float
    """Monotonic seconds."""
    ended: float
    """Monotonic seconds."""
    tail: tuple[str, ...] = ()
    """The last lines it printed, redacted."""
    log_error: str | None = None
    """Why its log is incomplete."""
    survivors: tuple[int, ...] = ()
    """Pids that could not be stopped."""

    @property
    def duration_secs(self) -> float:
        """How long it took."""
        return self.ended - self.started

    @property
    def is_success(self) -> bool:
        """Whether it ended by itself and said so."""
        return self.ending is Ending.EXITED and self.exit_code == 0


async def supervise(
    launch: Launch,
    *,
    limits: Limits,
    on_line: Callable[[bytes], None] = lambda _: None,
    on_start: Callable[[ChildIdentity], None] = lambda _: None,
    stop: asyncio.Event | None = None,
) -> RunResult:
    """Run a child to its end and leave nothing of it running, however this ends: also when cancelled or by an error.

    Args:
        launch: what to run.
        limits: how long it may take.
        on_line: called with every line it prints, redacted; what it raises ends the run and is raised here.
        on_start: called once it runs, so that it can be put on record; what it raises ends the run too.
        stop: the run is stopped when this is set.

    Raises:
        AgentCliError: it cannot be started.
    """
    clock = asyncio.get_running_loop().time
    started = clock()
    child = await Child.start(launch, on_line)
    pump = asyncio.create_task(child.output.pump())

    async def lead() -> Ending:
        on_start(child.identity)
        await child.feed(launch.stdin or b"")
        return await _watch(child, pump, limits, started, stop)

    try:
        ending, survivors = await _to_the_end(child, lead, limits.ladder)
        await _settle(pump, child.output)
    finally:
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)
        child.close()
    return _result(child, ending, started, clock(), survivors)


async def _to_the_end(
    child: Child, lead: Callable[[], Awaitable[Ending]], ladder: Ladder
) -> tuple[Ending, list[psutil.Process]]:
    try:
        ending = await lead()
        ladder = ladder if child.returncode is None else ladder.for_leftovers()
    finally:
        survivors = await child.stop(ladder)
    # its exit code is on its way, unless it hangs in the kernel
    await child.wait(timeout_secs=COLLECT_SECS)
    return ending, survivors


async def _watch(
    child: Child, pump: asyncio.Task[None], limits: Limits, started: float, stop: asyncio.Event | None
) -> Ending:
    clock = asyncio.get_running_loop().time
    exited = asyncio.create_task(child.wait())
    told = asyncio.create_task((stop or asyncio.Event()).wait())
    waiting = {exited, told, pump}
    try:
        while True:
            deadlines = _deadlines(child, limits, started)
            timeout = max(0.0, min(deadlines.values()) - clock()) if deadlines else None
            await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if pump.done():
                pump.result()
                waiting.discard(pump)
            if exited.done():
                return Ending.EXITED
            if told.done():
                return Ending.STOPPED
            for ending, deadline in _deadlines(child, limits, started).items():
                if clock() >= deadline:
                    return ending
    finally:
        exited.cancel()
        told.cancel()


def _deadlines(child: Child, limits: Limits, started: float) -> dict[Ending, float]:
    found: dict[Ending, float] = {}
    if limits.run_timeout_secs is not None:
        found[Ending.TIMED_OUT] = started + limits.run_timeout_secs
    if limits.stall_timeout_secs is not None:
        found[Ending.STALLED] = child.output.last_at + limits.stall_timeout_secs
    return found


async def _settle(pump: asyncio.Task[None], output: Output) -> None:
    """Take in the rest of the output, though a daemon may hold the pipe open for ever."""
    pump.cancel()
    await asyncio.gather(pump, return_exceptions=True)
    if not pump.cancelled():
        pump.result()
    output.drain()


def _result(child: Child, ending: Ending, started: float, ended: float, survivors: list[psutil.Process]) -> RunResult:
    code = child.returncode
    return RunResult(
        ending=ending,
        exit_code=code if code is not None and code >= 0 else None,
        signal=-code if code is not None and code < 0 else None,
        started=started,
        ended=ended,
        tail=child.output.tail,
        log_error=child.output.log_error,
        survivors=tuple(process.pid for process in survivors),
    )
