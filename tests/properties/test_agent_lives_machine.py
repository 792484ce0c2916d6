"""Agents that are started, interrupted, closed, stopped and pruned at random, with hosts that die: nothing is ever lost."""

from __future__ import annotations

import contextlib
import uuid
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.integration.store.stores import MACHINE, NOW, Stores, make_message, make_spec

from tinytown.domain.agent import AGENT_LIFECYCLE, GONE, AgentState
from tinytown.domain.errors import AlreadyExistsError, ConflictError, IllegalTransitionError, NotFoundError
from tinytown.domain.ids import CONDUCTOR, new_id
from tinytown.domain.message import MessageKind
from tinytown.domain.task import TaskState
from tinytown.store.agents import BACKLOG
from tinytown.store.connection import Connection, connect
from tinytown.store.hosts import Claim, HostLease
from tinytown.store.keys import Keys

EXAMPLES, STEPS = 60, 50
STEP = timedelta(seconds=2)
NAMES = ("ann", "bob")
REFUSED = (ConflictError, IllegalTransitionError, NotFoundError, AlreadyExistsError)
WHY = "because"

names = st.sampled_from(NAMES)
targets = st.sampled_from([*NAMES, BACKLOG])
coin = st.booleans()
kinds = st.sampled_from([MessageKind.QUERY, MessageKind.INFO])
endings = st.sampled_from(
    [("completed", "idle"), ("retry", "idle"), ("retry", "error"), ("retry", "paused"), ("failed", "idle")]
)


class LivesMachine(RuleBasedStateMachine):
    """Agents, their operator and dying hosts."""

    redis_url: str

    @initialize()
    def begin(self) -> None:
        self.connection: Connection = connect(self.redis_url)
        self.town = Stores(self.connection, Keys.of(f"t-{uuid.uuid4().hex[:12]}"))
        self.now: datetime = NOW
        self.tasks: set[str] = set()
        self.messages: set[str] = set()
        """Those that nobody has dealt with."""
        self.runs: dict[str, Claim] = {}
        """What is under way in the host that lives."""
        for name in NAMES:
            self.town.agent(name)
        self.lease: HostLease = self.town.host(new_id(), MACHINE)

    def teardown(self) -> None:
        for key in self.connection.execute("KEYS", f"{self.town.keys.prefix}:*"):
            self.connection.execute("DEL", key)
        self.connection.close()

    def later(self) -> datetime:
        self.now += STEP
        return self.now

    def id_of(self, name: str) -> str:
        return self.town.agents.find_id(name)

    # What comes in

    @rule(name=names)
    def assign(self, name: str) -> None:
        spec = make_spec(created_at=self.later())
        with contextlib.suppress(*REFUSED):
            self.town.tasks.assign(spec, self.id_of(name), self.now)
            self.tasks.add(spec.id)

    @rule(name=names, kind=kinds, is_urgent=coin)
    def send(self, name: str, kind: MessageKind, is_urgent: bool) -> None:  # noqa: FBT001  hypothesis gives it
        with contextlib.suppress(*REFUSED):
            message = make_message(self.id_of(name), kind=kind, is_urgent=is_urgent, sent_at=self.later())
            self.town.inbox.send(message)
            self.messages.add(message.id)

    # Hosts and their runs

    @rule(name=names)
    def claim(self, name: str) -> None:
        with contextlib.suppress(*REFUSED):
            agent = self.id_of(name)
            run = new_id()
            if any(one == agent for one in self.runs_of()):
                return
            claim = self.town.hosts.claim(self.lease, agent, run, self.later())
            if isinstance(claim, Claim):
                self.runs[f"{agent} {run}"] = claim

    def runs_of(self) -> list[str]:
        return [key.split()[0] for key in self.runs]

    @rule(ending=endings, is_round=coin)
    def finish(self, ending: tuple[str, str], is_round: bool) -> None:  # noqa: FBT001  as above
        if not self.runs:
            return
        key = next(iter(self.runs))
        claim = self.runs.pop(key)
        agent, run = key.split()
        outcome, state = ending
        limited = {"paused_until": (self.now + STEP).isoformat()} if state == "paused" else {}
        self.town.finish(
            self.lease,
            agent,
            outcome,
            run=run,
            at=self.later(),
            agent_state=state,
            agent_fields=limited,
            is_round=is_round,
            max_tries=1000,
        )
        if outcome != "retry":
            self.messages -= {message.id for message in claim.messages}

    @rule(is_orderly=coin)
    def have_another_host(self, is_orderly: bool) -> None:  # noqa: FBT001  as above
        if is_orderly:
            self.town.hosts.close(self.lease, self.later())
        elif self.runs:
            return  # deaths cost lives, which the backlog's machine looks at
        self.runs.clear()
        self.lease = self.town.host(new_id(), MACHINE)

    @rule()
    def adopt(self) -> None:
        self.town.hosts.adopt(self.lease, MACHINE, self.later())

    # What the operator does

    @rule(name=names)
    def interrupt(self, name: str) -> None:
        with contextlib.suppress(*REFUSED):
            self.town.agents.interrupt(self.id_of(name), self.later(), WHY)

    @rule(name=names)
    def resume(self, name: str) -> None:
        with contextlib.suppress(*REFUSED):
            self.town.agents.resume(self.id_of(name), self.later())

    @rule(name=names)
    def close(self, name: str) -> None:
        with contextlib.suppress(*REFUSED):
            self.town.agents.close(self.id_of(name), self.later(), WHY)

    @rule(name=names, is_forced=coin)
    def kill(self, name: str, is_forced: bool) -> None:  # noqa: FBT001  as above
        with contextlib.suppress(*REFUSED):
            self.town.agents.kill(self.id_of(name), self.later(), WHY, is_forced=is_forced)

    @rule(name=names, is_forced=coin)
    def restart(self, name: str, is_forced: bool) -> None:  # noqa: FBT001  as above
        with contextlib.suppress(*REFUSED):
            self.town.agents.restart(self.id_of(name), self.later(), WHY, is_forced=is_forced)

    @rule(name=names, to=targets, may_live=coin)
    def reclaim(self, name: str, to: str, may_live: bool) -> None:  # noqa: FBT001  as above
        with contextlib.suppress(*REFUSED):
            target = BACKLOG if to == BACKLOG else self.id_of(to)
            if target != self.id_of(name):
                self.town.agents.reclaim(self.id_of(name), target, self.later(), may_live=may_live)

    @rule(name=names, hands_over=coin)
    def prune(self, name: str, hands_over: bool) -> None:  # noqa: FBT001  as above
        with contextlib.suppress(*REFUSED):
            self.town.agents.prune(self.id_of(name), GONE, self.later(), hands_over=hands_over)

    @rule(name=names)
    def spawn(self, name: str) -> None:
        with contextlib.suppress(*REFUSED):
            self.town.agent(name, created_at=self.later())

    # What must hold

    @invariant()
    def every_message_is_in_one_inbox(self) -> None:
        owners = [CONDUCTOR, *(agent.id for agent in self.town.agents.all())]
        found = [m for owner in owners for m in self.town.inbox.waiting(owner) if m.task_id is None]
        assert sorted(message.id for message in found) == sorted(self.messages)
        assert all(message.to in owners for message in found)

    @invariant()
    def every_open_task_is_in_one_place(self) -> None:
        agents = {agent.id: agent for agent in self.town.agents.all()}
        backlog = {i.decode() for i in self.connection.execute("ZRANGE", self.town.keys("backlog"), 0, -1)}
        inboxes = {a: {m.task_id for m in self.town.inbox.waiting(a) if m.task_id} for a in agents}
        sets = {a: set(self.town.agents.task_ids(a)) for a in agents}
        assert inboxes == sets
        for task in self.town.tasks.many(sorted(self.tasks)):
            places = [a for a in agents if task.id in inboxes[a]] + ([BACKLOG] if task.id in backlog else [])
            if task.state is TaskState.PENDING:
                assert places == [BACKLOG]
            elif task.is_open:
                assert places == [task.agent_id]
                is_at_it = agents[task.agent_id or ""].task_id == task.id
                assert (task.state is TaskState.RUNNING) == is_at_it == (task.run_id is not None)
            else:
                assert places == []

    @invariant()
    def states_and_marks_fit_together(self) -> None:
        coming_back = {AgentState.PAUSED, AgentState.COLD, AgentState.STARTING}
        under_way = {key.split()[0]: key.split()[1] for key in self.runs}
        for agent in self.town.agents.all():
            assert agent.run_id == under_way.get(agent.id), "nobody else ends or begins runs"
            assert not agent.is_interrupted or agent.state in coming_back
            assert agent.closing is None or agent.state in {*coming_back, AgentState.DRAINING}
            if agent.state is AgentState.WORKING:
                assert agent.run_id is not None
            if self.connection.execute("HEXISTS", self.town.keys("agent", agent.id), "restarts"):
                assert agent.run_id is not None, "else it would never start"
                assert agent.state in {AgentState.PAUSED, AgentState.STOPPED}
            if agent.state in {AgentState.IDLE, AgentState.COLD, AgentState.STARTING, AgentState.ERROR}:
                assert agent.run_id is None

    @invariant()
    def states_follow_each_other_as_the_table_says(self) -> None:
        told: dict[str, list[AgentState]] = {}
        for event in self.town.history():
            name = event.type.removeprefix("agent.")
            if event.type == "agent.spawned":
                told.setdefault(event.agent_id or "", []).append(AgentState.STARTING)
            elif event.type == "agent.pruned":
                del told[event.agent_id or ""]
            elif event.type == "run.started" and told[event.agent_id or ""][-1] is AgentState.IDLE:
                told[event.agent_id or ""].append(AgentState.WORKING)
            elif event.type.startswith("agent."):
                told[event.agent_id or ""].append(AgentState(name))
        for agent in self.town.agents.all():
            assert told[agent.id][-1] is agent.state
        for states in told.values():
            for old, new in pairwise(states):
                assert old is new or AGENT_LIFECYCLE.allows(old, new), f"{old.value} -> {new.value}"

    @invariant()
    def pruned_agents_leave_nothing_behind(self) -> None:
        known = {CONDUCTOR, *(agent.id for agent in self.town.agents.all())}
        prefix = f"{self.town.keys.prefix}:"
        for raw in self.connection.execute("KEYS", f"{prefix}*"):
            kind, *rest = raw.decode().removeprefix(prefix).split(":")
            assert kind not in {"agent", "inbox"} or rest[0] in known


def test_no_task_and_no_message_is_lost_whatever_is_done_to_agents(redis_url: str) -> None:
    class Machine(LivesMachine):
        pass

    Machine.redis_url = redis_url
    run_state_machine_as_test(Machine, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS))
