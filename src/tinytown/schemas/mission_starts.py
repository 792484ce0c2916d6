"""What missions are started with."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from pydantic import ConfigDict, Field, RootModel

from tinytown.domain.policy import MissionPolicy as Policy
from tinytown.domain.refs import DocRef, IssueRef
from tinytown.domain.refs import ObjectiveRef as Reference
from tinytown.schemas.base import LEFT_OUT, Request, Text
from tinytown.schemas.mission_parts import Count, DocPath, Manifest, Secs, Title

Owner: TypeAlias = Annotated[str, Field(max_length=100, pattern="^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$")]
Repo: TypeAlias = Annotated[str, Field(max_length=100, pattern="^[A-Za-z0-9._-]+$")]
Number: TypeAlias = Annotated[int, Field(ge=1, le=9_999_999_999)]


class IssueObjective(Request):
    """An issue."""

    type: Literal["issue"]
    owner: Owner
    """Repository owner."""
    repo: Repo
    """Repository name."""
    number: Number


class DocObjective(Request):
    """A document of the repository."""

    type: Literal["doc"]
    path: DocPath
    """Relative to the town's folder."""


class ObjectiveRef(RootModel[Annotated[IssueObjective | DocObjective, Field(discriminator="type")]]):
    """What a mission is about: an issue or a document."""

    model_config = ConfigDict(json_schema_extra={"type": "object"})

    @classmethod
    def of(cls, ref: Reference) -> ObjectiveRef:
        """The reference as the contract shows it."""
        if isinstance(ref, IssueRef):
            return cls(IssueObjective(type="issue", owner=ref.owner, repo=ref.repo, number=ref.number))
        return cls(DocObjective(type="doc", path=ref.path))

    def reference(self) -> Reference:
        """The reference as the services take it."""
        named = self.root
        if isinstance(named, IssueObjective):
            return IssueRef(named.owner, named.repo, named.number)
        return DocRef(named.path)


class MissionPolicy(Request):
    """How a mission is executed. What is left out when one is started is as the town's settings say."""

    max_parallel_items: Count = 2
    """Most items assigned or running at once."""
    reviewer_required: bool = True
    """Whether what changes code needs an approved review."""
    auto_merge: bool = False
    """Whether what passes everything is merged without asking."""
    watch_interval_secs: Secs = 180
    """How often a pull request is looked at."""
    max_attempts: Count = 3
    """Failed tries at an item, past which a person is asked."""
    max_fix_rounds: Annotated[int, Field(ge=0, le=1000)] = 5
    """Fix tasks for one pull request, past which a person is asked."""
    lost_agent_secs: Secs = 60
    """How long an agent may be away before its work goes to another."""
    help_after_secs: Secs = 30
    """How long a mission may be stuck on the same before help is asked."""

    @classmethod
    def of(cls, policy: Policy) -> MissionPolicy:
        """The policy as it holds."""
        return cls.model_construct(**msgspec.structs.asdict(policy))

    def over(self, usual: Policy) -> Policy:
        """The usual policy with what was said here in its place."""
        return msgspec.structs.replace(usual, **self.model_dump(exclude_unset=True))


class PlanMissionRequest(Request):
    """What a mission would be about."""

    objectives: Annotated[list[ObjectiveRef], Field(min_length=1, max_length=1000)]
    policy: MissionPolicy = Field(default_factory=MissionPolicy)
    labels: list[Title] = Field(default_factory=list, max_length=20)
    """Also the open issues that have all of these labels."""
    milestone: Annotated[Title | None, LEFT_OUT] = None
    """Also the open issues of the milestone with this title."""
    query: Annotated[Title | None, LEFT_OUT] = None
    """Also the open issues that a search of the forge finds."""
    manifest: Annotated[Manifest | None, LEFT_OUT] = None
    """Corrections, as the text of a mission.toml; left out: that of the town's folder, if there is one."""


class StartMissionRequest(PlanMissionRequest):
    """What a mission is to be about."""

    allow_dirty: bool = False
    """Start although not all changes of the checkout are committed."""


class StopMissionRequest(Request):
    """How a mission is to be stopped."""

    force: bool = False
    """Whether what agents are at is taken back, too."""


class NoteRequest(Request):
    """Something said to a mission."""

    text: Text
    """`resume`, `pause`, `redirect ITEM to AGENT`, else it is handed to the agents with their next prompt."""
