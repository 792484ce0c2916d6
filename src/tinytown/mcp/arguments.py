"""What the tools' inputs are made of."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from tinytown.schemas.base import Id, Line, Text

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
