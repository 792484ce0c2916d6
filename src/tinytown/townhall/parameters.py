"""What paths and queries are made of."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Path, Query
from pydantic import BeforeValidator

from tinytown.schemas.base import Id, Line

_BOOLEANS = {"true": True, "false": False}


def _boolean(text: object) -> object:
    """Of a query: `true` or `false` and nothing else."""
    if isinstance(text, str):
        if text not in _BOOLEANS:
            raise ValueError("must be true or false")
        return _BOOLEANS[text]
    return text


Flag: TypeAlias = Annotated[bool, BeforeValidator(_boolean), Query()]
"""A boolean of the query: `true` or `false`."""

AgentPath: TypeAlias = Annotated[
    Line, Path(alias="agent", description="An agent's name, its id, or how the id begins.")
]
TaskPath: TypeAlias = Annotated[Id, Path(alias="task_id", description="The id of a task.")]
