"""Recovery."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from tinytown.schemas.base import LEFT_OUT, Answer, ContractAnswer, Line, Request
from tinytown.services.recovery import Reclaimed, Recovered
from tinytown.store.agents import HandedOver


class RecoverResponse(ContractAnswer):
    """What recovering did."""

    checked: int
    recovered: int
    agents: list[str] = Field(description="Those of this machine that had no host and get one now.")
    elsewhere: list[str] = Field(description="Those that wait for a host on their own machine.")

    @classmethod
    def of(cls, done: Recovered) -> RecoverResponse:
        """What was done."""
        return cls(
            checked=done.checked, recovered=len(done.agents), agents=list(done.agents), elsewhere=list(done.elsewhere)
        )


_TWO_DESTINATIONS: dict[str, JsonValue] = {
    "properties": {"to_backlog": {"const": True}},
    "required": ["to", "to_backlog"],
}


class ReclaimRequest(Request):
    """Where unfinished work is to go; without a destination it is only counted.

    Fields that are not known are refused: they might have meant less of it.
    """

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"not": _TWO_DESTINATIONS})

    to_backlog: bool = False
    to: Annotated[Line | None, LEFT_OUT] = Field(None, description="The agent that gets it.")
    source: Annotated[Line | None, LEFT_OUT] = Field(
        None, alias="from", description="Only this agent's; by default that of all who are gone."
    )


class Amounts(Answer):
    """Tasks and messages."""

    tasks: int
    messages: int = Field(description="Those that bring no task.")
    mission_tasks: int = Field(description="Their missions give the work out anew.")

    @classmethod
    def of(cls, amounts: HandedOver) -> Amounts:
        """The amounts."""
        return cls(tasks=amounts.tasks, messages=amounts.messages, mission_tasks=amounts.mission_tasks)


class ReclaimResponse(ContractAnswer):
    """What was reclaimed."""

    reclaimed: int
    destination: str = Field(description="An agent's name, `backlog` or `none`.")
    agents: list[str] = Field(description="Those that had it.")
    found: Amounts = Field(description="What there was; without a destination none of it was moved.")

    @classmethod
    def of(cls, done: Reclaimed) -> ReclaimResponse:
        """What was done."""
        return cls(
            reclaimed=done.count,
            destination=done.destination,
            agents=list(done.agents),
            found=Amounts.of(done.found),
        )
