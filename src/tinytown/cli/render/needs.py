"""What items wait for, with where that is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from tinytown.cli.render.text import plain
from tinytown.domain.issue import RelationSource
from tinytown.domain.workitem import WorkItem

_WORDS = MappingProxyType(
    {
        RelationSource.TEXT: "its text",
        RelationSource.BLOCKED_BY: "blocked by",
        RelationSource.SUB_ISSUE: "sub-issue",
        RelationSource.MANIFEST: "manifest",
    }
)


def need_lines(item: WorkItem, items: Mapping[str, WorkItem], home: tuple[str, str]) -> Iterator[str]:
    """What an item waits or waited for, one a line, with where that is said."""
    said = {need.item_id: need.sources for need in item.needs}
    for needed in (items[i] for i in item.depends_on if i in items):
        state = ", done" if needed.is_done else ""
        yield f"after {plain(needed.key)}{_sources(said.get(needed.id, ()))}{state}"
    for outside in item.waits_for:
        state = "" if outside.is_open else ", closed"
        yield f"after {plain(outside.ref.label(home))}{_sources(outside.sources)}, outside the mission{state}"


def _sources(sources: Iterable[RelationSource]) -> str:
    told = ", ".join(_WORDS[source] for source in sources)
    return f" ({told})" if told else ""
