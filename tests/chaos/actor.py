"""An agent CLI that does what a test wants: `python actor.py BEHAVIOUR`.

It tells what it does in the file `told` of the folder CHAOS_STAGE, a line each (`<what> <run id> <pid>`), and waits for
files that the test puts there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

STAGE = Path(os.environ.get("CHAOS_STAGE", "."))
AUTHOR = ("-c", "user.name=Actor", "-c", "user.email=actor@example.org")


def tell(what: str) -> None:
    line = f"{what} {os.environ['TINYTOWN_RUN_ID']} {os.getpid()}\n"
    with (STAGE / "told").open("a") as file:
        file.write(line)


def wait_for(name: str) -> None:
    while not (STAGE / name).exists():
        time.sleep(0.01)


def commit(name: str) -> None:
    if Path(name).exists():  # an earlier run has done it
        return
    Path(name).write_text(f"{name}\n")
    subprocess.run(("git", "add", name), check=True)
    subprocess.run(("git", *AUTHOR, "commit", "--quiet", "-m", f"Write {name}"), check=True)


def report(*words: str) -> None:
    tell(f"report-{subprocess.run(('tt', 'task', *words), check=False).returncode}")


def patient() -> None:
    """Commits a part in each run, waits to be let go, commits the rest and reports."""
    tell("started")
    commit(f"part-{os.environ['TINYTOWN_RUN_ID'][:8]}.txt")
    tell("committed")
    wait_for("go")
    commit("rest.txt")
    report("complete", "--result", "all of it")


def answering() -> None:
    """Waits to be let go, then answers without having changed anything."""
    tell("started")
    wait_for("go")
    report("complete", "--result", f"answered by {os.environ['TINYTOWN_AGENT_NAME']}")


def lazy() -> None:
    """Says that it is done, and has done nothing."""
    tell("started")
    report("complete", "--result", "done")


def deaf() -> None:
    """Hears no signal that can be ignored."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tell("started")
    while True:
        time.sleep(60)


def leaving() -> None:
    """Leaves a daemon in a session of its own behind."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        tell("daemon")
        while True:
            time.sleep(60)
    os.wait()
    wait_for("told")
    commit("work.txt")
    report("complete", "--result", "done, and left something running")


if __name__ == "__main__":
    {"patient": patient, "answering": answering, "lazy": lazy, "deaf": deaf, "leaving": leaving}[sys.argv[1]]()
