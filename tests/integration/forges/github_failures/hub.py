"""A mission on the tests' GitHub, stepped by a real dispatcher; its agents have handed in their branches already."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from tests.peers.actor import Actor
from tests.peers.github import GitHub as Peer
from tests.repositories import branch_with

from tinytown.domain.ids import new_id
from tinytown.domain.mission import Mission, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.refs import ObjectiveRef
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import WorkItem, WorkKind, WorkStatus
from tinytown.forges.github.access import token_access
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.conditional import Conditional
from tinytown.forges.github.forge import GitHubForge, Place
from tinytown.forges.github.looks import Choices
from tinytown.forges.github.quota import Quota
from tinytown.forges.github.session import Session
from tinytown.forges.github.transport import Transport
from tinytown.forges.github.turns import Turns
from tinytown.planner import directives
from tinytown.planner.draft import Draft
from tinytown.planner.reasons import reasons
from tinytown.repository.git import Git
from tinytown.repository.remote import Remote
from tinytown.services.commits import command, to_snapshot
from tinytown.services.dispatch import Dispatcher, DispatchTools
from tinytown.services.planning import Planning
from tinytown.services.presence import Presence
from tinytown.store.connection import connect
from tinytown.store.deliveries import DeliveryStore
from tinytown.store.dispatchers import Dispatcher as Record
from tinytown.store.dispatchers import DispatcherStore
from tinytown.store.events import EventStream
from tinytown.store.keys import Keys
from tinytown.store.missions import MissionStore, Stored
from tinytown.store.pool import ConnectionPool

MISSION = "00000000-0000-4000-8000-000000000001"
CHECK = "ci"


class KilledError(Exception):
    """The dispatcher's process was killed here; nothing of ours catches it."""


class Mortal:
    """A forge whose process is killed when a call of that name has been carried out, before anybody hears of it."""

    def __init__(self, forge: GitHubForge, dies_after: list[str]) -> None:
        self._forge = forge
        self._dies_after = dies_after

    def on_behalf_of(self, mission_id: str) -> Mortal:
        return Mortal(self._forge.on_behalf_of(mission_id), self._dies_after)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._forge, name)
        return self._dying(found, name) if callable(found) else found

    def _dying(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def called(*args: Any, **named: Any) -> Any:
            done = call(*args, **named)
            if name in self._dies_after:
                self._dies_after.remove(name)
                raise KilledError(name)
            return done

        return called


class Process:
    """One dispatcher's process: what it remembers dies with it."""

    def __init__(self, hub: Hub) -> None:
        self._connection = connect(hub.redis_url)
        pool = ConnectionPool(lambda: connect(hub.redis_url))
        transport = Transport(hub.github.url, timeout_secs=0.3, total_secs=5.0)
        access = token_access(hub.github.url, {"GITHUB_TOKEN": hub.token, "PATH": str(hub.folder)})
        session = Session(transport, access, Quota(pool, hub.keys), hub.clock)
        self._client = GitHub(session, Conditional(pool), pauses_secs=(0.0, 0.0))
        self._turns = Turns(lambda: connect(hub.redis_url), hub.keys)
        place = Place(
            repository=Repository(host="github.com", owner="octo", name="town"),
            remote=Remote(hub.git),
            state_folder=hub.git.folder / ".tt",
        )
        choices = Choices(trusted=("OWNER", "MEMBER", "COLLABORATOR"), bots=("bot",), flaky=("lost",), grace_secs=300)
        self.forge = GitHubForge(self._client, place, choices, turn=self._turns.at, now=hub.clock)
        mortal: Any = Mortal(self.forge, hub.dies_after)
        missions = MissionStore(self._connection, hub.keys)
        tools = DispatchTools(
            record=Record(id=new_id(), machine="here", pid=1, started_at=hub.clock()),
            missions=missions,
            dispatchers=DispatcherStore(self._connection, hub.keys),
            events=EventStream(self._connection, hub.keys),
            forge=mortal,
            planning=Planning(mortal, hub.git.folder),
            roles=lambda: frozenset({"worker"}),
            ensure_host=lambda: None,
            clock=hub.clock,
            sleep=lambda _: None,
            presence=Presence(hub.folder),
            tick_secs=lambda: 30,
        )
        self.dispatcher = Dispatcher(tools)

    def end(self) -> None:
        """Its connections end with it."""
        self._client.close()
        self._turns.close()
        self._connection.close()


class Hub:
    """The mission, its dispatcher, and the time."""

    def __init__(self, github: Peer, git: Git, people: tuple[Actor, Actor], redis_url: str, keys: Keys) -> None:
        self.github, self.git = github, git
        self.octo, self.rev = people
        folder = git.folder.parent
        self.redis_url, self.keys, self.folder = redis_url, keys, folder
        self.token = "tok-octo"
        self.dies_after: list[str] = []
        """Calls of the forge after which the dispatcher is killed, once each."""
        self.deaths = 0
        self.now = datetime.now(UTC).replace(microsecond=0)
        self._own = connect(redis_url)
        self.missions = MissionStore(self._own, keys)
        self._process = Process(self)

    def clock(self) -> datetime:
        return self.now

    def close(self) -> None:
        """Leave nothing behind."""
        self._process.end()
        for pattern in (f"{self.keys.prefix}:*", "tt:github:*"):
            if found := self._own.execute("KEYS", pattern):
                self._own.execute("DEL", *found)
        self._own.close()

    # The mission

    def hand_in(self, number: int, *needs: WorkItem, title: str = "thing", start: str = "origin/main") -> WorkItem:
        """An issue, and its item whose agent has just handed in its branch."""
        assert self.octo.issue(title) == number
        branch = f"tt/{number}"
        head = branch_with(self.git, branch, {f"{number}.txt": f"{number}\n"}, start=start)
        return WorkItem(
            id=f"00000000-0000-4000-8000-0000000001{number:02}",
            mission_id=MISSION,
            key=f"#{number}",
            title=title,
            kind=WorkKind.IMPLEMENT,
            status=WorkStatus.BLOCKED,
            depends_on=tuple(item.id for item in needs),
            branch=branch,
            source_ref=f"octo/town#{number}",
            submitted=head,
            tasks_given=1,
            created_at=self.now,
            updated_at=self.now,
        )

    def start(self, *items: WorkItem, objectives: tuple[ObjectiveRef, ...] = ()) -> None:
        """Store the mission: running with these items, else still to be planned."""
        mission = Mission(
            id=MISSION,
            objective_refs=objectives,
            state=MissionState.RUNNING if items else MissionState.PLANNING,
            policy=MissionPolicy(auto_merge=True, reviewer_required=False),
            created_at=self.now,
            updated_at=self.now,
            home=("octo", "town"),
            traits=GitHubForge.traits,
        )
        self.missions.create(mission, items, {}, (), self.now)

    @staticmethod
    def changed(item: WorkItem, **changes: Any) -> WorkItem:
        return msgspec.structs.replace(item, **changes)

    def push(self, item: WorkItem) -> str:
        """Its agent's host has pushed the branch already; its head."""
        self.git.run("push", "--quiet", "origin", item.branch)
        assert item.submitted is not None
        return item.submitted

    def ready(self, number: int, *needs: WorkItem) -> WorkItem:
        """An item that was pushed, and whose checks have passed: one step merges it."""
        item = self.hand_in(number, *needs)
        self.octo.check(self.push(item), "success")
        return item

    def read(self) -> Stored:
        stored = self.missions.read(MISSION)
        assert isinstance(stored, Stored)
        return stored

    def item(self, key: str = "#1") -> WorkItem:
        return next(item for item in self.read().items.values() if item.key == key)

    def why(self, key: str = "#1") -> tuple[str, ...]:
        """What `tt mission why` says of an item."""
        return reasons(Draft(to_snapshot(self.read()), self.now), self.item(key))

    def log(self, type_: str) -> list[str]:
        """The mission's events of a type, oldest first."""
        return [event.text for event in self.missions.events(MISSION) if event.type == type_]

    # What happens

    def step(self) -> None:
        """The dispatcher brings the mission as far as it goes; when it is killed, the next one starts anew."""
        try:
            assert self._process.dispatcher.step(MISSION)
        except KilledError:
            self.deaths += 1
            self.restart()

    def restart(self) -> None:
        """Another process takes the mission over."""
        self._process.end()
        self._own.execute("DEL", self.keys("mission", MISSION, "lease"))
        self._process = Process(self)

    def pass_time(self, secs: float) -> None:
        self.now += timedelta(seconds=secs)

    def next_due(self) -> float | None:
        """Seconds until the mission wants to be stepped again; None: only something from outside moves it."""
        ms = self._own.execute("ZSCORE", self.keys("mission", "due"), MISSION)
        return None if ms is None else max(float(ms) / 1000 - self.now.timestamp(), 0.0)

    def retry_in(self, key: str = "#1") -> float:
        """Seconds until the forge is tried again for an item."""
        at = self.item(key).retry_at
        assert at is not None, f"nothing is tried again: {self.why(key)}"
        return (at - self.now).total_seconds()

    def look_in(self, kind: WatchKind, key: str = "#1") -> float:
        """Seconds until an item's pull request is looked at again."""
        mine = [watch for watch in self.read().watches.values() if watch.work_item_id == self.item(key).id]
        (watch,) = (watch for watch in mine if watch.kind is kind)
        return (watch.next_due_at - self.now).total_seconds()

    def live(self, until: Callable[[], bool], *, within_secs: float = 7200) -> float:
        """Step whenever it is due until that is so; how many seconds it took."""
        began, steps = self.now, 0
        while not until():
            due = self.next_due()
            steps += 1
            passed = (self.now - began).total_seconds()
            assert due is not None, f"nothing is due any more: {self.why()}"
            assert passed <= within_secs, f"not within {within_secs} s: {self.why()}"
            assert steps < 500, f"it spins: {self.why()}"
            self.pass_time(due)
            self.step()
        return (self.now - began).total_seconds()

    def settle(self, within_secs: float) -> None:
        """Step until nothing is due within that time."""
        for _ in range(20):
            due = self.next_due()
            if due is None or due > within_secs:
                return
            self.pass_time(due)
            self.step()

    def resume(self) -> None:
        """A person resumes the mission."""
        command(self.missions, MISSION, directives.resume, lambda: self.now)

    def deliver(self, delivery: str, urls: Iterable[str]) -> None:
        """GitHub delivers that something about these pull requests changed."""
        DeliveryStore(self._own, self.keys).take(delivery, list(urls), [], "changed", self.now)

    # What can be seen at GitHub

    def is_completed(self) -> bool:
        return self.read().mission.state is MissionState.COMPLETED

    def pulls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.octo.call("GET", "pulls?state=all&per_page=100")
        return sorted(found, key=lambda pull: int(pull["number"]))

    def merges(self) -> list[str]:
        """The subjects of the merges in main, oldest first."""
        git = Git(self.github.bare.folder)
        return [line for line in git.items("log", "-z", "--merges", "--reverse", "--format=%s", "main") if line]

    def comments(self, number: int = 1) -> list[str]:
        return [one["body"] for one in self.octo.call("GET", f"issues/{number}/comments?per_page=100")]

    def carried_out(self, method: str, path: str) -> int:
        """How often the dispatcher asked for that, by whatever it was answered."""
        return sum((one.request.method, one.request.path) == (method, path) for one in self.github.seen)
