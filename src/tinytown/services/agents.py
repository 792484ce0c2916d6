"""Agents: spawning them; what becomes of them then is in agent_life.py."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from tinytown.config import AgentSettings
from tinytown.domain.agent import Agent, AgentSpec
from tinytown.domain.errors import AgentCliError, AlreadyExistsError, InvalidInputError, NotAllowedError, about
from tinytown.domain.ids import NAME_LIMIT, check_name, new_id
from tinytown.runtime.environment import scripts_folder
from tinytown.services.agent_life import AgentLife
from tinytown.services.caller import Caller
from tinytown.store.agents import AgentStore
from tinytown.store.events import EventStream
from tinytown.store.inbox import Inbox

if TYPE_CHECKING:
    from tinytown.runtime.clis import Adapter

_NUMBERED = re.compile(r"[-_.]?\d+$")


class Agents(AgentLife):
    """The agents of one town."""

    def __init__(
        self,
        agents: AgentStore,
        inbox: Inbox,
        events: Callable[[], EventStream],
        *,
        settings: AgentSettings,
        adapter: Callable[[str], Adapter],
        path: str,
        machine: Callable[[], str],
        ensure_host: Callable[[], object],
        clock: Callable[[], datetime],
        caller: Caller,
    ) -> None:
        super().__init__(
            agents,
            inbox,
            events,
            machine=machine,
            ensure_host=ensure_host,
            clock=clock,
            caller=caller,
            may_direct=settings.may_direct,
        )
        self._settings = settings
        self._adapter = adapter
        self._path = path

    def register(
        self,
        name: str,
        *,
        cli: str | None = None,
        role: str | None = None,
        nickname: str | None = None,
        parent: str | None = None,
        max_rounds: int | None = None,
    ) -> AgentSpec:
        """Register an agent, or start one anew that stopped or broke; a host must take it on before it works.

        Args:
            name: unique in the town.
            cli: a known agent CLI; by default the one configured for the role, else the default one.
            role: by default what the name says: `backend-2` has the role backend.
            nickname: shown to people beside the name.
            parent: an existing agent that it works for; of an agent that calls, itself.
            max_rounds: runs after which it stops by itself.

        Raises:
            InvalidInputError: a name or CLI that cannot be. AgentCliError: the CLI is not installed.
            AlreadyExistsError: the name is taken. NotFoundError: no such parent. NotAllowedError: an agent calls, for
            another parent, or with MAX_SPAWNED living agents in its family already.
        """
        with about("name"):
            check_name(name)
        with about("role"):
            role = check_name(role, "role").lower() if role else role_of(name)
        cli = cli or self._settings.roles.get(role, self._settings.default_cli)
        with about("cli"):
            self._check_installed(self._adapter(cli))
        spawner = self._caller.agent(self._agents)
        spec = AgentSpec(
            id=new_id(),
            name=name,
            cli=cli,
            role=role,
            nickname=_nickname(nickname),
            parent=self._parent(parent, spawner),
            max_rounds=max_rounds,
            machine=self._machine(),
            created_at=self._clock(),
        )
        try:
            return self._agents.add(spec, spawner=spawner.name if spawner else None)
        except AlreadyExistsError as error:
            error.evidence["argument"] = "name"
            raise

    def _parent(self, wish: str | None, spawner: Agent | None) -> str | None:
        found = self.find(wish) if wish is not None else spawner
        if spawner is not None and found is not None and found.id != spawner.id:
            raise NotAllowedError("the agents that an agent spawns work for itself; leave --parent out")
        return None if found is None else found.name

    def spawn(self, name: str, **wishes: object) -> AgentSpec:
        """Register an agent and see to it that a host runs it."""
        spec = self.register(name, **wishes)  # type: ignore[arg-type]
        self._ensure_host()
        return spec

    def _check_installed(self, adapter: Adapter) -> None:
        path = f"{scripts_folder()}:{self._path}"
        if shutil.which(adapter.program, path=path) is None:
            raise AgentCliError(
                f"the CLI {adapter.name} needs the program '{adapter.program}', which is not on PATH; install it, or"
                " choose another with --cli"
            )


def role_of(name: str) -> str:
    """The role that a name says: `backend-2` is a backend."""
    return (_NUMBERED.sub("", name) or name).lower()


def _nickname(wish: str | None) -> str | None:
    nickname = (wish or "").strip()
    if len(nickname) > NAME_LIMIT or not nickname.isprintable():
        raise InvalidInputError(
            f"a nickname is one line of at most {NAME_LIMIT} characters; choose another", argument="nickname"
        )
    return nickname or None
