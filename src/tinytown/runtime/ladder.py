"""The stop ladder: ask (INT), insist (TERM), end (KILL), with a wait on each rung."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Generator, Iterable

import msgspec
import psutil

POLL_SECS = 0.05


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """How long each rung is given before the next one."""

    int_secs: float = 10.0
    term_secs: float = 5.0
    kill_secs: float = 5.0
    """After this a process is given up: it hangs in the kernel."""

    def for_leftovers(self) -> Ladder:
        """The ladder for what a child left behind when it exited: there is no work of theirs to be finished."""
        return msgspec.structs.replace(self, int_secs=0.0)

    def rungs(self) -> tuple[tuple[signal.Signals, float], ...]:
        """Signals in order, each with the seconds it is given."""
        return (
            (signal.SIGINT, self.int_secs),
            (signal.SIGTERM, self.term_secs),
            (signal.SIGKILL, self.kill_secs),
        )


def climb(
    find: Callable[[], list[psutil.Process]], ladder: Ladder, clock: Callable[[], float] = time.monotonic
) -> Generator[float, None, list[psutil.Process]]:
    """Signal what `find` sees until it sees nothing; what appears meanwhile is signalled too.

    Yields the seconds to pause, so that it serves synchronous and asynchronous callers; returns the survivors.
    """
    for number, patience in ladder.rungs():
        signalled: set[psutil.Process] = set()
        deadline = clock() + patience
        while living := find():
            for process in living:
                if process not in signalled:
                    signalled.add(process)
                    _send(process, number)
            if clock() >= deadline:
                break
            yield POLL_SECS
        else:
            return []
    return find()


def stop_all(
    processes: Iterable[psutil.Process], ladder: Ladder, pause: Callable[[float], None] = time.sleep
) -> list[psutil.Process]:
    """Stop these processes and return those that could not be stopped; ourselves and our ancestors are left alone."""
    kept = lineage()
    wanted = [process for process in processes if process.pid not in kept]
    return drive(climb(lambda: [process for process in wanted if is_living(process)], ladder), pause)


def drive(
    climbing: Generator[float, None, list[psutil.Process]], pause: Callable[[float], None] = time.sleep
) -> list[psutil.Process]:
    """Run a climb to its end, pausing the thread."""
    while True:
        try:
            pause(next(climbing))
        except StopIteration as end:
            survivors: list[psutil.Process] = end.value
            return survivors


def is_living(process: psutil.Process) -> bool:
    """Whether it is still that process, and more than an entry that nobody has collected."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def lineage() -> frozenset[int]:
    """Pids that are never to be signalled: our own and those of our ancestors."""
    me = psutil.Process()
    try:
        return frozenset({os.getpid(), *(ancestor.pid for ancestor in me.parents())})
    except psutil.Error:  # an ancestor went away while we looked
        return frozenset({os.getpid(), os.getppid()})


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)  # psutil refuses when the pid belongs to another process by now
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied:
        # a set-uid program: nothing we may do; it is reported among the survivors
        return
