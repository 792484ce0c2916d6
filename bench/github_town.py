"""A town on the tests' GitHub, with a mission that watches pull requests whose checks run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import msgspec
from tests.peers.actor import Actor
from tests.peers.github import GitHub, Seen
from tests.peers.install import PACKAGES
from tests.peers.peer import Peer

from bench.town import add_agents, bench_town, open_host
from tinytown.bootstrap import Town
from tinytown.domain.forge import ForgeTraits
from tinytown.domain.ids import derive_id, new_id
from tinytown.domain.mission import Mission, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.watch import TRIGGERS, Watch, WatchKind, WatchStatus
from tinytown.domain.workitem import PullState, Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.repository.git import Git
from tinytown.runtime.launcher import host_lock
from tinytown.services.machine import machine_id
from tinytown.store.missions import Commit, Stored, targets

SECRET = "s3cret"  # noqa: S105  of nothing but this
VARIABLES: Mapping[str, str] = {"GITHUB_TOKEN": "tok-octo", "TINYTOWN_WEBHOOK_SECRET": SECRET}
_QUIET_SECS, _POLL_SECS, _LIMIT_SECS = 0.15, 0.002, 60.0


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request at GitHub, whose one check runs."""

    issue: int
    branch: str
    head: str
    number: int
    url: str
    check: int


class GitHubTown:
    """The town, its GitHub, and the owner of the repository, who is also its CI."""

    def __init__(self, town: Town, peer: Peer, github: GitHub, octo: Actor) -> None:
        self.town = town
        self.peer = peer
        self.github = github
        self.octo = octo
        self._lease = open_host(town)

    def add_agents(self, count: int, *, role: str) -> list[str]:
        """Agents that this process is the host of, and whose runs it never begins."""
        agents = add_agents(self.town, count, role=role)
        self.town.host_store.adopt(self._lease, machine_id(self.town.root), self.town.clock())
        return agents

    def renew(self) -> None:
        """Be their host for another while."""
        self.town.host_store.renew(self._lease)

    def seen_since(self, first: int) -> list[Seen]:
        """The requests that the town has made, from that one on."""
        return self.github.seen[first:]

    def rest(self) -> None:
        """Wait until the town asks nothing for a moment."""
        until, count, pause = monotonic() + _QUIET_SECS, len(self.github.seen), threading.Event()
        while monotonic() < until:
            pause.wait(_POLL_SECS)
            if len(self.github.seen) != count:
                until, count = monotonic() + _QUIET_SECS, len(self.github.seen)

    def until_answered(self, mission_id: str) -> None:
        """Wait until nothing that the mission was told of is left to be looked at. TimeoutError."""
        key, pause = self.town.keys("mission", mission_id, "signals"), threading.Event()
        until = monotonic() + _LIMIT_SECS
        while self.town.connection.execute("HLEN", key):
            if monotonic() > until:
                raise TimeoutError(f"it was not all looked at within {_LIMIT_SECS:g} s")
            pause.wait(_POLL_SECS)


@contextmanager
def github_town() -> Iterator[GitHubTown]:
    """A town whose forge is the tests' GitHub, which requires the check `ci`; nothing is left of either.

    Raises:
        RuntimeError: GitHub is not installed, or finds fault with a request.
    """
    if not PACKAGES.is_dir():
        raise RuntimeError("the tests' GitHub is not installed; run: python -m tests.peers.install")
    with TemporaryDirectory(prefix="tt-bench-github-") as folder:
        peer = Peer()
        try:
            github = peer.begin(Path(folder))
            github.rules.require("main", "ci")
            github.jobs.logs["ci"] = "step 1\nE   AssertionError: 1 is not 2\n"
            with (
                bench_town(lambda root: _settle(root, github)) as town,
                host_lock(town.state),
                closing(Actor(github, "octo")) as octo,
            ):
                yield GitHubTown(town, peer, github, octo)
            if github.faults:
                raise RuntimeError(f"the tests' GitHub finds fault with us: {github.faults[0]}")
        finally:
            peer.end()
            peer.stop()


def _settle(root: Path, github: GitHub) -> None:
    git = Git(root)
    git.run("remote", "add", "origin", str(github.bare.folder))
    git.run("fetch", "--quiet", "origin")
    file = root / "tinytown.toml"
    forge = f'kind = "github"\napi_url = "{github.url}"\nrepository = "{github.slug}"'
    file.write_text(file.read_text("utf-8").replace('kind = "local"', forge), "utf-8")


def open_pulls(there: GitHubTown, count: int, *, prefix: str) -> list[Opened]:
    """Open so many issues with a branch and a pull request each, as agents and hosts do."""
    return [_open(there, f"{prefix}/{number}") for number in range(1, count + 1)]


def _open(there: GitHubTown, branch: str) -> Opened:
    bare, octo = there.github.bare, there.octo
    head = bare.commit(bare.text("rev-parse", "main^{tree}"), (bare.text("rev-parse", "main"),), f"Work on {branch}")
    bare.set(branch, head)
    issue = octo.issue(f"Work on {branch}")
    number = octo.pull(branch, body=f"Closes {there.github.slug}#{issue}")
    url = octo.call("GET", f"pulls/{number}")["html_url"]
    return Opened(issue=issue, branch=branch, head=head, number=number, url=url, check=octo.check(head))


def watch_pulls(there: GitHubTown, pulls: Sequence[Opened], *, interval_secs: int) -> str:
    """Store a mission that has handed those pull requests in, each by an agent of its own; the mission's id."""
    town, now = there.town, there.town.clock()
    agents = there.add_agents(len(pulls), role=f"worker-{pulls[0].number}")
    mission = Mission(
        id=new_id(),
        objective_refs=(),
        state=MissionState.RUNNING,
        policy=MissionPolicy(max_parallel_items=len(pulls), watch_interval_secs=interval_secs, reviewer_required=False),
        created_at=now,
        updated_at=now,
        home=("octo", "town"),
        traits=ForgeTraits(stacks=True, has_status=True),
    )
    common: dict[str, Any] = {"mission_id": mission.id, "created_at": now, "updated_at": now}
    items = [_item(pull, agent, common) for pull, agent in zip(pulls, agents, strict=True)]
    watches = {
        watch.id: watch for item in items for watch in _watches(item, interval_secs=interval_secs, mission=mission)
    }
    town.mission_store.create(mission, items, {}, (), now)
    seen = town.mission_store.read(mission.id)
    assert isinstance(seen, Stored)  # noqa: S101  nobody has a lease on it
    commit = Commit(mission=mission, watches=tuple(watches.values()), watched=sorted(targets(watches)))
    town.mission_store.commit(seen, commit, now, due=now)
    return mission.id


def _item(pull: Opened, agent: str, common: Mapping[str, Any]) -> WorkItem:
    item_id = new_id()
    state = PullState(
        number=pull.number,
        url=pull.url,
        head=pull.head,
        head_since=common["created_at"],
        base="main",
        checks=Verdict.PENDING,
        is_heard=True,
        mergeable=Verdict.PENDING,
        opened_at=common["created_at"],
    )
    return WorkItem(
        id=item_id,
        key=f"#{pull.issue}",
        title=f"Work on {pull.branch}",
        kind=WorkKind.IMPLEMENT,
        status=WorkStatus.BLOCKED,
        source_ref=f"octo/town#{pull.issue}",
        branch=pull.branch,
        assigned_to=agent,
        tasks_given=1,
        submitted=pull.head,
        pull=state,
        artifact_refs=(pull.head, pull.url),
        **common,
    )


def _watches(item: WorkItem, *, interval_secs: int, mission: Mission) -> Iterator[Watch]:
    assert item.pull is not None  # noqa: S101  as it was made
    for kind in WatchKind:
        yield Watch(
            id=derive_id(item.id, "watch", kind.value),
            mission_id=mission.id,
            work_item_id=item.id,
            kind=kind,
            target_ref=item.pull.url,
            interval_secs=interval_secs,
            next_due_at=mission.created_at,
            status=WatchStatus.ACTIVE,
            on_trigger=TRIGGERS[kind],
        )
