"""Hosts and their runs: leases with rising tokens; a run's outcome and the acknowledgement of its messages are one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from tinytown.domain.agent import GENERIC_ROLES, REVIEWER_ROLE
from tinytown.domain.message import Message
from tinytown.domain.task import Task
from tinytown.store.codec import at_text, decode, pairs, to_ms, to_task
from tinytown.store.connection import Connection
from tinytown.store.counters import RUN_BUCKETS
from tinytown.store.keys import Keys
from tinytown.store.scripts import load

HOST_LEASE_MS = 15_000
"""How long a host that does not renew its lease is taken to be alive."""


class HostLease(msgspec.Struct, frozen=True, kw_only=True):
    """A host's right to run its agents."""

    host_id: str
    token: str


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is to do: the messages it has, the one that started it first, and the task that came with it."""

    messages: tuple[Message, ...]
    task: Task | None


class RunEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a run, as it is stored."""

    agent_id: str
    run_id: str
    outcome: str
    """`completed`, `failed`, `retry` (the messages are given back) or `dropped` (its task was taken back)."""
    agent_state: str = "idle"
    task_fields: dict[str, str] = {}
    """Fields of the task to set; an empty value removes the field."""
    agent_fields: dict[str, str] = {}
    retry_at: datetime | None = None
    hook_failures: tuple[str, ...] = ()
    """Each becomes an event."""
    push_failure: str = ""
    """Becomes an event, unless empty."""
    tokens: int = 0
    cost_usd: float = 0.0
    max_tries: int = 3
    """Of messages that are not tasks."""
    keeps_extras: bool = False
    """Whether what came along to be known waits for the next run: nobody read it in this one."""
    is_round: bool = True
    """Whether it counts among the agent's rounds."""
    seen_report: str | None = None
    """The task's report that the outcome was judged with, empty for none; None when it does not matter."""


class HostStore:
    """The hosts of one town, and the runs they make."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def open(self, host_id: str, machine: str, record: Mapping[str, str], at: datetime) -> tuple[HostLease, list[str]]:
        """Register a host; the caller holds its machine's lock, so earlier hosts of the machine are dead.

        Returns:
            The lease, and the ids of the runs that dead hosts left behind.
        """
        token, runs = self._run(
            "open_host",
            host=host_id,
            machine=machine,
            record=dict(record),
            ttl_ms=HOST_LEASE_MS,
            at=at_text(at),
            ms=to_ms(at),
        )
        return HostLease(host_id=host_id, token=token.decode()), [run.decode() for run in runs]

    def renew(self, lease: HostLease) -> None:
        """Keep the lease. LeaseLostError when the host has been released."""
        self._run("renew_host", host=lease.host_id, token=lease.token, ttl_ms=HOST_LEASE_MS, may_repeat=True)

    def adopt(self, lease: HostLease, machine: str, at: datetime) -> list[str]:
        """Take the agents of the machine that no host has; returns the ids of all the host's agents."""
        found = self._run(
            "adopt_agents",
            host=lease.host_id,
            token=lease.token,
            machine=machine,
            at=at_text(at),
            ms=to_ms(at),
            may_repeat=True,
        )
        return [agent.decode() for agent in found]

    def close(self, lease: HostLease, at: datetime) -> None:
        """End the host: its agents turn cold, their messages wait."""
        self._run("close_host", host=lease.host_id, token=lease.token, at=at_text(at), ms=to_ms(at))

    def release_lost(self, host_id: str, token: str, at: datetime, *, is_dead: bool) -> list[str]:
        """Give up a host that is gone: its agents turn cold, what they ran goes back to their inboxes.

        Args:
            host_id: which one.
            token: its fencing token as `all` told it.
            at: now.
            is_dead: whether its process is known to be dead, so that its lease need not have run out.

        Returns:
            The names of its agents; nothing when it is there after all, or was given up meanwhile.
        """
        names = self._run("release_lost_host", host=host_id, token=token, is_dead=is_dead, at=at_text(at), ms=to_ms(at))
        return [name.decode() for name in names]

    def claim(
        self, lease: HostLease, agent_id: str, run_id: str, at: datetime, *, takes_backlog: bool = False
    ) -> Claim | datetime | None:
        """Start a run of an idle agent.

        Args:
            lease: of the host that has the agent.
            agent_id: whose run.
            run_id: the run's.
            at: now.
            takes_backlog: whether it takes a task from the backlog when its inbox has nothing for it.

        Returns:
            What it is to do; or the time before which there is nothing to do, and then perhaps; or None when there is
            nothing to do.

        Raises:
            LeaseLostError: the host has been released.
        """
        reply = self._run(
            "claim_run",
            agent=agent_id,
            host=lease.host_id,
            token=lease.token,
            run=run_id,
            generic=sorted(GENERIC_ROLES) if takes_backlog else None,
            reviewer=REVIEWER_ROLE,
            at=at_text(at),
            ms=to_ms(at),
        )
        if reply is None:
            return None
        if len(reply) == 1:
            return datetime.fromtimestamp(int(reply[0]) / 1000, UTC)
        texts, fields = reply
        messages = tuple(decode(text, Message) for text in texts)
        return Claim(messages=messages, task=to_task(fields) if fields else None)

    def finish(self, lease: HostLease, end: RunEnd, at: datetime) -> str:
        """Store the outcome of a run.

        Returns:
            The agent's new state.

        Raises:
            LeaseLostError: somebody else has the agent. StaleError: the task was reported on since it was judged.
        """
        state = self._run(
            "finish_run",
            agent=end.agent_id,
            host=lease.host_id,
            token=lease.token,
            run=end.run_id,
            outcome=end.outcome,
            task_fields={"retry_at": at_text(end.retry_at) if end.retry_at else "", **end.task_fields},
            later_ms=to_ms(end.retry_at or at),
            agent_state=end.agent_state,
            agent_fields=end.agent_fields,
            hook_failures=end.hook_failures,
            push_failure=end.push_failure,
            tokens=end.tokens,
            cost=str(end.cost_usd),
            buckets=RUN_BUCKETS,
            max_tries=end.max_tries,
            keeps_extras=end.keeps_extras,
            is_round=end.is_round,
            seen_report=end.seen_report,
            at=at_text(at),
            ms=to_ms(at),
        )
        return str(state.decode())

    def all(self) -> dict[str, dict[str, str]]:
        """The registered hosts: id -> record, with `is_alive` yes or no."""
        ids = [i.decode() for i in self._connection.execute("SMEMBERS", self._keys("hosts"))]
        commands = [c for i in ids for c in (("HGETALL", self._keys("host", i)), ("EXISTS", self._lease_key(i)))]
        replies = self._connection.execute_many(commands)
        found = {}
        for index, host_id in enumerate(ids):
            record = {name: value.decode() for name, value in pairs(replies[2 * index]).items()}
            found[host_id] = {**record, "is_alive": "yes" if replies[2 * index + 1] else "no"}
        return found

    def _lease_key(self, host_id: str) -> str:
        return self._keys("host", host_id, "lease")

    def _run(self, script: str, /, *, may_repeat: bool = False, **args: Any) -> Any:
        return self._connection.run(load(script), self._keys.prefix, args, may_repeat=may_repeat)
