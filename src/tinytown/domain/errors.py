"""The one error tree. A class's docstring is its default message; the evidence is in attributes.

Faces map the tree once: CLI to exit codes, REST to problem documents, MCP to tool errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar


class TinytownError(Exception):
    """Something expected went wrong."""

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str | None = None, **evidence: object) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.evidence = evidence
        super().__init__(self.message)

    @property
    def slug(self) -> str:
        """Stable name of the error class in kebab case, e.g. ``not-found``."""
        name = type(self).__name__.removesuffix("Error")
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


@contextmanager
def about(argument: str) -> Iterator[None]:
    """What goes wrong within is about that argument of the use case: its error says so in the evidence."""
    try:
        yield
    except TinytownError as error:
        error.evidence["argument"] = argument
        raise


class InvalidInputError(TinytownError):
    """The input is not valid."""

    exit_code = 2
    http_status = 400


class UnsupportedMediaError(InvalidInputError):
    """The body is of a kind that is not understood."""

    http_status = 415


class ProblemsError(TinytownError):
    """Several things are wrong; each is one line of ``problems``."""

    http_status = 400

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems), problems=problems)


class ConfigError(TinytownError):
    """The configuration cannot be used."""

    exit_code = 2


class NotFoundError(TinytownError):
    """There is no such thing."""

    http_status = 404


class AmbiguousError(InvalidInputError):
    """The prefix fits more than one id."""

    exit_code = 1


class NotAllowedError(TinytownError):
    """The caller may not do that."""

    http_status = 403


class MissingScopeError(NotAllowedError):
    """Who asks lacks a scope."""

    def __init__(self, *scopes: str) -> None:
        self.scopes = scopes
        noun = "scope" if len(scopes) == 1 else "scopes"
        told = f"this needs the {noun} {', '.join(scopes)}; use a key or token that has it" if scopes else None
        super().__init__(told, scopes=scopes)


class UnauthenticatedError(TinytownError):
    """Who asks is not known."""

    http_status = 401

    def __init__(self, message: str | None = None, *, is_offered: bool = False, **evidence: object) -> None:
        """Args: is_offered says whether credentials were given that are not good."""
        self.is_offered = is_offered
        super().__init__(message, **evidence)


class AlreadyExistsError(TinytownError):
    """It exists already."""

    http_status = 409


class IllegalTransitionError(TinytownError):
    """That state cannot follow this one."""

    http_status = 409


class ConflictError(TinytownError):
    """The state changed in between; nothing was written."""

    http_status = 409


class StaleError(ConflictError):
    """The mission moved on since it was read; re-read and plan again."""


class LeaseLostError(ConflictError):
    """Another process holds the lease now; this one may not write."""


class UnavailableError(TinytownError):
    """A service this needs cannot be reached; the evidence may say as `retry_after_secs` when to try again."""

    http_status = 503


class TooManyRequestsError(UnavailableError):
    """Who asks has as much as one may have at once; others are served."""

    http_status = 429


class StoreUnavailableError(UnavailableError):
    """The Redis server cannot be reached."""


class StoreError(TinytownError):
    """The Redis server refused a command."""


class ForgeError(TinytownError):
    """The forge refused the request."""

    http_status = 502


class ForgeUnavailableError(ForgeError, UnavailableError):
    """The forge cannot be reached just now; the request may succeed later."""

    http_status = 503


class TooMuchError(ForgeError):
    """The forge has more of it than is read; a person must look there."""


class QuotaError(ForgeUnavailableError):
    """The forge's quota is used up; it answers again later."""

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_at: datetime | None = None,
        low_until: datetime | None = None,
        **evidence: object,
    ) -> None:
        """Args: retry_at is when it answers; low_until, when the quota is only low, is when it begins anew."""
        self.retry_at = retry_at
        self.low_until = low_until
        super().__init__(message, retry_at=retry_at, **evidence)


class GitError(TinytownError):
    """A git command failed."""


class RemoteError(GitError):
    """The git remote refused; the evidence says as `refusal` why."""


class RemoteUnavailableError(RemoteError, UnavailableError):
    """The git remote cannot be reached just now; it may work later."""

    http_status = 503


class HookError(GitError):
    """A hook failed; the evidence names it."""

    @property
    def hook(self) -> str:
        """Which one."""
        return str(self.evidence.get("hook", ""))


class WorktreeInUseError(TinytownError):
    """The worktree holds work that exists nowhere else; it is kept."""

    http_status = 409


class WorktreeOccupiedError(WorktreeInUseError):
    """A process that was left behind is still in the worktree; end it, or wait until it has ended."""


class AgentCliError(TinytownError):
    """The agent's CLI cannot be started."""

    http_status = 409


class ServerError(StoreUnavailableError):
    """The town's own Redis server cannot be started."""
