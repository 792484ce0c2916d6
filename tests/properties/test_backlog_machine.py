"""Random use of the backlog against the real store: each task is where the model says, and nowhere else."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.integration.store.stores import MACHINE, NOW, Stores, make_spec

from tinytown.domain.agent import AgentState
from tinytown.domain.errors import ConflictError, IllegalTransitionError
from tinytown.domain.ids import new_id
from tinytown.domain.task import Report, TaskState
from tinytown.store.backlog import BacklogStore
from tinytown.store.connection import Connection, connect
from tinytown.store.hosts import Claim, HostLease
from tinytown.store.keys import Keys

EXAMPLES, STEPS = 60, 40
LIVES = 3
STEP = timedelta(seconds=2)
"""Longer than anybody is patient."""
ROLES = {"backend": "backend", "frontend": "frontend", "helper": "worker", "critic": "reviewer"}

names = st.sampled_from(list(ROLES))
wishes = st.sampled_from([(), (), ("role:backend",), ("Frontend", "urgent"), ("helper",), ("reviewer",), ("nobody",)])
picks = st.integers(0, 30)
seldom = st.sampled_from([True, False, False, False])
outcomes = st.sampled_from(["completed", "failed", "retry"])


class Known(msgspec.Struct, kw_only=True):
    """A task as it must be."""

    id: str
    wishes: frozenset[str]
    state: TaskState = TaskState.PENDING
    owner: str | None = None
    is_taken: bool = False
    deaths: int = 0


class Worker(msgspec.Struct, kw_only=True):
    """An agent as it must be."""

    name: str
    id: str
    is_stopped: bool = False
    run: str | None = None
    task: Known | None = None
    inbox: list[Known] = msgspec.field(default_factory=list)

    def tier(self, task: Known) -> int:
        """How well a task suits it; 3 is not at all."""
        if task.wishes & {self.name, ROLES[self.name]}:
            return 0
        return {"helper": 1, "critic": 3}.get(self.name, 2)


class BacklogMachine(RuleBasedStateMachine):
    """Agents, people and dying hosts around one backlog."""

    redis_url: str

    @initialize()
    def begin(self) -> None:
        self.connection: Connection = connect(self.redis_url)
        self.town = Stores(self.connection, Keys.of(f"t-{uuid.uuid4().hex[:12]}"))
        self.backlog = BacklogStore(self.connection, self.town.keys)
        self.now: datetime = NOW
        self.tasks: list[Known] = []
        """All there ever were, the oldest first."""
        self.workers = {name: Worker(name=name, id=self.town.agent(name, role=role)) for name, role in ROLES.items()}
        self.lease: HostLease = self.town.host(new_id(), MACHINE)

    def teardown(self) -> None:
        for key in self.connection.execute("KEYS", f"{self.town.keys.prefix}:*"):
            self.connection.execute("DEL", key)
        self.connection.close()

    def later(self) -> datetime:
        self.now += STEP
        return self.now

    def waiting(self) -> list[Known]:
        return [task for task in self.tasks if task.state is TaskState.PENDING]

    def give(self, task: Known, worker: Worker, *, is_taken: bool = False) -> None:
        task.state, task.owner, task.is_taken = TaskState.ASSIGNED, worker.id, is_taken
        worker.inbox.append(task)

    def end(self, task: Known, state: TaskState) -> None:
        task.state = state
        for worker in self.workers.values():
            worker.inbox = [one for one in worker.inbox if one is not task]

    def give_back(self, worker: Worker) -> None:
        """What a stopped agent took goes back."""
        for task in tuple(worker.inbox):
            if task.is_taken and task.state is TaskState.ASSIGNED:
                worker.inbox.remove(task)
                task.state, task.owner, task.is_taken = TaskState.PENDING, None, False

    def next_for(self, worker: Worker) -> Known | None:
        """What an idle agent must begin."""
        if worker.inbox:
            return worker.inbox[0]
        present = [one for one in self.workers.values() if not one.is_stopped]
        for task in self.waiting():
            has_wished = any(one.tier(task) == 0 for one in present)
            if worker.tier(task) < (2 if has_wished else 3):
                return task
        return None

    @rule(added=st.lists(wishes, min_size=1, max_size=3))
    def add(self, added: list[tuple[str, ...]]) -> None:
        at = self.later()
        for tags in added:
            spec = make_spec(tags=tags)
            self.backlog.add(spec, at)
            self.tasks.append(Known(id=spec.id, wishes=frozenset(tag.lower().removeprefix("role:") for tag in tags)))

    @rule(pick=picks, name=names)
    def claim(self, pick: int, name: str) -> None:
        if not self.tasks:
            return
        task, worker = self.tasks[-1 - pick % len(self.tasks)], self.workers[name]
        try:
            self.backlog.claim(task.id, worker.id, self.later())
        except IllegalTransitionError:
            assert worker.is_stopped
        except ConflictError:
            assert task.state is not TaskState.PENDING
        else:
            assert task.state is TaskState.PENDING
            assert not worker.is_stopped
            self.give(task, worker)

    @rule(name=names, is_done=seldom)
    def assign_all(self, name: str, *, is_done: bool) -> None:
        worker, expected = self.workers[name], self.waiting()
        if worker.is_stopped or not is_done:
            return
        assert self.backlog.assign_all(worker.id, self.later()) == [task.id for task in expected]
        for task in expected:
            self.give(task, worker)

    @rule(pick=picks)
    def remove(self, pick: int) -> None:
        if not self.tasks:
            return
        task = self.tasks[pick % len(self.tasks)]
        try:
            self.backlog.remove(task.id, self.later())
        except ConflictError:
            assert task.state is not TaskState.PENDING
        else:
            assert task.state is TaskState.PENDING
            self.end(task, TaskState.CANCELLED)

    @rule(pick=picks, report=st.sampled_from([Report.COMPLETED, Report.FAILED]))
    def person_reports(self, pick: int, report: Report) -> None:
        open_ones = [task for task in self.tasks if task.state in {TaskState.PENDING, TaskState.ASSIGNED}]
        if open_ones:
            task = open_ones[pick % len(open_ones)]
            self.town.tasks.report(task.id, report, self.later(), reason="so", run_id=None)
            self.end(task, TaskState(report.value))

    @rule(order=st.permutations(list(ROLES)))
    def begin_runs(self, order: list[str]) -> None:
        for name in order:
            self.begin_a_run(name)

    @rule(name=names)
    def begin_a_run(self, name: str) -> None:
        worker, run = self.workers[name], new_id()
        expected = None if worker.run or worker.is_stopped else self.next_for(worker)
        found = self.town.hosts.claim(self.lease, worker.id, run, self.later(), takes_backlog=True)
        assert (found.task.id if isinstance(found, Claim) and found.task else found) == (expected and expected.id)
        if expected is not None:
            if expected.state is TaskState.PENDING:
                self.give(expected, worker, is_taken=True)
            expected.state, worker.run, worker.task = TaskState.RUNNING, run, expected

    @rule(outcome=outcomes, pick=picks)
    def end_a_run(self, outcome: str, pick: int) -> None:
        running = [worker for worker in self.workers.values() if worker.run is not None]
        if running:
            self.finish(running[pick % len(running)], outcome)

    def finish(self, worker: Worker, outcome: str) -> None:
        assert worker.run is not None
        assert worker.task is not None
        fields = {"reason": "so"} if outcome == "retry" else {}
        self.town.finish(self.lease, worker.id, outcome, run=worker.run, at=self.later(), task_fields=fields)
        task, worker.run, worker.task = worker.task, None, None
        task.deaths = 0
        if outcome == "retry":
            task.state = TaskState.ASSIGNED
        else:
            self.end(task, TaskState(outcome))
        if worker.is_stopped:
            self.give_back(worker)

    @rule(name=names, is_done=seldom)
    def stop(self, name: str, *, is_done: bool) -> None:
        worker = self.workers[name]
        if is_done and not worker.is_stopped:
            self.town.agents.move(worker.id, AgentState.STOPPED, self.later())
            worker.is_stopped = True
            self.give_back(worker)

    @rule()
    def start_anew(self) -> None:
        for worker in self.workers.values():
            if worker.is_stopped and worker.run is None:
                self.town.agent(worker.name, role=ROLES[worker.name], created_at=self.later())
                self.town.hosts.adopt(self.lease, MACHINE, self.now)
                worker.is_stopped = False

    @rule(times=st.sampled_from([0, 0, 0, 1, LIVES]))
    def host_dies(self, times: int) -> None:
        for _ in range(times):
            self.host_is_followed_by_another()
            self.begin_runs(list(ROLES))

    def host_is_followed_by_another(self) -> None:
        self.lease, _ = self.town.hosts.open(new_id(), MACHINE, {"pid": "1"}, self.later())
        self.town.hosts.adopt(self.lease, MACHINE, self.now)
        for worker in self.workers.values():
            if worker.task is not None:
                worker.task.state = TaskState.ASSIGNED
                worker.task.deaths += 1
                if worker.task.deaths == LIVES:
                    self.end(worker.task, TaskState.FAILED)
            worker.run = worker.task = None
            if worker.is_stopped:
                self.give_back(worker)

    @invariant()
    def every_task_is_where_it_must_be(self) -> None:
        stored = self.town.tasks.many([task.id for task in self.tasks])
        assert [(task.id, task.state) for task in stored] == [(task.id, task.state) for task in self.tasks]
        for task, known in zip(stored, self.tasks, strict=True):
            if known.state in {TaskState.PENDING, TaskState.ASSIGNED, TaskState.RUNNING}:
                assert task.agent_id == known.owner

    @invariant()
    def the_backlog_has_what_nobody_has_in_order_of_age(self) -> None:
        assert [task.id for task in self.backlog.page(1000)] == [task.id for task in self.waiting()]

    @invariant()
    def agents_have_what_was_given_to_them_and_nothing_else(self) -> None:
        for worker in self.workers.values():
            expected = [task.id for task in worker.inbox]
            assert [message.task_id for message in self.town.inbox.waiting(worker.id)] == expected
            assert sorted(self.town.agents.task_ids(worker.id)) == sorted(expected)


def test_a_backlog_is_what_a_simple_model_says(redis_url: str) -> None:
    machine = type("Machine", (BacklogMachine,), {"redis_url": redis_url})
    run_state_machine_as_test(machine, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS))
