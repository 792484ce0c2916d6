"""What paths and queries are made of."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from fastapi import Path, Query
from pydantic import BeforeValidator

from tinytown.schemas.base import Id, Line

_BOOLEANS = {"true": True, "false": False}
_DIGITS = re.compile("-?[0-9]{1,18}")


def _boolean(text: object) -> object:
    """Of a query: `true` or `false` and nothing else."""
    if isinstance(text, str):
        if text not in _BOOLEANS:
            raise ValueError("must be true or false")
        return _BOOLEANS[text]
    return text


def _whole(text: object) -> object:
    """Of a query: a number in plain digits; what else Python takes for one (`1_0`, `+5`, `1.0`) is none."""
    if isinstance(text, str) and not _DIGITS.fullmatch(text):
        raise ValueError("must be a whole number, written in digits")
    return text


WHOLE = BeforeValidator(_whole)
"""`Annotated[int, Query(ge=1), WHOLE]`: a whole number of the query. It comes last, or documents lose the bounds."""
Flag: TypeAlias = Annotated[bool, BeforeValidator(_boolean), Query()]
"""A boolean of the query: `true` or `false`."""

AgentPath: TypeAlias = Annotated[
    Line, Path(alias="agent", description="An agent's name, its id, or how the id begins.")
]
TaskPath: TypeAlias = Annotated[Id, Path(alias="task_id", description="The id of a task.")]
