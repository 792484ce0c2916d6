"""A started process, leader of its own session: feeding it, waiting for it, and stopping all that is left of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import cast

import psutil

from tinytown.domain.errors import AgentCliError
from tinytown.runtime.environment import RUN_MARKER
from tinytown.runtime.ladder import Ladder, climb
from tinytown.runtime.launch import Launch, shortened
from tinytown.runtime.orphans import ChildIdentity, find_orphans, session_members
from tinytown.runtime.output import Output
from tinytown.runtime.redaction import Redactor


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

    def __init__(self, process: asyncio.subprocess.Process, output: Output, feed: int | None, launch: Launch) -> None:
        self._process = process
        self._exited = asyncio.create_task(process.wait())
        self._feed = feed
        self._inlet: _Inlet | None = None
        self._run_id = launch.env.get(RUN_MARKER, "")
        self._folder = str(launch.cwd.resolve())
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
        return cls(process, output, feed, launch)

    @property
    def identity(self) -> ChildIdentity:
        """What a later host needs to find it again."""
        return ChildIdentity(
            pid=self.pid,
            start_time=self.start_time,
            session_id=self.pid,
            run_id=self._run_id,
            folder=self._folder,
        )

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


def _start_time(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def _close(fd: int | None) -> None:
    if fd is not None:
        os.close(fd)


def _why_not(launch: Launch, error: OSError | ValueError) -> str:
    program = shortened(launch.argv[0])
    if not launch.cwd.is_dir():
        return f"cannot start {program}: its folder {launch.cwd} does not exist"
    if isinstance(error, FileNotFoundError):
        return f"cannot start {program}: no such program; install it or put it on PATH"
    if isinstance(error, PermissionError):
        return f"cannot start {program}: it is not executable"
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"cannot start {program}: {reason}"
