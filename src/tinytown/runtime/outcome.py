"""What a run amounts to. Pure: the report, the evidence and how the process ended decide, nothing else.

A run that ends without a report is not done. Commits it made are handed in when it ended in order; otherwise the agent
is nudged with the reason, and past the limit the task has failed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from tinytown.domain.backoff import RETRY_FIRST_SECS, retry_secs
from tinytown.domain.task import Report, Task, TaskKind
from tinytown.runtime.clis.base import Reading
from tinytown.runtime.clis.rate_limit import RateLimit
from tinytown.runtime.process import Ending, RunResult
from tinytown.store.hosts import RunEnd

RATE_LIMIT_PAUSE = timedelta(minutes=5)
"""How long an agent pauses first when its CLI says that it is limited but not until when; then twice that, and so on."""

MOST_LIMITED = 5
"""Runs in a row that end because of a rate limit before the task is given up: a quota may never come back."""
MOST_LIMITED_MESSAGE = 12
"""The same for what is no task."""


MOST_HOOK_FAILURES = 5
"""Runs in a row that a hook may keep from beginning before the task is given up."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the worktree holds after a run."""

    head: str | None = None
    """Its head commit; None for a run without a worktree of its own."""
    branch: str | None = None
    head_before: str | None = None
    made: int = 0
    """Commits made for the item, in all runs."""
    elsewhere: str = ""
    """How many commits are where, when some are in the worktree but not on the item's branch."""
    dirty: tuple[str, ...] = ()
    """Files changed but not committed."""
    hook_failures: tuple[str, ...] = ()
    """What went wrong after it that is no fault of the agent's."""
    push_failure: str = ""
    """Why its branch could not be pushed; empty when it was, or was not to be."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is over."""

    agent_id: str
    run_id: str
    task: Task | None
    """The task as it is in the store now, with the agent's report."""
    result: RunResult | None
    """None when the run could not be begun."""
    reading: Reading
    evidence: Evidence
    trouble: str | None = None
    """Why it could not be begun or looked after."""
    hook: str | None = None
    """The hook that failed, when that is why it could not be begun."""
    interruption: str | None = None
    """Why a person had it stopped, if so: unless it had an outcome before, it is begun anew and counts for nothing."""
    rounds_left: int | None = None
    """Rounds the agent has left before this one counted; None for no limit."""


def judge(ended: Ended, *, max_nudges: int, now: datetime) -> RunEnd:
    """What is to be stored about a run."""
    end = _judge(ended, max_nudges, now)
    usage = ended.reading.usage
    end = msgspec.structs.replace(
        end,
        hook_failures=ended.evidence.hook_failures,
        push_failure=ended.evidence.push_failure,
        tokens=usage.tokens,
        cost_usd=usage.cost_usd,
        keeps_extras=ended.result is None or end.outcome == "dropped" or not end.is_round,
        seen_report=ended.task and (ended.task.report.value if ended.task.report else ""),
    )
    is_last = ended.rounds_left is not None and ended.rounds_left <= 1 and end.is_round
    if is_last and end.agent_state == "idle":
        return msgspec.structs.replace(end, agent_state="stopped", agent_fields={"reason": "made its last round"})
    return end


def _judge(ended: Ended, max_nudges: int, now: datetime) -> RunEnd:
    task = ended.task
    if task is None:
        return _without_task(ended, now)
    if task.run_id != ended.run_id:
        return _end(ended, "dropped")
    if task.report is not None:
        return _reported(ended, task, max_nudges, now)
    if _is_rate_limited(ended):
        return _paused(ended, now)
    if _is_good_without_report(ended, task):
        said = ended.reading.text or "ended without a report; what was committed is handed in"
        return _end(ended, "completed", {**_handed_in(ended, said), "report": Report.COMPLETED.value})
    return _nudge(ended, task, _why_nothing(ended, task), max_nudges, now)


def _reported(ended: Ended, task: Task, max_nudges: int, now: datetime) -> RunEnd:
    """A report counts as far as there is evidence for it."""
    if task.report is Report.FAILED:
        return _end(ended, "failed", {"reason": task.reason})
    lacking = _lacks(ended, task)
    if lacking is not None:
        return _nudge(ended, task, lacking, max_nudges, now)
    return _end(ended, "completed", _handed_in(ended, task.result))


def _without_task(ended: Ended, now: datetime) -> RunEnd:
    if _is_rate_limited(ended):
        return _paused(ended, now)
    if ended.result is not None and ended.result.is_success:
        return _end(ended, "completed")
    if ended.interruption is not None:
        return _interrupted(ended, ended.interruption)
    retry = _end(ended, "retry")
    return msgspec.structs.replace(retry, retry_at=now + timedelta(seconds=RETRY_FIRST_SECS))


def _lacks(ended: Ended, task: Task) -> str | None:
    """What a report lacks in evidence; None when it is good."""
    is_on_branch = task.spec.kind is TaskKind.WORK and task.spec.item_id and task.spec.branch
    is_nothing_left = task.spec.may_be_empty and not ended.evidence.dirty and not ended.evidence.elsewhere
    if is_on_branch and not ended.evidence.made and not is_nothing_left:
        return f"you reported the task as done, but its branch has no commit{_elsewhere(ended)}{_dirty(ended)}"
    if _is_fix_without_commit(ended, task):
        told = "you reported the fix as done, but there is no new commit on its branch"
        return f"{told}{_elsewhere(ended)}{_dirty(ended)}"
    return None


def _is_fix_without_commit(ended: Ended, task: Task) -> bool:
    """A reviewer may be answered in words; what checks or a merge object to does not go away by them."""
    spec, head = task.spec, ended.evidence.head
    needs_commit = spec.kind is TaskKind.FIX and any(cause != "review" for cause in spec.causes)
    return needs_commit and head is not None and head == spec.head


def _is_good_without_report(ended: Ended, task: Task) -> bool:
    if ended.result is None or not ended.result.is_success or task.spec.kind is TaskKind.REVIEW:
        return False
    if task.spec.branch or ended.evidence.branch:
        moved = ended.evidence.head != ended.evidence.head_before
        return bool(ended.evidence.made) and moved and not ended.evidence.dirty
    return bool(ended.reading.text)


def _why_nothing(ended: Ended, task: Task) -> str:
    what = "gave no verdict" if task.spec.kind is TaskKind.REVIEW else "made no report"
    return f"{_how(ended)} and {what}{_elsewhere(ended)}{_dirty(ended)}"


def _how(ended: Ended) -> str:
    if ended.trouble is not None:
        return ended.trouble
    result = ended.result
    if result is None:
        return "it could not be begun"
    minutes = result.duration_secs / 60
    match result.ending:
        case Ending.TIMED_OUT:
            return f"it was stopped after {minutes:.0f} min, its time limit"
        case Ending.STALLED:
            return f"it was stopped because it printed nothing for too long (run of {minutes:.0f} min)"
        case Ending.STOPPED:
            return "it was stopped"
        case Ending.EXITED:
            return _how_exited(result, ended.reading.error)


def _how_exited(result: RunResult, error: str | None) -> str:
    said = error or (result.tail[-1] if result.tail and not result.is_success else "")
    why = f" ({said})" if said else ""
    if result.signal is not None:
        return f"its process was killed by signal {result.signal}{why}"
    return f"it ended{why}" if result.is_success else f"its process ended with exit code {result.exit_code}{why}"


def _elsewhere(ended: Ended) -> str:
    evidence = ended.evidence
    return f"; bring them onto {evidence.branch}: {evidence.elsewhere}" if evidence.elsewhere else ""


def _dirty(ended: Ended) -> str:
    dirty = ended.evidence.dirty
    if not dirty:
        return ""
    names = ", ".join(dirty[:5]) + (", …" if len(dirty) > len(dirty[:5]) else "")
    return f"; not committed: {names}"


def _is_rate_limited(ended: Ended) -> bool:
    """Whether the run ended because of a limit: one that was stopped had overcome it, however long ago it told of it."""
    if ended.reading.rate_limit is None:
        return False
    result = ended.result
    return result is None or (result.ending is Ending.EXITED and result.exit_code not in {0, None})


def _paused(ended: Ended, now: datetime) -> RunEnd:
    """The agent waits for the limit's end; a task that met it too often in a row has failed."""
    limit = ended.reading.rate_limit or RateLimit()
    limited = (ended.task.limited if ended.task else 0) + 1
    unsaid = RATE_LIMIT_PAUSE * 2 ** min(limited - 1, MOST_LIMITED)
    until = max(limit.until(now, unsaid), now + timedelta(seconds=RETRY_FIRST_SECS))
    counted = {"limited": str(limited)} if ended.task else {}
    end = _end(ended, "retry", {"reason": "the CLI is rate limited", **counted})
    if limited > MOST_LIMITED:
        said = f": {ended.reading.error}" if ended.reading.error else ""
        end = _end(ended, "failed", {"reason": f"the CLI was rate limited {limited} times in a row{said}"})
    fields = {"paused_until": until.isoformat(), "reason": "rate limited"}
    return msgspec.structs.replace(
        end, agent_state="paused", agent_fields=fields, retry_at=until, max_tries=MOST_LIMITED_MESSAGE
    )


def _nudge(ended: Ended, task: Task, why: str, max_nudges: int, now: datetime) -> RunEnd:
    if ended.interruption is not None:
        return _interrupted(ended, ended.interruption)
    if ended.hook is not None:
        return _kept_from_beginning(ended, task, ended.hook, now)
    nudges = task.nudges + 1
    if nudges > max_nudges:
        is_work = task.spec.kind is not TaskKind.REVIEW and not _is_fix_without_commit(ended, task)
        if ended.evidence.made and is_work:
            said = f"handed in although {why}"
            return _end(ended, "completed", {**_handed_in(ended, said), "report": Report.COMPLETED.value})
        return _end(ended, "failed", {"reason": why})
    # a reminder goes out at once; what failed before may need time to be well again
    orderly = ended.result is not None and ended.result.is_success and nudges == 1
    secs = 0 if orderly else retry_secs(nudges)
    left = str(max_nudges - nudges + 1)
    fields = {"nudges": str(nudges), "nudges_left": left, "reason": why, "result": "", **_over(task)}
    end = _end(ended, "retry", fields)
    return msgspec.structs.replace(end, retry_at=now + timedelta(seconds=secs))


def _interrupted(ended: Ended, why: str) -> RunEnd:
    """A run that a person had stopped: it is begun anew when the agent goes on, and was no try."""
    end = _end(ended, "retry", {"reason": why, "result": ""} if ended.task else {})
    return msgspec.structs.replace(end, is_round=False)


def _over(task: Task) -> dict[str, str]:
    """What no longer happened in a row."""
    counted = {"limited": task.limited, "hook_failures": task.hook_failures}
    return {name: "" for name, times in counted.items() if times}


def _kept_from_beginning(ended: Ended, task: Task, hook: str, now: datetime) -> RunEnd:
    """A hook failed: that is not the agent's doing, so it is no try of its; but neither does it go on for ever."""
    failures = task.hook_failures + 1
    fields = {"reason": ended.trouble or "", "hook_failures": str(failures)}
    if failures >= MOST_HOOK_FAILURES:
        return _end(ended, "failed", {**fields, "hook": hook})
    end = _end(ended, "retry", fields)
    return msgspec.structs.replace(end, retry_at=now + timedelta(seconds=retry_secs(failures)))


def _handed_in(ended: Ended, said: str) -> dict[str, str]:
    evidence = ended.evidence
    left = f"\n\nLeft in the worktree{_dirty(ended)}" if evidence.dirty else ""
    fields = {"result": said + left}
    if evidence.made and evidence.head:
        fields["head"] = evidence.head
    if evidence.branch:
        fields["branch"] = evidence.branch
    return fields


def _end(ended: Ended, outcome: str, fields: dict[str, str] | None = None) -> RunEnd:
    return RunEnd(agent_id=ended.agent_id, run_id=ended.run_id, outcome=outcome, task_fields=fields or {})
