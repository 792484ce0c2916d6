"""Doing what a decision wants done outside; a refusal is an outcome like any other."""

from __future__ import annotations

from tinytown.domain.errors import (
    ConflictError,
    ForgeError,
    ForgeUnavailableError,
    GitError,
    NotFoundError,
    QuotaError,
)
from tinytown.domain.watch import WatchKind
from tinytown.forges.base import Forge
from tinytown.planner.wants import (
    Found,
    LookAt,
    LookedUp,
    LookUp,
    Merge,
    Opened,
    OpenPull,
    Refused,
    Retarget,
    Retargeted,
    Tell,
    Told,
    UpdateBranch,
    Want,
)


def carry_out(forge: Forge, want: Want) -> Found:
    """Do what is wanted and say what came of it."""
    try:
        return _ask(forge, want)
    except QuotaError as error:
        return Refused(reason=error.message, is_temporary=True, not_before=error.retry_at)
    except ConflictError as error:
        return Refused(reason=error.message, is_temporary=True, is_conflict=True)
    except (ForgeUnavailableError, GitError) as error:
        return Refused(reason=error.message, is_temporary=True)
    except OSError as error:
        return Refused(reason=told(error), is_temporary=True)
    except (ForgeError, NotFoundError) as error:
        return Refused(reason=error.message, is_temporary=False)


def told(error: OSError) -> str:
    """What the system refused, for people: which file, and why."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def _ask(forge: Forge, want: Want) -> Found:
    match want:
        case OpenPull(draft=draft):
            return Opened(pull=forge.open_pull(draft), watch_kinds=forge.watch_kinds)
        case Merge(url=url, head=head, closes=closes):
            return forge.merge(url, head, closes=closes)
        case LookUp(ref=ref):
            return LookedUp(is_open=forge.issue(ref).is_open)
        case LookAt():
            return _look(forge, want)
        case _:
            return _adjust(forge, want)


def _adjust(forge: Forge, want: Retarget | UpdateBranch | Tell) -> Found:
    match want:
        case Retarget(url=url, base=base):
            forge.retarget(url, base)
            return Retargeted(base=base)
        case UpdateBranch(url=url, known=known):
            return forge.update_branch(url, known)
        case Tell(ref=ref, marker=marker, text=text):
            forge.tell(ref, marker, text)
            return Told()


def _look(forge: Forge, want: LookAt) -> Found:
    target = want.target
    match want.kind:
        case WatchKind.PR_CHECKS:
            if want.is_again:
                forge.recheck(target)
            return forge.checks(target, want.known)
        case WatchKind.MERGEABILITY:
            return forge.mergeability(target, want.known)
        case WatchKind.REVIEW_COMMENTS:
            return forge.reviews(target, want.known)
        case WatchKind.BUGBOT_COMMENTS:
            return forge.comments(target, want.known)
