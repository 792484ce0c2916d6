"""The sub-issues that an objective brings into the mission: those that are open, and theirs, within bounds.

What is beyond the bounds is not worked on; the issue that it is a part of waits for it as for any issue outside.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tinytown.domain.issue import Issue, RelationSource
from tinytown.domain.refs import IssueRef, ObjectiveRef
from tinytown.planner.manifest import Manifest
from tinytown.planner.needs import as_home, identity_of, overrides_of

DEPTH_LIMIT = 8
"""Levels of sub-issues below what was named; as many as GitHub allows."""
COUNT_LIMIT = 500
"""Sub-issues that one mission takes in."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be read next."""

    refs: tuple[IssueRef, ...] = ()
    """In the order of their parents."""
    warnings: tuple[str, ...] = ()


def next_parts(
    issues: Mapping[ObjectiveRef, Issue],
    *,
    named: int,
    depth: int,
    manifest: Manifest | None,
    home: tuple[str, str],
) -> Parts:
    """The parts of what was read so far that were not read yet.

    Args:
        issues: the objectives as read, with the parts read before.
        named: how many of them a person named; the others are parts.
        depth: how many levels of parts were read already.
        manifest: what it skips brings in nothing.
        home: (owner, repo) that bare issue numbers belong to.
    """
    overrides = overrides_of(manifest, home)[0]
    known = {identity_of(ref) for ref in issues}
    found: dict[IssueRef, IssueRef] = {}
    for ref, issue in issues.items():
        override = overrides.get(identity_of(ref))
        if not issue.is_open or (override is not None and override.skip):
            continue
        for part in (r.ref for r in issue.relations if r.source is RelationSource.SUB_ISSUE and r.is_open):
            if part.folded not in known:
                found.setdefault(part.folded, as_home(part, home))
    room = COUNT_LIMIT - (len(issues) - named) if depth < DEPTH_LIMIT else 0
    refs = tuple(found.values())
    return Parts(refs=refs[:room], warnings=_left_out(refs[room:], home))


def _left_out(refs: tuple[IssueRef, ...], home: tuple[str, str]) -> tuple[str, ...]:
    if not refs:
        return ()
    shown = ", ".join(ref.label(home) for ref in refs[:5]) + (", …" if len(refs) > len(refs[:5]) else "")
    bounds = f"a mission takes in {COUNT_LIMIT} sub-issues, {DEPTH_LIMIT} levels deep"
    return (f"{bounds}: {len(refs)} more are only waited for, name them to have them done ({shown})",)
