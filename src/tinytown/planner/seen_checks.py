"""What follows from the checks of a pull request: run again, to be mended, or looked after by a person."""

from __future__ import annotations

import msgspec

from tinytown.domain.pull import ChecksSeen
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import PullState, Verdict, WorkItem
from tinytown.planner import fixes
from tinytown.planner.draft import Draft
from tinytown.planner.heads import put_pull
from tinytown.planner.holds import hold
from tinytown.planner.settle import look_now

MOST_RERUNS = 2
"""How often checks that failed for reasons of their own are run again, before an agent is asked to mend."""
_DECIDED = frozenset({Verdict.PASSED, Verdict.FAILED})


def take_in(draft: Draft, item: WorkItem, pull: PullState, seen: ChecksSeen) -> None:
    """Take in what the checks of the head say."""
    now = msgspec.structs.replace(
        pull, checks=seen.verdict, checks_trouble=seen.trouble, checks_note=seen.note, is_checked_again=False
    )
    item = put_pull(draft, item, now)
    if seen.trouble:
        hold(draft, item, _unrunnable(draft, seen.trouble))
        return
    if pull.checks_trouble and item.hold == _unrunnable(draft, pull.checks_trouble):
        item = draft.put(item.id, hold=None)
        draft.say("item.resumed", f"the checks of {item.key} are run again", item=item.id)
    if seen.is_worth_rerun and pull.reruns < MOST_RERUNS and item.hold is None:
        _run_again(draft, item, now, seen)
        return
    if seen.verdict is not pull.checks and seen.verdict in _DECIDED:
        line = f"checks of {item.key} {seen.verdict.value}"
        draft.say(f"checks.{seen.verdict.value}", line, item=item.id)
    if seen.verdict is Verdict.FAILED:
        text = _failure_text(seen, pull.reruns)
        fixes.request(draft, item, fixes.ask(draft, cause=fixes.CHECKS, head=seen.head, text=text))
    elif seen.verdict is not Verdict.UNKNOWN:
        fixes.withdraw(draft, item, fixes.CHECKS)


def _run_again(draft: Draft, item: WorkItem, pull: PullState, seen: ChecksSeen) -> None:
    times = pull.reruns + 1
    pull = msgspec.structs.replace(pull, checks=Verdict.PENDING, is_checked_again=True, reruns=times)
    put_pull(draft, item, pull)
    look_now(draft, item.id, draft.now, WatchKind.PR_CHECKS)
    line = f"checks of {item.key} failed for reasons of their own and are run again ({times} of {MOST_RERUNS})"
    draft.say("checks.rerun", f"{line}: {_failed_names(seen)}", item=item.id)


def _unrunnable(draft: Draft, trouble: str) -> str:
    return f"its checks cannot be run ({trouble}); mend that, then: tt mission resume {draft.mission.id[:8]}"


def line_of(seen: ChecksSeen) -> str:
    """What the watch says of it."""
    names = _failed_names(seen) or seen.note
    return f"CI check: {_WORDS[seen.verdict]}" + (f" ({names})" if names else "")


_WORDS = {
    Verdict.UNKNOWN: "none yet",
    Verdict.PENDING: "pending",
    Verdict.PASSED: "passing",
    Verdict.FAILED: "failing",
}


def _failed_names(seen: ChecksSeen) -> str:
    return ", ".join(run.name for run in seen.runs if run.verdict is Verdict.FAILED)


def _failure_text(seen: ChecksSeen, reruns: int) -> str:
    failed = [run for run in seen.runs if run.verdict is Verdict.FAILED]
    told = [f"### {run.name}: {run.summary or 'failed'}{_link(run.link)}\n\n{run.output.rstrip()}" for run in failed]
    times = {0: "", 1: ", also when they were run again"}.get(reruns, f", also when they were run again {reruns} times")
    return "\n\n".join((f"These checks failed at commit {seen.head}{times}:", *told))


def _link(url: str) -> str:
    return f"\n\n{url}" if url else ""
