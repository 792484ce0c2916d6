"""What bodies about missions are made of."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from tinytown.schemas.base import storable

MOST_SECS = 30 * 24 * 3600
_NO_NUL = Field(json_schema_extra={"pattern": r"^[^\x00]*$"})

Uuid: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
"""An id of ours in an answer."""
Count: TypeAlias = Annotated[int, Field(ge=1, le=1000)]
Secs: TypeAlias = Annotated[int, Field(ge=1, le=MOST_SECS)]
DocPath: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=1024), AfterValidator(storable), _NO_NUL]
"""A path relative to the town's folder."""
Title: TypeAlias = Annotated[str, StringConstraints(max_length=256), AfterValidator(storable), _NO_NUL]
"""The name of a label or a milestone, or a search."""
Manifest: TypeAlias = Annotated[str, StringConstraints(max_length=100_000), AfterValidator(storable), _NO_NUL]
"""The text of a mission.toml."""
Artifact: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$"), AfterValidator(storable)
]
"""The URL of a pull request, a commit."""
