"""What a remote's git says when it does not do what it is asked, told apart by its words."""

from __future__ import annotations

import re
from enum import Enum

from tinytown.domain.errors import GitError, RemoteError, RemoteUnavailableError
from tinytown.repository.git import Outcome, shown


class Refusal(Enum):
    """Why a remote did not do it; in the evidence of a RemoteError as `refusal`."""

    MOVED = "moved"
    """Somebody pushed meanwhile."""
    PROTECTED = "protected"
    """A rule of the branch or of the repository, or a hook, declines it."""
    WORKFLOW = "workflow"
    """The token may not change files under .github/workflows."""
    ACCESS = "access"
    """Not allowed, or there is no such repository: hosts do not tell these apart."""
    NETWORK = "network"
    """Not reached; later it may be."""
    OTHER = "other"
    """None of these."""


_UNREACHED = (
    r"could not resolve host|failed to connect|couldn't connect|connection (?:refused|timed out|reset|closed)"
    r"|timed? ?out|network is unreachable|no route to host|hung up unexpectedly|early eof|rpc failed"
    r"|unexpected disconnect|returned error: (?:429|5\d\d)|temporary failure|internal server error|took longer than"
    r"|broken pipe|empty reply|recv failure|send failure|gnutls_handshake|ssl_read|tls connection"
)
_NOT_LET_IN = (
    r"authentication failed|could not read (?:username|password)|permission (?:to \S+ )?denied|repository not found"
    r"|repository '[^']*' not found|returned error: 40[134]|access rights|invalid (?:username|credentials)"
    r"|host key verification failed|does not appear to be a git repository|write access .* not granted"
    r"|saml sso|account is suspended|repository .* does not exist|read-only"
)
_WORDS = (
    (Refusal.WORKFLOW, r"refusing to allow .* to create or update workflow"),
    (Refusal.PROTECTED, r"GH0(?:06|08|09|13)|protected branch|hook declined|rule violations|declined due to"),
    (Refusal.MOVED, r"\((?:non-fast-forward|fetch first|stale info|remote ref updated since checkout)\)"),
    (Refusal.MOVED, r"cannot lock ref|failed to update ref|reference already exists"),
    (Refusal.NETWORK, _UNREACHED),
    (Refusal.ACCESS, _NOT_LET_IN),
)
_COMPILED = tuple((refusal, re.compile(words, re.IGNORECASE)) for refusal, words in _WORDS)
_ADVICE = {
    Refusal.MOVED: "somebody pushed there meanwhile",
    Refusal.PROTECTED: "its rules or hooks do not take it; allow it there, or do it by hand",
    Refusal.WORKFLOW: "the token may not change workflows; give it the scope `workflow`, or push by hand",
    Refusal.ACCESS: "check that it exists and that you, or the token, may write there",
    Refusal.NETWORK: "it cannot be reached just now",
    Refusal.OTHER: "git on the other side does not do it",
}


def refusal_of(text: str) -> Refusal:
    """What the output of a git command that spoke to a remote means."""
    return next((refusal for refusal, words in _COMPILED if words.search(text)), Refusal.OTHER)


def refused(what: str, outcome: Outcome) -> RemoteError:
    """The error for a command that failed.

    Args:
        what: was tried, e.g. "pushing tt/1 to origin".
        outcome: of it.
    """
    text = f"{outcome.out}\n{outcome.err}"
    return _error(what, refusal_of(text), _telling(text))


def unanswered(what: str, error: GitError) -> RemoteError:
    """The error for a command that was stopped because it took too long, or that could not be begun."""
    return _error(what, refusal_of(error.message), error.message)


def _error(what: str, refusal: Refusal, said: str) -> RemoteError:
    kind = RemoteUnavailableError if refusal is Refusal.NETWORK else RemoteError
    return kind(shown(f"{what} failed, {_ADVICE[refusal]}: {said}"), refusal=refusal)


def _telling(text: str) -> str:
    """The line that says most: what the other side said, else the first complaint."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    remote = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    errors = [line for line in remote if line.startswith(("error:", "fatal:", "ERROR:", "- "))]
    rejected = [line.split("\t")[-1] for line in lines if line.startswith("!\t")]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR:"))]
    told = [*errors[:2], *rejected[:1]] if rejected else [*remote[:1], *fatal[:1]]
    return "; ".join(told or lines[:1]) or "git did not say why"
