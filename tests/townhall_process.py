"""A real `townhall` in a process of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2

TOWNHALL = Path(sys.executable).with_name("townhall")


class TownhallProcess:
    """One that listens; `client` asks it."""

    def __init__(self, process: subprocess.Popen[str], url: str, log: Path, client: httpx2.Client) -> None:
        self.process = process
        self.url = url
        self._log = log
        self.client = client

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text("utf-8")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and wait for that; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


@contextmanager
def serving(
    root: Path, env: Mapping[str, str], *args: str, port: int = 0, launcher: Sequence[str] = ()
) -> Iterator[TownhallProcess]:
    """`townhall` for the town in `root`, on any free port; ended at the end, in order unless the test did it.

    Args:
        root: the town's folder.
        env: its environment.
        args: further arguments.
        port: to listen on.
        launcher: the command that starts it, such as one that limits it.
    """
    log = root.parent / f"townhall-{root.name}.log"
    with (
        log.open("w", encoding="utf-8") as stderr,
        subprocess.Popen(
            [*launcher, TOWNHALL, *args, "--port", str(port)],
            cwd=root,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"https?://\S+", line)
            assert found, f"it did not start: {line}{log.read_text('utf-8')}"
            # trust_env: no proxy of this machine comes between
            with httpx2.Client(base_url=found[0], timeout=30, trust_env=False) as client:
                yield TownhallProcess(process, found[0], log, client)
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=60) == 0, log.read_text("utf-8")
        finally:
            if process.poll() is None:
                process.kill()


def settle(root: Path, table: str, *lines: str) -> None:
    """Put lines into a table of the town's settings, which may be there already."""
    settings = root / "tinytown.toml"
    text = settings.read_text("utf-8")
    head = f"\n[{table}]\n"
    if head not in text:
        text = f"{text}{head}"
    settings.write_text(text.replace(head, head + "".join(f"{line}\n" for line in lines)), "utf-8")


def refused(root: Path, env: Mapping[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    """`townhall` that is expected not to start."""
    return subprocess.run(
        [TOWNHALL, *args], cwd=root, env=dict(env), capture_output=True, encoding="utf-8", timeout=60, check=False
    )
