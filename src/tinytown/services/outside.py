"""Doing what a decision wants done outside; a refusal is an outcome like any other."""

from __future__ import annotations

from tinytown.domain.errors import ConflictError, ForgeError, ForgeUnavailableError, GitError, NotFoundError
from tinytown.domain.watch import WatchKind
from tinytown.forges.base import Forge
from tinytown.planner.wants import Found, LookAt, LookedUp, LookUp, Merge, Opened, OpenPull, Refused, Want


def carry_out(forge: Forge, want: Want) -> Found:
    """Do what is wanted and say what came of it."""
    try:
        return _ask(forge, want)
    except (ForgeUnavailableError, ConflictError, GitError) as error:
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


def _look(forge: Forge, want: LookAt) -> Found:
    target = want.target
    match want.kind:
        case WatchKind.PR_CHECKS:
            if want.is_again:
                forge.recheck(target)
            return forge.checks(target)
        case WatchKind.MERGEABILITY:
            return forge.mergeability(target)
        case WatchKind.REVIEW_COMMENTS:
            return forge.reviews(target)
        case WatchKind.BUGBOT_COMMENTS:
            return forge.comments(target)
