"""What reviews and threads say of a head. Pure.

A person's last approval, request for changes or dismissal counts; a comment clears nothing. A thread wants something as
long as it is neither resolved nor outdated, and the last to say something in it is not us.
https://docs.github.com/en/rest/pulls/reviews
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from tinytown.domain.pull import ReviewSeen
from tinytown.domain.workitem import Verdict
from tinytown.forges.github.points import (
    LONG_AGO,
    Facts,
    Point,
    author_of,
    gates,
    general,
    is_listed_bot,
    of_summary,
    of_threads,
    refusals,
)
from tinytown.forges.github.remarks import Remark, Thread
from tinytown.forges.github.shapes import ReviewShape

DECIDING = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})
"""States of reviews that count until the same person's next one."""


def judge_people(reviews: Iterable[ReviewShape], threads: Iterable[Thread], facts: Facts) -> ReviewSeen:
    """What people want changed or approve. PENDING: they spoke, want nothing more, and nobody approved this head."""
    said = [
        one for one in _listed(reviews, facts) if not author_of(one).is_app and not is_listed_bot(author_of(one), facts)
    ]
    last = _last_words([one for one in said if author_of(one).key in facts.writers])
    points = [
        *refusals(last.values()),
        *general(said, last, facts),
        *of_threads(threads, facts, lambda author: not is_listed_bot(author, facts)),
    ]
    approvals = [one for one in last.values() if one.state == "APPROVED" and _is_here(one, facts)]
    notes = (*_elsewhere(last.values(), facts), *_unheard(said, threads, facts))
    gating = [point for point in points if gates(point, facts) and not _is_content(point, approvals, facts)]
    if gating:
        seen = _seen(facts, Verdict.FAILED, points, gating, (*_waiting(gating, facts), *notes))
        is_told = all(point.finding.id in facts.told for point in gating)
        return msgspec.structs.replace(seen, ask_again=_to_look_again(last.values(), facts) if is_told else ())
    if approvals:
        by = ", ".join(author_of(one).login for one in approvals)
        text = "\n\n".join(one.body for one in approvals if one.body)
        seen = _seen(facts, Verdict.PASSED, points, (), notes)
        return msgspec.structs.replace(seen, by=by, text=text)
    has_spoken = bool(points) or any(author_of(one).key in facts.trusted | facts.writers for one in said)
    seen = _seen(facts, Verdict.PENDING if has_spoken else Verdict.UNKNOWN, points, (), notes)
    return msgspec.structs.replace(seen, ask_again=_to_look_again(last.values(), facts))


def _is_content(point: Point, approvals: Iterable[ReviewShape], facts: Facts) -> bool:
    """Whether who said it approved this head later, having had it mended: by GitHub's clock alone, for ours may differ."""
    if point.is_standing or point.finding.id not in facts.told or point.at is None:
        return False
    return any(one.submitted_at is not None and one.submitted_at >= point.at for one in _of(point.by, approvals))


def _of(login: str, reviews: Iterable[ReviewShape]) -> Iterable[ReviewShape]:
    return (one for one in reviews if author_of(one).login == login)


def judge_bots(
    reviews: Iterable[ReviewShape], threads: Iterable[Thread], summaries: Iterable[Remark], facts: Facts
) -> ReviewSeen:
    """What the named bots want changed; PASSED when all that they said is settled.

    Args:
        reviews: of the pull request; only requests for changes count, the rest of what bots write there is a summary.
        threads: of the pull request.
        summaries: comments below the pull request that a configured pattern picked.
        facts: as for people.
    """
    threads = tuple(threads)
    said = [one for one in _listed(reviews, facts) if is_listed_bot(author_of(one), facts)]
    points = [
        *refusals(_last_words(said).values()),
        *of_threads(threads, facts, lambda author: is_listed_bot(author, facts)),
        *(of_summary(one) for one in summaries if is_listed_bot(one.author, facts)),
    ]
    if gating := [point for point in points if gates(point, facts)]:
        return _seen(facts, Verdict.FAILED, points, gating, _waiting(gating, facts))
    spoke = points or said or any(is_listed_bot(one.author, facts) for thread in threads for one in thread.remarks)
    return _seen(facts, Verdict.PASSED if spoke else Verdict.UNKNOWN, points, (), ())


def _listed(reviews: Iterable[ReviewShape], facts: Facts) -> list[ReviewShape]:
    """Reviews of others in the order they were made; drafts (`PENDING`) are shown to their author only."""
    others = (one for one in reviews if one.state != "PENDING" and author_of(one).key != facts.me)
    return sorted(others, key=lambda one: (one.submitted_at or LONG_AGO, one.id))


def _last_words(reviews: Iterable[ReviewShape]) -> dict[str, ReviewShape]:
    return {author_of(one).key: one for one in reviews if one.state in DECIDING and one.user is not None}


def _is_here(review: ReviewShape, facts: Facts) -> bool:
    return review.commit_id == facts.head or review.commit_id in facts.same


def _to_look_again(last: Iterable[ReviewShape], facts: Facts) -> tuple[str, ...]:
    """Whose request for changes was answered by another head, and whose review a push dismissed."""
    return tuple(
        author_of(one).login
        for one in last
        if (one.state == "CHANGES_REQUESTED" and not _is_here(one, facts))
        or (one.state == "DISMISSED" and one.commit_id != facts.head)
    )


def _seen(
    facts: Facts, verdict: Verdict, points: Sequence[Point], gating: Sequence[Point], notes: Iterable[str]
) -> ReviewSeen:
    return ReviewSeen(
        head=facts.head,
        verdict=verdict,
        by=", ".join(dict.fromkeys(point.by for point in gating)),
        text="\n\n".join(point.finding.text for point in gating),
        findings=tuple(point.finding for point in points),
        note="; ".join(notes),
    )


def _waiting(gating: Sequence[Point], facts: Facts) -> tuple[str, ...]:
    """Who must speak again, when all that stands was handed over."""
    if any(point.finding.id not in facts.told for point in gating):
        return ()
    names = ", ".join(dict.fromkeys(point.by for point in gating))
    return (f"waits for {names} to look again",)


def _elsewhere(last: Iterable[ReviewShape], facts: Facts) -> tuple[str, ...]:
    notes = []
    for one in last:
        login = author_of(one).login
        if one.state == "APPROVED" and not _is_here(one, facts):
            notes.append(f"{login} approved {(one.commit_id or 'another commit')[:10]}, not this one")
        elif one.state == "DISMISSED":
            notes.append(f"the review of {login} was dismissed")
    return tuple(notes)


def _unheard(said: Iterable[ReviewShape], threads: Iterable[Thread], facts: Facts) -> tuple[str, ...]:
    authors = [author_of(one) for one in said]
    authors += [one.author for thread in threads if thread.is_open for one in thread.remarks]
    known = facts.writers | facts.trusted | {facts.me}
    names = {
        one.login: None for one in authors if one.key not in known and not one.is_app and not is_listed_bot(one, facts)
    }  # fmt: skip
    return (f"left alone, as they may not write here: {', '.join(names)}",) if names else ()
