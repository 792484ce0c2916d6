"""Real `tt` processes in a real git repository."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec
import psutil
import pytest
from tests.repositories import ISOLATED, commit
from tests.townhall_process import TownhallProcess, serving
from tests.waiting import wait_until

from tinytown.repository.git import Git

TT = Path(sys.executable).with_name("tt")


class TownCalls:
    """A folder, and `tt` called in it."""

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        self.root = root
        self.env = dict(env)
        self.git = Git(root)

    def tt(
        self, *args: str | os.PathLike[str] | bytes, stdin: str = "", cwd: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `tt` to its end; keyword arguments are variables of its environment."""
        return subprocess.run(
            [TT, *args],
            input=stdin,
            cwd=cwd or self.root,
            env={**self.env, **env},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    def ok(self, *args: str | os.PathLike[str], stdin: str = "", cwd: Path | None = None, **env: str) -> str:
        """What `tt` prints; it must succeed."""
        done = self.tt(*args, stdin=stdin, cwd=cwd, **env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *args: str, **env: str) -> Any:
        """What `tt … --json` prints."""
        return msgspec.json.decode(self.ok(*args, "--json", cwd=None, **env))

    def start(self, *args: str, stderr: IO[str] | int = subprocess.PIPE, **env: str) -> subprocess.Popen[str]:
        """Start `tt` and leave it running."""
        return subprocess.Popen(
            [TT, *args],
            cwd=self.root,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
        )

    def issue(self, number: int, title: str, body: str = "") -> None:
        """Write and commit an issue file."""
        text = f"---\ntitle: {title}\nlabels: []\nstate: open\nauthor: ada\n---\n{body}\n"
        commit(self.git, {f"issues/{number:04}-issue.md": text}, f"Issue {number}")

    def agent(self, name: str) -> dict[str, Any]:
        """An agent as `tt list` has it."""
        agents = {agent["name"]: agent for agent in self.json("list")["agents"]}
        found = agents[name]
        assert isinstance(found, dict)
        return found

    def processes(self) -> list[str]:
        """Command lines of the processes that belong to this folder."""
        return [line for process in psutil.process_iter() if (line := self._belonging(process))]

    def _belonging(self, process: psutil.Process) -> str | None:
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return None
            is_ours = Path(process.cwd()).is_relative_to(self.root)
            return " ".join(process.cmdline()) if is_ours else None
        except (psutil.Error, OSError):
            return None


def end(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
    """Ask a `tt` to end and wait for that; its exit code and what it printed."""
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err or ""


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes keep compiled modules: compiling them anew takes most of a short command's time."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def environment(tmp_path: Path, bytecode: Path) -> dict[str, str]:
    """An environment without this machine's settings."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, **ISOLATED, "HOME": str(home), "LANG": "C.UTF-8", "PYTHONPYCACHEPREFIX": str(bytecode)}


@pytest.fixture
def repository(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[TownCalls]:
    """A git repository with one commit; what runs in it at the end is stopped, and must have been stoppable."""
    for name, value in ISOLATED.items():
        monkeypatch.setenv(name, value)
    root = tmp_path / "shop"
    root.mkdir()
    calls = TownCalls(root, environment)
    calls.git.run("init", "--quiet", "--initial-branch=main")
    commit(calls.git, {"README.md": "hello\n"}, "Begin")
    yield calls
    if (root / "tinytown.toml").exists():
        done = calls.tt("stop")
        assert done.returncode in {0, 2}, done.stderr  # 2: the test broke the settings, so nothing was started
    wait_until(lambda: not calls.processes(), f"no process of the town is left: {calls.processes()}")


@pytest.fixture
def town(repository: TownCalls) -> TownCalls:
    """A repository that is a town."""
    repository.ok("init")
    commit(repository.git, {".gitignore": ".tt/\n"}, "Make it a town")
    repository.git.run("add", "tinytown.toml")
    repository.git.run("commit", "--quiet", "-m", "Keep the settings")
    return repository


@pytest.fixture
def townhall(town: TownCalls) -> Iterator[TownhallProcess]:
    """A real `townhall` of the town, on a port of its own; it must end in order."""
    with serving(town.root, town.env) as process:
        yield process
