"""What the tools' inputs are made of."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import ConfigDict, Field, model_validator

from tinytown.domain.refs import DocRef, IssueRef
from tinytown.domain.refs import ObjectiveRef as Reference
from tinytown.schemas.base import Id, Line, Request, Text
from tinytown.schemas.mission_starts import DocObjective, MissionPolicy, Number, Owner, Repo

MOST = 1000
"""Entries of a list."""

AgentName: TypeAlias = Annotated[Line, Field(description="An agent's name, its id, or how the id begins.")]
MissionId: TypeAlias = Annotated[Line, Field(description="A mission's id, or how it begins (mission.list shows them).")]
ItemName: TypeAlias = Annotated[
    Line, Field(description="A work item: what people call it, such as `#2` or `owner/repo#2`, or its id.")
]
TaskId: TypeAlias = Annotated[Id, Field(description="The id of a task.")]
Limit: TypeAlias = Annotated[int, Field(ge=1, le=MOST, description="At most so many entries.")]
Words: TypeAlias = Text


class Issue(Request):
    """An issue. Unlike in REST, what is not known is refused: a model that misspells something is to know."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["issue"]
    number: Number
    owner: Owner | None = None
    """Of its repository; left out together with `repo`: the town's own."""
    repo: Repo | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.owner is None) is not (self.repo is None):
            raise ValueError("give owner and repo, or neither for the town's own repository")
        return self

    def reference(self, home: tuple[str, str]) -> Reference:
        """The reference as the services take it; `home` is the town's own repository."""
        owner, repo = home if self.owner is None or self.repo is None else (self.owner, self.repo)
        return IssueRef(owner, repo, self.number)


class Doc(DocObjective):
    """A document of the repository."""

    model_config = ConfigDict(extra="forbid")

    def reference(self, _: tuple[str, str]) -> Reference:
        """The reference as the services take it."""
        return DocRef(self.path)


class PolicyChange(MissionPolicy):
    """How a mission is executed; what is left out is as the town's settings say."""

    model_config = ConfigDict(extra="forbid")


Objective: TypeAlias = Annotated[Issue | Doc, Field(discriminator="type")]
