"""In whatever order polls, deliveries, people, CI and crashes come, the outcome is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.forges.github_failures.hand import Hand
from tests.integration.forges.github_failures.hub import Hub
from tests.integration.forges.github_failures.outcomes import R
from tests.peers.actor import Actor
from tests.peers.exchange import CUT
from tests.peers.peer import Peer
from tests.peers.samples import Sample

from tinytown.repository.git import Git
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

EXAMPLES, ENDS_WITHIN = 8, 60
FINDING = "why is this two?"
CHANGES = {
    "open_pull": ("POST", f"{R}/pulls"),
    "merge": ("PUT", rf"{R}/pulls/\d+/merge"),
    "close": ("PATCH", rf"{R}/issues/\d+"),
    "tell": ("POST", rf"{R}/issues/\d+/comments"),
    "recheck": ("POST", rf"{R}/actions/runs/\d+/rerun-failed-jobs"),
}
DEATHS = ("open_pull", "merge", "tell", "recheck", "checks", "reviews", "mergeability")

moves = st.one_of(
    st.sampled_from(["step", "step", "step", "deliver", "deliver again", "restart", "ci", "review", "work"]),
    st.sampled_from([5, 20, 70, 200]),
    st.sampled_from(DEATHS).map(lambda call: ("die", call)),
    st.sampled_from(sorted(CHANGES)).map(lambda call: ("lose", call)),
)


class World:
    """Two pull requests: the first's check loses its runner once; the second's fails once, and a person objects."""

    def __init__(self, hub: Hub, hand: Hand) -> None:
        self.hub, self.hand = hub, hand
        hub.github.merging.closes_issues = False
        first, second = hub.hand_in(1), hub.hand_in(2)
        self._ends = {first.submitted: ["cancelled"], second.submitted: ["failure"]}
        self._objected = self._approved = False
        self._deliveries = 0
        for item in (first, second):
            hub.octo.check(hub.push(item))
        hub.start(first, second)
        self._acts: dict[str, Callable[[], None]] = {
            "step": hub.step,
            "restart": hub.restart,
            "deliver": self._deliver,
            "deliver again": lambda: hub.deliver(f"d{self._deliveries}", self._urls()),
            "ci": self.ci,
            "review": self.review,
            "work": lambda: hand.work(hub.now),
        }

    def move(self, what: Any) -> None:
        match what:
            case int() as secs:
                self.hub.pass_time(secs)
            case ("die", str() as call):
                self.hub.dies_after.append(call)
            case ("lose", str() as call):
                method, path = CHANGES[call]
                self.hub.github.samples.append(Sample(method, path, CUT, times=1, takes_effect=True))
            case _:
                self._acts[what]()

    def ci(self) -> None:
        """Every check that runs ends, and every head has one."""
        for pull in self.hub.pulls():
            head = pull["head"]["sha"]
            runs = self.hub.octo.call("GET", f"commits/{head}/check-runs")["check_runs"]
            running = [run["id"] for run in runs if run["status"] != "completed"]
            if not runs:
                running = [self.hub.octo.check(head)]
            for number in running:
                self.hub.octo.end_check(number, self._ends[head].pop() if self._ends.get(head) else "success")

    def review(self) -> None:
        """A person objects once, and is content when that was mended."""
        pull = next((one for one in self.hub.pulls() if one["head"]["ref"] == "tt/2"), None)
        if pull is None or pull["state"] != "open":
            return
        if not self._objected:
            self.hub.rev.review(pull["number"], "REQUEST_CHANGES", "", on=[("2.txt", 1, FINDING)])
            self._objected = True
        elif not self._approved and any(FINDING in text for text in self.hand.told()):
            self.hub.rev.review(pull["number"], "APPROVE")
            self._approved = True

    def end(self) -> None:
        """From here on everybody does what they should."""
        hub = self.hub
        for _ in range(ENDS_WITHIN):
            self.review()
            if hub.is_completed():
                hub.settle(600)
                return
            self.ci()
            self.hand.work(hub.now)
            due = hub.next_due()
            assert due is not None, f"nothing is due: {hub.why('#1')} {hub.why('#2')}"
            hub.pass_time(due)
            hub.step()
        raise AssertionError(f"it does not end: {hub.why('#1')} {hub.why('#2')}")

    def check(self) -> None:
        """What must be so at the end, and what must have happened once."""
        hub = self.hub
        pulls = hub.pulls()
        assert [pull["merged_at"] is not None for pull in pulls] == [True, True]
        assert sorted(hub.merges()) == sorted(f"Merge pull request #{pull['number']}" for pull in pulls)
        assert set(hub.github.bare.text("ls-tree", "--name-only", "main").split()) >= {"1.txt", "2.txt"}
        for number in (1, 2):
            assert hub.octo.call("GET", f"issues/{number}")["state"] == "closed"
            assert hub.carried_out("PATCH", f"{R}/issues/{number}") == 1, "closed once"
            assert [text.split()[0] for text in hub.comments(number)] == ["**Merged**"]
        told = self.hand.told()
        assert [FINDING in text for text in told].count(True) == self._objected, "handed over once"
        failed = Counter(task.spec.head for task in self.hand.tasks.values() if "checks" in task.spec.causes)
        assert len(failed) <= 1, "only the first commit of the second fails"
        assert all(count == 1 for count in failed.values()), "one fix for one failure"
        assert len(hub.github.jobs.reruns) == 1, "what lost its runner is run again once"

    def _deliver(self) -> None:
        self._deliveries += 1
        self.hub.deliver(f"d{self._deliveries}", self._urls())

    def _urls(self) -> list[str]:
        return [str(pull["html_url"]) for pull in self.hub.pulls()]


@contextmanager
def world(peer: Peer, redis_url: str, connection: Connection, name: str) -> Iterator[World]:
    with TemporaryDirectory() as folder:
        github = peer.begin(Path(folder) / "github")
        github.rules.require("main", "ci")
        Git(Path(folder)).run("clone", "--quiet", str(github.bare.folder), "town")
        git, keys = Git(Path(folder) / "town"), Keys.of(name)
        with closing(Actor(github, "octo")) as octo, closing(Actor(github, "rev")) as rev:
            hub = Hub(github, git, (octo, rev), redis_url, keys)
            try:
                yield World(hub, Hand(connection, keys, git, hub.now))
            finally:
                hub.close()
                peer.end()
        assert github.faults == []


def test_outcome_is_the_same_in_whatever_order_things_happen(
    github_peer: Peer, redis_url: str, connection: Connection
) -> None:
    profile = settings.default
    assert profile is not None

    @settings(max_examples=EXAMPLES if profile.derandomize else profile.max_examples)
    @given(st.lists(moves, max_size=25))
    def whatever_happens(order: list[Any]) -> None:
        with world(github_peer, redis_url, connection, f"o-{uuid4().hex[:12]}") as one:
            for what in order:
                one.move(what)
            one.end()
            one.check()

    whatever_happens()
