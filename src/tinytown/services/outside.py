"""Doing what a decision wants done outside; a refusal is an outcome like any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from time import monotonic

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
    Asked,
    AskReview,
    Close,
    Closed,
    Dequeue,
    Dequeued,
    Found,
    Hear,
    Heard,
    LookAt,
    LookedUp,
    LookUp,
    Merge,
    Opened,
    OpenPull,
    Outcome,
    Refused,
    Retarget,
    Retargeted,
    Tell,
    Told,
    UpdateBranch,
    Want,
)
from tinytown.repository.time_limit import within
from tinytown.services.step_time import CHANGE_SECS, StepTime

STEP_SECS = 20.0
"""How long a mission's wants may take together; what has begun by then may end."""
TELLING_SECS = 2.0
"""How long of that may go into telling: meanwhile nobody sees what is new."""

_KINDS = tuple(WatchKind)


def carry_out_all(
    forge: Forge,
    wants: Sequence[Want],
    within_secs: float = STEP_SECS,
    telling_secs: float = TELLING_SECS,
    *,
    is_ours: Callable[[], bool] = lambda: True,
) -> list[Outcome]:
    """Do what is wanted: changes one after the other, then the looks, as many at once as the forge bears, then telling.

    Args:
        forge: where.
        wants: what.
        within_secs: after that nothing is begun or waited for any more.
        telling_secs: after that nothing more is told.
        is_ours: renews the mission's lease; False: another dispatcher has it, and nothing more is begun.

    Returns:
        What came of those that were done in time, in the order of `wants`; the others may be wanted again.
    """
    time = StepTime(within_secs, is_ours)
    looks = {n for n, want in enumerate(wants) if _is_look(want)}
    tells = {n for n, want in enumerate(wants) if isinstance(want, Tell)}
    found: dict[int, Found] = {}
    for n, want in enumerate(wants):
        if n not in looks | tells and time.goes_on():
            found[n] = _carry_out_within(CHANGE_SECS, forge, want)
    found |= _look(forge, {n: wants[n] for n in sorted(looks)}, time)
    found |= _tell(forge, {n: wants[n] for n in sorted(tells)}, time, telling_secs)
    return [Outcome(want=want, found=found[n]) for n, want in enumerate(wants) if n in found]


def _carry_out_within(secs: float, forge: Forge, want: Want) -> Found:
    with within(secs):
        return carry_out(forge, want)


def _look(forge: Forge, looks: dict[int, Want], time: StepTime) -> dict[int, Found]:
    if forge.parallel > 1 and len(looks) > 1:
        return _look_at_once(forge, looks, time) if time.goes_on() else {}
    return {n: _carry_out_within(time.left_secs, forge, want) for n, want in looks.items() if time.goes_on()}


def _tell(forge: Forge, tells: dict[int, Want], time: StepTime, within_secs: float) -> dict[int, Found]:
    """One is told in any case: those that are left are wanted again."""
    begun = monotonic()
    found: dict[int, Found] = {}
    for n, want in tells.items():
        if (not found or monotonic() < begun + within_secs) and time.goes_on():
            found[n] = _carry_out_within(CHANGE_SECS, forge, want)
    return found


def _is_look(want: Want) -> bool:
    return isinstance(want, LookUp | Hear) or (isinstance(want, LookAt) and not want.is_again)


def _look_at_once(forge: Forge, looks: dict[int, Want], time: StepTime) -> dict[int, Found]:
    pool = ThreadPoolExecutor(min(forge.parallel, len(looks)), "look")
    try:
        in_order = sorted(looks, key=lambda n: _kind_of(looks[n]))
        asked: dict[Future[Found], int] = {
            pool.submit(_carry_out_within, time.left_secs, forge, looks[n]): n for n in in_order
        }
        back = wait(asked, timeout=time.left_secs).done
        return {asked[future]: future.result() for future in back}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # one that hangs ends with the time of the step


def _kind_of(look: Want) -> int:
    """Looks of a kind go together: those that read the same of a pull request do not wait for each other side by side."""
    return _KINDS.index(look.kind) if isinstance(look, LookAt) else -1


def carry_out(forge: Forge, want: Want) -> Found:
    """Do what is wanted and say what came of it."""
    try:
        return _ask(forge, want)
    except QuotaError as error:
        return Refused(reason=error.message, is_temporary=True, not_before=error.retry_at, low_until=error.low_until)
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
        case Merge(url=url, head=head, closes=closes, known=known, heeds=heeds):
            return forge.merge(url, head, closes=closes, known=known, heeds=heeds)
        case LookUp(ref=ref):
            return LookedUp(is_open=forge.is_open(ref))
        case Hear(ref=ref):
            return Heard(remarks=forge.remarks(ref))
        case LookAt():
            return _seen(forge, want)
        case _:
            return _adjust(forge, want)


def _adjust(forge: Forge, want: Retarget | UpdateBranch | Tell | Close | AskReview | Dequeue) -> Found:
    match want:
        case Dequeue(url=url):
            forge.dequeue(url)
            return Dequeued()
        case Retarget(url=url, base=base):
            forge.retarget(url, base)
            return Retargeted(base=base)
        case UpdateBranch(url=url, known=known):
            return forge.update_branch(url, known)
        case Tell(ref=ref, marker=marker, text=text):
            forge.tell(ref, marker, text)
            return Told()
        case AskReview(url=url, logins=logins):
            forge.ask_review(url, logins)
            return Asked()
        case Close(ref=ref):
            forge.close(ref)
            return Closed()


def _seen(forge: Forge, want: LookAt) -> Found:
    target = want.target
    match want.kind:
        case WatchKind.PR_CHECKS:
            if want.is_again:
                forge.recheck(target, want.known)
            return forge.checks(target, want.known)
        case WatchKind.MERGEABILITY:
            return forge.mergeability(target, want.known)
        case WatchKind.REVIEW_COMMENTS:
            return forge.reviews(target, want.known)
        case WatchKind.BUGBOT_COMMENTS:
            return forge.comments(target, want.known)
