"""Messages between agents and people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from tinytown.domain.errors import InvalidInputError, NotAllowedError
from tinytown.domain.ids import CONDUCTOR, RESERVED_NAMES, new_id
from tinytown.domain.message import STARTS_A_RUN, Message, MessageKind
from tinytown.services.caller import Caller
from tinytown.store.agents import AgentStore
from tinytown.store.inbox import Inbox


class Messages:
    """The inboxes of one town, as one caller sees them."""

    def __init__(
        self,
        inbox: Inbox,
        agents: AgentStore,
        caller: Caller,
        clock: Callable[[], datetime],
        redact: Callable[[str], str],
    ) -> None:
        self._inbox = inbox
        self._agents = agents
        self._caller = caller
        self._clock = clock
        self._redact = redact

    def send(
        self,
        to: str,
        text: str,
        kind: MessageKind = MessageKind.TASK,
        *,
        is_urgent: bool = False,
        sender: str | None = None,
    ) -> Message:
        """Send a message to an agent, or to the conductor (also called supervisor), with secrets in it masked.

        Args:
            to: who gets it.
            text: what it says.
            kind: what it is for.
            is_urgent: before everything else that waits.
            sender: for whom a person sends it: an agent, the supervisor or the conductor; None: for oneself.

        Raises:
            NotFoundError: no such agent. InvalidInputError: no text. NotAllowedError: too many agents in a row sent
            each other on, or an agent calls in somebody else's name.
        """
        if not text.strip():
            raise InvalidInputError("the message is empty")
        owner = self._owner(to)
        starts_a_run = kind in STARTS_A_RUN and owner != CONDUCTOR
        message = Message(
            id=new_id(),
            to=owner,
            sender=self._sender(sender),
            kind=kind,
            text=self._redact(text),
            sent_at=self._clock(),
            is_urgent=is_urgent,
            hops=self._caller.hops(self._agents, self._inbox, starts_a_run=starts_a_run),
        )
        self._inbox.send(message)
        return message

    def waiting(self, owner: str) -> list[Message]:
        """What waits in an inbox; nothing is removed."""
        return self._inbox.waiting(self._owner(owner))

    def own(self) -> str:
        """Whose inbox the caller's is: the agent's that calls, else the conductor's."""
        agent = self._caller.agent(self._agents)
        return CONDUCTOR if agent is None else agent.name

    def take(self, owner: str = CONDUCTOR) -> list[Message]:
        """Read and remove the conductor's messages. Agents' messages are theirs: looking at them removes nothing.

        Raises:
            InvalidInputError: another inbox. NotAllowedError: an agent asks.
        """
        self._check_emptying()
        if owner.lower() not in RESERVED_NAMES:
            raise InvalidInputError("only the conductor's inbox can be emptied; agents' messages end with their runs")
        return self._inbox.take(CONDUCTOR)

    def dismiss(self, ids: Sequence[str]) -> list[Message]:
        """Remove these messages of the conductor's inbox; which of them were there. NotAllowedError: an agent asks."""
        self._check_emptying()
        return self._inbox.take(CONDUCTOR, ids)

    def _check_emptying(self) -> None:
        if self._caller.is_agent:
            raise NotAllowedError("an agent may not empty the conductor's inbox; its own empties with its runs")

    def _sender(self, wish: str | None) -> str:
        own = self._caller.name(self._agents)
        if wish is None:
            return own
        found = wish.lower() if wish.lower() in RESERVED_NAMES else self._agents.get(self._agents.find_id(wish)).name
        if self._caller.is_agent and found != own:
            raise NotAllowedError("an agent sends in its own name only; leave the sender out")
        return found

    def _owner(self, name: str) -> str:
        return CONDUCTOR if name.lower() in RESERVED_NAMES else self._agents.find_id(name)
