"""The last look before a merge: GitHub merges over what people say, and some accounts over what its rules ask."""

from __future__ import annotations

import msgspec

from tinytown.domain.errors import ConflictError
from tinytown.domain.pull import Known, ReviewSeen
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import Verdict
from tinytown.forges.github.looks import Looks


def require_ready(looks: Looks, number: int, known: Known, heeds: tuple[WatchKind, ...]) -> None:
    """See to it that nothing speaks against merging the known head just now.

    Args:
        looks: as made for a merge.
        number: of the pull request.
        known: what it was found ready by.
        heeds: whose objections count.

    Raises:
        ConflictError: somebody objects, or its checks do not pass.
    """
    known = msgspec.structs.replace(known, at=None, is_thorough=True)  # looks of that decision were earlier
    if WatchKind.REVIEW_COMMENTS in heeds:
        _require_content(looks.people.look(number, known), known, is_told_enough=False)
    if WatchKind.BUGBOT_COMMENTS in heeds:
        _require_content(looks.bots.look(number, known), known, is_told_enough=True)
    checks = looks.checks.look(number, known)
    if checks.verdict is not Verdict.PASSED:
        names = ", ".join(run.name for run in checks.runs if run.verdict is checks.verdict) or checks.note
        raise ConflictError(f"its checks do not pass any more: {checks.verdict.value} ({names})", head=known.head)


def _require_content(seen: ReviewSeen, known: Known, *, is_told_enough: bool) -> None:
    """People have the last word; of a bot what its agent was told was dealt with, as bots rarely take anything back."""
    if seen.verdict is not Verdict.FAILED:
        return
    if is_told_enough and seen.findings and all(found.id in known.told for found in seen.findings):
        return
    raise ConflictError(f"{seen.by or 'somebody'} asks for changes", head=known.head)
