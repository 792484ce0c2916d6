"""Processes that take part in a measurement: started here, ended with it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.town import environment
from tinytown.bootstrap import Town

_REPOSITORY = Path(__file__).resolve().parent.parent
_BEGIN_SECS, _END_SECS, _POLL_SECS = 20.0, 20.0, 0.02
_NOTHING: Mapping[str, str] = {}


class Child:
    """A running process."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self.log = log
        """What it says on stderr."""
        self.pid = process.pid

    def line(self) -> str:
        """The next line it prints.

        Raises:
            RuntimeError: it ended instead.
        """
        assert self._process.stdout is not None  # noqa: S101  as it was started
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self.check()
        return line.strip()

    def until(self, is_so: Callable[[], object]) -> None:
        """Wait for something that it is to do.

        Raises:
            RuntimeError: it ended instead, or did not do it in time.
        """
        deadline = time.monotonic() + _BEGIN_SECS
        pause = threading.Event()
        while not is_so():
            self.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self._process.args!r} did not get ready within {_BEGIN_SECS:g} s")
            pause.wait(_POLL_SECS)

    def check(self) -> None:
        """RuntimeError when it has ended."""
        if (code := self._process.poll()) is not None:
            said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise RuntimeError(f"{self._process.args!r} ended with code {code}: {' '.join(said) or 'it said nothing'}")


@contextmanager
def child(town: Town, module: str, *arguments: str, variables: Mapping[str, str] = _NOTHING) -> Iterator[Child]:
    """Run `python -m MODULE ARGUMENTS` in a town; it is terminated at the end, and killed when that does not help.

    Args:
        town: where.
        module: what is run.
        arguments: of it.
        variables: beside those of the bench's environment.
    """
    log = town.state / "logs" / f"{'-'.join((module, *arguments))}.log"
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=_REPOSITORY,
            env={**environment(town.root), "TINYTOWN_TOWN": str(town.root), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    with process:  # closes its pipe
        try:
            yield Child(process, log)
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_END_SECS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
