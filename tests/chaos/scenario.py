"""A town of real processes that can be killed: `tt`, dispatcher, host, server and demo agents in a small repository.

Tests watch it through a connection that never starts the server, so that whoever brings it back is the program itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
import psutil
from tests.leftovers import end, is_gone, naming
from tests.repositories import ISOLATED, make_repository
from tests.waiting import wait_until

from tinytown.domain.agent import Agent
from tinytown.domain.errors import StoreUnavailableError
from tinytown.domain.event import Event
from tinytown.domain.mission import MissionState
from tinytown.domain.task import Task
from tinytown.domain.workitem import WorkItem
from tinytown.repository.git import Git
from tinytown.runtime.launcher import host_pid
from tinytown.store.agents import AgentStore
from tinytown.store.connection import Connection, connect
from tinytown.store.events import EventStream
from tinytown.store.keys import Keys
from tinytown.store.missions import MissionStore, Stored
from tinytown.store.server import server_pid, server_url
from tinytown.store.tasks import TaskStore

MARK = "CHAOS_TOWN"
"""Variable that every process of a test's town inherits; only the town's server does not get it."""

ACTOR = Path(__file__).with_name("actor.py")

TT = (sys.executable, "-m", "tinytown.cli")
TOWN = "chaos"

DESIGN = """\
Write down the API.

```markdown file=docs/api.md
# API
```
"""

IMPLEMENT = """\
Depends on #1.

```python file=shop/price.py
def price(count: int) -> int:
    return count * 2
```

```python file=shop/price.py when=fix:checks
def price(count: int) -> int:
    return count * 3
```
"""

TESTS = """\
After #2.

```python file=tests/test_more.py
import unittest

from shop.price import price


class More(unittest.TestCase):
    def test_two(self):
        self.assertEqual(price(2), 6)
```

```require file=tests/test_more.py
def test_none
```

```python file=tests/test_more.py when=fix:review
import unittest

from shop.price import price


class More(unittest.TestCase):
    def test_two(self):
        self.assertEqual(price(2), 6)

    def test_none(self):
        self.assertEqual(price(0), 0)
```
"""

NAMES = """\
After #1.

```python file=shop/names.py
NAMES = ("apple", "pear")
```
"""

ISSUES = {
    "0001-design-api": ("Design the API", "[kind:design]", DESIGN),
    "0002-implement-prices": ("Implement prices", "[role:backend]", IMPLEMENT),
    "0003-write-price-tests": ("Write price tests", "[kind:test]", TESTS),
    "0004-implement-names": ("Implement names", "[role:backend]", NAMES),
}
"""Four items; the checks of #2 fail at first (test_one wants 3), the review of #3 rejects at first."""

FILES = {
    "shop/__init__.py": "",
    "shop/price.py": "def price(count: int) -> int:\n    return count * 3\n",
    "tests/__init__.py": "",
    "tests/test_price.py": (
        "import unittest\n\nfrom shop.price import price\n\n\n"
        "class Price(unittest.TestCase):\n    def test_one(self):\n        self.assertEqual(price(1), 3)\n"
    ),
}

TEST_COMMAND = (sys.executable, "-B", "-m", "unittest", "discover", "-s", "tests", "-t", ".")

AGENTS = {"designer": "designer", "backend": "backend", "tester": "tester", "critic": "reviewer"}


ACTORS = "".join(
    f'[agent_clis.{name}]\ncommand = ["{sys.executable}", "{ACTOR}", "{name}"]\n'
    for name in ("patient", "answering", "lazy", "deaf", "leaving")
)
"""Settings that make the actors known as agent CLIs."""


def simple_issue(number: int = 1, *, kind: str = "design", more: str = "") -> dict[str, tuple[str, str, str]]:
    """An issue that any actor can work on; a design needs no review."""
    return {f"{number:04}-do-it": (f"Do it ({number})", f"[kind:{kind}]", more or "Do what has to be done.")}


def issue_file(title: str, labels: str, body: str) -> str:
    """An issue as the local forge reads it."""
    return f"---\ntitle: {title}\nlabels: {labels}\nstate: open\nauthor: ada\n---\n{body}"


def issue_files(issues: Mapping[str, tuple[str, str, str]]) -> dict[str, str]:
    """Issue files by path."""
    return {f"issues/{name}.md": issue_file(*parts) for name, parts in issues.items()}


class ChaosTown:
    """One town in one repository, and everything that runs of it."""

    def __init__(self, root: Path, *, delay_secs: float = 0.0, **environ: str) -> None:
        self.root = root
        self.mark = uuid.uuid4().hex
        self.url: str | None = environ.get("REDIS_URL")
        home = root.parent / f"home-{root.name}"
        home.mkdir(exist_ok=True)
        self.stage = root.parent / f"stage-{root.name}"
        self.stage.mkdir(exist_ok=True)
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("TINYTOWN_", "GIT_", "REDIS_URL"))
        }
        self.environ = {
            **kept,
            **ISOLATED,
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
            "TINYTOWN_DEMO_DELAY_SECS": str(delay_secs),
            "CHAOS_STAGE": str(self.stage),
            MARK: self.mark,
            **environ,
        }
        self.git = Git(root)
        self._opened: Connection | None = None
        self._children: list[subprocess.Popen[bytes]] = []

    @classmethod
    def found(
        cls,
        root: Path,
        issues: Mapping[str, tuple[str, str, str]] = ISSUES,
        *,
        files: Mapping[str, str] = FILES,
        checks: Iterable[tuple[str, ...]] = (TEST_COMMAND,),
        settings: str = "",
        delay_secs: float = 0.0,
        **environ: str,
    ) -> ChaosTown:
        """A new repository with these issues that `tt init` made a town; `settings` are added to tinytown.toml."""
        town = cls(root, delay_secs=delay_secs, **environ)
        make_repository(root, {**files, **issue_files(issues)})
        town.tt("init", "--name", TOWN)
        config = root / "tinytown.toml"
        told = msgspec.json.encode([list(check) for check in checks]).decode()
        config.write_text(f'[town]\nname = "{TOWN}"\n[forge.local]\nchecks = {told}\n{settings}')
        town.git.run("add", "--all")
        town.git.run("commit", "--quiet", "-m", "Found the town", env=ISOLATED)
        return town

    def told(self, what: str = "") -> list[tuple[str, str, int]]:
        """What actors told, in order: (what, run id, pid)."""
        file = self.stage / "told"
        lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        return [(name, run_id, int(pid)) for name, run_id, pid in lines if name.startswith(what)]

    def let_go(self) -> None:
        """Let actors that wait go on."""
        (self.stage / "go").touch()

    def tt(self, *arguments: str, code: int = 0, **environ: str) -> str:
        """Run `tt`, which must end with that exit code; what it printed on stdout."""
        done = subprocess.run(
            (*TT, *arguments),
            cwd=self.root,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, f"tt {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}"
        return done.stdout

    def spawn_all(self, agents: Mapping[str, str] = AGENTS, cli: str = "demo") -> None:
        """Start agents (name -> role)."""
        for name, role in agents.items():
            self.tt("spawn", name, "--cli", cli, "--role", role)

    def start(self, *numbers: int) -> str:
        """Start a mission with auto-merge; its id."""
        issues = [part for number in numbers for part in ("--issue", str(number))]
        told = self.tt("mission", "start", "--auto-merge", "--json", *issues)
        return str(msgspec.json.decode(told)["mission_id"])

    def dispatch(self) -> psutil.Process:
        """Start a dispatcher in the background."""
        return self.background("mission", "dispatch")

    def background(self, *arguments: str, **environ: str) -> psutil.Process:
        """Start a `tt` that goes on."""
        with (self.root.parent / f"{self.root.name}-{arguments[-1]}.log").open("ab") as log:
            child = subprocess.Popen(
                (*TT, *arguments),
                cwd=self.root,
                env={**self.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._children.append(child)
        return psutil.Process(child.pid)

    @property
    def state(self) -> Path:
        """The `.tt` folder."""
        return self.root / ".tt"

    @property
    def host(self) -> psutil.Process | None:
        """The machine's host, if it runs."""
        return _process(host_pid(self.state))

    @property
    def server(self) -> psutil.Process | None:
        """The town's own server, if it runs."""
        return _process(server_pid(self.root))

    def processes(self) -> list[psutil.Process]:
        """Everything that runs of the town, without the server."""
        return [process for process in psutil.process_iter() if _variable(process, MARK) == self.mark]

    def runs(self) -> dict[str, list[psutil.Process]]:
        """What agents run: run id -> processes."""
        found: dict[str, list[psutil.Process]] = {}
        for process in self.processes():
            run_id = _variable(process, "TINYTOWN_RUN_ID")
            if run_id:
                found.setdefault(run_id, []).append(process)
        return found

    def kill_everything(self) -> None:
        """What a power cut does to the processes."""
        end(self.mark, f"{self.root}/")

    @property
    def connection(self) -> Connection:
        """A connection that starts no server.

        Raises:
            StoreUnavailableError: none runs.
        """
        if self._opened is None:
            self._opened = connect(self.url or server_url(self.root))
        return self._opened

    @property
    def keys(self) -> Keys:
        """The town's keys."""
        return Keys.of(TOWN)

    @property
    def events(self) -> EventStream:
        """A new reader of the town's events, from now on."""
        return EventStream(connect(self.url or server_url(self.root)), self.keys)

    def all_events(self) -> list[Event]:
        """Every event so far."""
        return EventStream(self.connection, self.keys, "0-0").wait(0, limit=20_000)

    def mission(self, mission_id: str) -> Stored:
        """The mission whole."""
        stored = MissionStore(self.connection, self.keys).read(mission_id)
        assert isinstance(stored, Stored)
        return stored

    def is_in(self, mission_id: str, state: MissionState) -> bool:
        """Whether the mission is in a state; not while the server is away."""
        with contextlib.suppress(StoreUnavailableError):
            return self.mission(mission_id).mission.state is state
        return False

    def item(self, mission_id: str, key: str) -> WorkItem:
        """An item by what people call it."""
        return next(item for item in self.mission(mission_id).items.values() if item.key == key)

    def tasks(self) -> list[Task]:
        """Every task ever made."""
        names = self.connection.execute("KEYS", self.keys("task", "*"))
        store = TaskStore(self.connection, self.keys)
        return store.many([name.decode().rpartition(":")[2] for name in names])

    def agents(self) -> dict[str, Agent]:
        """The agents by name."""
        return {agent.name: agent for agent in AgentStore(self.connection, self.keys).all()}

    def wait_for_run(self, agent: str, timeout_secs: float = 20) -> list[psutil.Process]:
        """Wait until an agent's CLI runs; its processes, the CLI itself first."""
        found: list[psutil.Process] = []

        def is_running() -> bool:
            with contextlib.suppress(StoreUnavailableError):
                run_id = self.agents()[agent].run_id
                found[:] = self.runs().get(run_id or "", [])
            return bool(found)

        wait_until(is_running, f"{agent} runs", timeout_secs)
        return sorted(found, key=lambda process: (process.create_time(), process.pid))

    def wait_completed(self, mission_id: str, timeout_secs: float = 60) -> None:
        """Wait until the mission is completed; tells what it hangs on when it is not."""
        try:
            wait_until(
                lambda: self.is_in(mission_id, MissionState.COMPLETED), f"{mission_id} is completed", timeout_secs
            )
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.story()}") from None

    def story(self) -> str:
        """What a person would look at to see what is wrong."""
        parts = []
        for arguments in (("status", "--deep", "--tasks"), ("mission", "status", "--work", "--watch", "--events")):
            done = subprocess.run(
                (*TT, *arguments), cwd=self.root, env=self.environ, capture_output=True, text=True, check=False
            )
            parts.append(done.stdout + done.stderr)
        logs = [self.state / "logs" / "host.log", self.root.parent / f"{self.root.name}-dispatch.log"]
        parts += ["\n".join(log.read_text().splitlines()[-40:]) for log in logs if log.exists()]
        running = [f"{process.pid} {' '.join(command_line(process))}" for process in self.processes()]
        return "\n---\n".join((*parts, "\n".join(running)))

    def close(self) -> None:
        """Stop the town as a person does; fails when that leaves a process behind."""
        self.tt("stop")
        left = [f"{process.pid} {command_line(process)}" for process in self.living()]
        assert left == [], f"tt stop left {left}"

    def clear(self) -> None:
        """Leave nothing running and nothing open."""
        self.kill_everything()
        for child in self._children:
            child.wait(10)
        if self._opened is not None:
            self._opened.close()

    def living(self) -> list[psutil.Process]:
        """Everything that runs of the town, the server included, also one that has no pid file yet."""
        return naming(self.mark, f"{self.root}/")


def expire_lease(town: ChaosTown, *key: str) -> None:
    """Have a lease run out now; nothing else happens when its time is over."""
    assert town.connection.execute("PEXPIRE", town.keys(*key), 1) == 1
    wait_until(lambda: not town.connection.execute("EXISTS", town.keys(*key)), "the lease has run out")


def kill(process: psutil.Process, number: int = signal.SIGKILL) -> bool:
    """Signal a process; whether it was there."""
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return False
    if number == signal.SIGKILL:
        wait_until(lambda: is_gone(process), f"{process.pid} is gone")
    return True


def command_line(process: psutil.Process) -> list[str]:
    """Its arguments; none when it is gone."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _process(pid: int | None) -> psutil.Process | None:
    try:
        return None if pid is None else psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _variable(process: psutil.Process, name: str) -> str | None:
    try:
        return process.environ().get(name)
    except (psutil.Error, OSError):
        return None


@contextlib.contextmanager
def closed(town: ChaosTown) -> Iterator[ChaosTown]:
    """Stop the town at the end as a person does; whatever happens, nothing of it is left running."""
    try:
        yield town
        town.close()
    finally:
        town.clear()
