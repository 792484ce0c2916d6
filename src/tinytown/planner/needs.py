"""What an objective depends on: its text's markers and the forge's own relations together, or what the manifest says.

A person's manifest replaces all the rest, because it is there to correct it.
"""

from __future__ import annotations

from collections.abc import Iterable

from tinytown.domain.issue import Issue, RelationSource
from tinytown.domain.refs import IssueRef, ObjectiveRef
from tinytown.planner.manifest import Manifest, Override, named_issue
from tinytown.planner.markers import find_dependencies


class Needs:
    """Issues that something depends on, each with where that is said, in order of appearance."""

    def __init__(self, warnings: Iterable[str] = ()) -> None:
        self.warnings = tuple(warnings)
        self._refs: dict[IssueRef, IssueRef] = {}
        self._sources: dict[IssueRef, dict[RelationSource, None]] = {}

    def add(self, ref: IssueRef, *sources: RelationSource) -> None:
        """Note where it is said that this issue is needed; the first spelling of it is kept."""
        self._refs.setdefault(ref.folded, ref)
        self._sources.setdefault(ref.folded, {}).update(dict.fromkeys(sources))

    def drop(self, ref: ObjectiveRef) -> bool:
        """Forget what is said of that issue; whether anything was."""
        identity = identity_of(ref)
        if not isinstance(identity, IssueRef) or self._refs.pop(identity, None) is None:
            return False
        del self._sources[identity]
        return True

    def each(self) -> tuple[tuple[IssueRef, tuple[RelationSource, ...]], ...]:
        """Each issue with where it is said."""
        return tuple((ref, tuple(self._sources[folded])) for folded, ref in self._refs.items())


def needs_of(ref: ObjectiveRef, issue: Issue, override: Override | None, home: tuple[str, str]) -> Needs:
    """What an objective depends on; what the forge says is closed is not in it.

    Args:
        ref: the objective.
        issue: the same as read.
        override: what the manifest says of it.
        home: (owner, repo) that bare issue numbers of the manifest and of documents belong to.
    """
    if override is not None and override.depends_on is not None:
        return _corrected(ref, override.depends_on, home)
    itself = ref if isinstance(ref, IssueRef) else None
    found = find_dependencies(issue.body, home=itself.repository if itself else home, itself=itself, host=issue.host)
    needs = Needs(found.warnings)
    for needed in found.refs:
        needs.add(needed, RelationSource.TEXT)
    for relation in issue.relations:
        if relation.is_open:
            needs.add(relation.ref, relation.source)
    needs.drop(ref)
    return needs


def overrides_of(manifest: Manifest | None, home: tuple[str, str]) -> tuple[dict[ObjectiveRef, Override], list[str]]:
    """The manifest's overrides by folded reference, and what is wrong with them."""
    found: dict[ObjectiveRef, Override] = {}
    problems: list[str] = []
    for override in manifest.overrides if manifest else ():
        ref = named_issue(override.issue, home)
        if ref.folded in found:  # `5` and `owner/repo#5` are the same only once the home repository is known
            problems.append(f"the manifest overrides {ref.label(home)} twice")
        found[ref.folded] = override
    return found, problems


def identity_of(ref: ObjectiveRef) -> ObjectiveRef:
    """What tells an objective from others, however its repository is spelled."""
    return ref.folded if isinstance(ref, IssueRef) else ref


def as_home(ref: IssueRef, home: tuple[str, str]) -> IssueRef:
    """The reference, with the home repository spelled as the forge spells it."""
    at_home = IssueRef(*home, ref.number)
    return at_home if at_home.folded == ref.folded else ref


def _corrected(ref: ObjectiveRef, named: Iterable[int | IssueRef], home: tuple[str, str]) -> Needs:
    needs = Needs()
    for one in named:
        needs.add(named_issue(one, home), RelationSource.MANIFEST)
    if needs.drop(ref):
        label = ref.label(home)
        needs.warnings = (f"the manifest says that {label} depends on itself; that is ignored",)
    return needs
