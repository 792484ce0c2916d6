"""Who calls `tt`: a person, or an agent in a run, and what an agent may not do.

The environment says which agent calls; the store says whether there is one and what it is called. This keeps agents to
their own work; it is no fence against a program that means harm, which runs with the rights of whoever started the host.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tinytown.domain.agent import Agent
from tinytown.domain.errors import NotAllowedError, NotFoundError
from tinytown.domain.ids import SUPERVISOR
from tinytown.domain.message import MAX_HOPS
from tinytown.store.agents import AgentStore
from tinytown.store.inbox import Inbox


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, as the environment tells: an agent's run, or a person."""

    agent_id: str | None = None
    agent_name: str | None = None
    """What the environment says; anybody can write anything there, so nobody is addressed by it."""
    task_id: str | None = None
    run_id: str | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Caller:
        """The caller that the environment tells of."""
        return cls(
            agent_id=environ.get("TINYTOWN_AGENT_ID") or None,
            agent_name=environ.get("TINYTOWN_AGENT_NAME") or None,
            task_id=environ.get("TINYTOWN_TASK_ID") or None,
            run_id=environ.get("TINYTOWN_RUN_ID") or None,
        )

    @property
    def is_agent(self) -> bool:
        """Whether anything says that an agent's run calls."""
        return any((self.agent_id, self.agent_name, self.task_id, self.run_id))

    def agent(self, agents: AgentStore) -> Agent | None:
        """The agent that calls; None for a person.

        Raises:
            NotAllowedError: the environment tells of an agent that the town does not have.
        """
        if not self.is_agent:
            return None
        if self.agent_id is None:
            raise NotAllowedError("an agent's run calls, but TINYTOWN_AGENT_ID does not say which; leave it as it was")
        try:
            return agents.get(self.agent_id)
        except NotFoundError:
            raise NotAllowedError("TINYTOWN_AGENT_ID names no agent of this town; leave it as it was") from None

    def name(self, agents: AgentStore) -> str:
        """As messages and tasks name their sender. NotAllowedError as for `agent`."""
        agent = self.agent(agents)
        return SUPERVISOR if agent is None else agent.name

    def hops(self, agents: AgentStore, inbox: Inbox, *, starts_a_run: bool) -> int:
        """How many agents in a row passed work on, the caller included. NotAllowedError as for `agent`.

        Args:
            agents: who has a run.
            inbox: what started it.
            starts_a_run: whether what the caller sends now makes another agent run; NotAllowedError past MAX_HOPS.
        """
        agent = self.agent(agents)
        if agent is None:
            return 0
        starter = inbox.starter(agent.id, agent.run_id) if agent.run_id else None
        hops = 1 + (starter.hops if starter else 0)
        if starts_a_run and hops > MAX_HOPS:
            raise NotAllowedError(
                f"{MAX_HOPS} agents in a row have passed this on; do what you can yourself and end your run, tell others"
                " with --info, or ask a person: tt send conductor TEXT --query"
            )
        return hops

    def check_directing(self, what: str, *, may_direct: bool) -> None:
        """Refuse an agent what is for people to decide.

        Args:
            what: what it wants, e.g. `approve an item`.
            may_direct: whether the town lets its agents.

        Raises:
            NotAllowedError.
        """
        if self.is_agent and not may_direct:
            raise NotAllowedError(
                f"an agent may not {what}: that is for a person to decide; the town's operator can allow it with"
                " may_direct = true under [agent] in tinytown.toml"
            )
