"""Running one child under supervision: its own session, time limits, and nothing of it left when it is over."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, cast

import msgspec
import psutil

from tinytown.domain.errors import AgentCliError
from tinytown.runtime.environment import RUN_MARKER
from tinytown.runtime.ladder import Ladder, climb
from tinytown.runtime.orphans import ChildIdentity, find_orphans, session_members
from tinytown.runtime.output import Output
from tinytown.runtime.redaction import Redactor, redact

SHOWN_ARGUMENT_CHARS = 80


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


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """A process to be started. Shown and logged without its prompt, its environment and its secrets."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    stdin: bytes | None = None
    """The prompt; None for no input at all."""
    log_path: Path
    """Where its output is appended."""
    redact: tuple[str, ...] = ()
    """Values that are never shown."""

    def __repr__(self) -> str:
        shown = [_shortened(redact(argument, self.redact)) for argument in self.argv]
        size = "no input" if self.stdin is None else f"{len(self.stdin)} bytes of input"
        return f"Launch({' '.join(shown)} in {self.cwd}, {size})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("what", repr(self))]


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


class _Inlet(asyncio.BaseProtocol):
    """Writes the prompt into the child's input and closes it."""

    def __init__(self, prompt: bytes) -> None:
        self._prompt = prompt
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(self._prompt)
        self._transport.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio calls it so
        self._transport = None

    def close(self) -> None:
        """Stop writing: nobody reads any more."""
        if self._transport is not None:
            self._transport.abort()


class Child:
    """A started process, leader of its own session."""

    def __init__(self, process: asyncio.subprocess.Process, output: Output, feed: int | None, run_id: str) -> None:
        self._process = process
        self._exited = asyncio.create_task(process.wait())
        self._feed = feed
        self._inlet: _Inlet | None = None
        self._run_id = run_id
        self.output = output
        self.pid = process.pid
        self.start_time = _start_time(process.pid)
        """Seconds since the epoch, as the system tells; 0 when it was over before it could be asked."""

    @classmethod
    async def start(cls, launch: Launch, on_line: Callable[[bytes], None]) -> Child:
        """Start it; it waits for its prompt.

        Raises:
            AgentCliError: it cannot be started, or its log cannot be written.
        """
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        inlet, feed = os.pipe() if launch.stdin is not None else (None, None)
        try:
            output = _open_output(reading, launch, on_line)
            try:
                process = await _spawn(launch, inlet, writing)
            except BaseException:
                output.close()
                raise
        except BaseException:
            _close(feed)
            raise
        finally:
            _close(writing)
            _close(inlet)
        return cls(process, output, feed, launch.env.get(RUN_MARKER, ""))

    @property
    def identity(self) -> ChildIdentity:
        """What a later host needs to find it again."""
        return ChildIdentity(pid=self.pid, start_time=self.start_time, session_id=self.pid, run_id=self._run_id)

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.returncode

    async def feed(self, prompt: bytes) -> None:
        """Hand over the prompt, which is written as fast as it is read; a reader that closes early is fine."""
        if self._feed is None:
            return
        pipe, self._feed = os.fdopen(self._feed, "wb", buffering=0), None
        _, self._inlet = await asyncio.get_running_loop().connect_write_pipe(lambda: _Inlet(prompt), pipe)

    async def wait(self, timeout_secs: float | None = None) -> None:
        """Return when it has exited, or after the time given; whoever holds its output is not waited for."""
        await asyncio.wait({self._exited}, timeout=timeout_secs)

    async def stop(self, ladder: Ladder) -> list[psutil.Process]:
        """Stop it and everything it left behind; return what could not be stopped. Cancelling does not cut it short."""
        climbing = asyncio.create_task(self._climb(ladder))
        is_cancelled = False
        while not climbing.done():
            try:
                await asyncio.shield(climbing)
            except asyncio.CancelledError:
                is_cancelled = True
        if is_cancelled:
            raise asyncio.CancelledError
        return climbing.result()

    def close(self) -> None:
        """Let go of its pipes."""
        self._exited.cancel()
        _close(self._feed)
        self._feed = None
        if self._inlet is not None:
            self._inlet.close()
        self.output.close()

    async def _climb(self, ladder: Ladder) -> list[psutil.Process]:
        climbing = climb(self._remaining, ladder)
        while True:
            try:
                secs = next(climbing)
            except StopIteration as end:
                survivors: list[psutil.Process] = end.value
                return survivors
            await asyncio.sleep(secs)

    def _remaining(self) -> list[psutil.Process]:
        """What is left of it: its session, and whoever carries the mark of its run."""
        found = session_members({self.pid})
        if self._run_id:
            found += find_orphans((), (self._run_id,))
        return list({process.pid: process for process in found}.values())


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
    ladder = limits.ladder
    try:
        try:
            on_start(child.identity)
            await child.feed(launch.stdin or b"")
            ending = await _watch(child, pump, limits, started, stop)
            ladder = ladder if child.returncode is None else ladder.for_leftovers()
        finally:
            survivors = await child.stop(ladder)
        # its exit code is on its way, unless it hangs in the kernel
        await child.wait(timeout_secs=1.0)
        await _settle(pump, child.output)
    finally:
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)
        child.close()
    return _result(child, ending, started, clock(), survivors)


def _open_output(fd: int, launch: Launch, on_line: Callable[[bytes], None]) -> Output:
    clock = asyncio.get_running_loop().time
    try:
        return Output(fd, log_path=launch.log_path, redactor=Redactor(launch.redact), on_line=on_line, clock=clock)
    except OSError as error:
        os.close(fd)
        raise AgentCliError(f"cannot write the log {launch.log_path}: {error.strerror}") from error


async def _spawn(launch: Launch, inlet: int | None, output: int) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *launch.argv,
            cwd=launch.cwd,
            env=dict(launch.env),
            stdin=asyncio.subprocess.DEVNULL if inlet is None else inlet,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        raise AgentCliError(_why_not(launch, error)) from error


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


def _start_time(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def _close(fd: int | None) -> None:
    if fd is not None:
        os.close(fd)


def _shortened(argument: str) -> str:
    return argument if len(argument) <= SHOWN_ARGUMENT_CHARS else f"{argument[:SHOWN_ARGUMENT_CHARS]}…"


def _why_not(launch: Launch, error: OSError | ValueError) -> str:
    program = _shortened(launch.argv[0])
    if not launch.cwd.is_dir():
        return f"cannot start {program}: its folder {launch.cwd} does not exist"
    if isinstance(error, FileNotFoundError):
        return f"cannot start {program}: no such program; install it or put it on PATH"
    if isinstance(error, PermissionError):
        return f"cannot start {program}: it is not executable"
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"cannot start {program}: {reason}"
