"""Problem documents (RFC 7807)."""

from __future__ import annotations

from pydantic import Field

from tinytown.schemas.base import Answer, ContractAnswer


class WrongField(Answer):
    """A part of a request that is not valid."""

    field: str = Field(description="Where it is, such as `body.objectives[0].number` or `query.limit`.")
    message: str


class ProblemDetails(ContractAnswer):
    """What went wrong and what to do."""

    type: str = Field(description="The kind of problem, stable: `urn:tinytown:problem:` and its name.")
    title: str
    status: int
    detail: str = Field(description="One line that says what to do.")
    request_id: str = Field("", description="Under which the server's log tells of it.")
    errors: list[WrongField] = Field(default_factory=list, description="What of the request is not valid.")
