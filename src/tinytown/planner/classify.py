"""What kind of work an issue asks for, and the role that fits it.

Labels say it first, then whole words of the title; parts of words never do (`build` is not `ui`).

Kinds by title. The first word decides when it names a kind: "Design auth API", "Test the login", "Fix login",
"Review the store", "Implement the design". Otherwise the earliest of these does:

- a design noun at the end, or before "for", "of", "doc": "Auth API design", "Write a spec for login";
- "review" or "audit" before "of", or at the end after words such as "security" or "perform";
- a test word anywhere: "Write auth tests";
- a mending word anywhere: "Login bug on Safari".

All else is to be implemented. Design and review nouns are read narrowly because products have them as features ("Add
review button"), and a review produces no branch; a label settles what this gets wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from tinytown.domain.agent import REVIEWER_ROLE, WORKER_ROLE
from tinytown.domain.issue import Issue
from tinytown.domain.workitem import WorkKind


class Classification(msgspec.Struct, frozen=True):
    """What an issue asks for."""

    kind: WorkKind
    role: str | None
    """Role that fits best; None when any worker will do."""


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", re.sub(r"\bfollow[\s-]up", "followup", text.lower()))


_FIRST = {
    **dict.fromkeys(_words("design architect plan spec specify rfc adr propose proposal"), WorkKind.DESIGN),
    **dict.fromkeys(_words("test tests testing"), WorkKind.TEST),
    **dict.fromkeys(_words("review audit"), WorkKind.REVIEW),
    **dict.fromkeys(_words("fix bug bugfix hotfix regression followup"), WorkKind.FOLLOWUP),
    **dict.fromkeys(
        _words("implement build feat feature refactor remove rename migrate port upgrade replace"), WorkKind.IMPLEMENT
    ),
}
_DESIGN_NOUNS = frozenset(_words("design architecture spec specification rfc adr proposal"))
_REVIEW_NOUNS = frozenset(_words("review audit"))
_TEST_WORDS = frozenset(_words("test tests testing coverage"))
_MENDING_WORDS = frozenset(_words("fix fixes bug bugs bugfix hotfix regression regressions followup"))
_AFTER_DESIGN = frozenset({None, "for", "of", "doc", "document"})
_BEFORE_REVIEW = frozenset(_words("code security peer final perform do conduct"))

_STANDARD_ROLES = {
    WorkKind.DESIGN: ("designer", "architect", "design"),
    WorkKind.TEST: ("tester", "test", "qa"),
    WorkKind.REVIEW: (REVIEWER_ROLE, "review"),
}
"""Roles by kind, the standard one first."""
_CODING_ROLES = {
    "backend": frozenset(_words("api database db endpoint endpoints server")),
    "frontend": frozenset(_words("css page ui ux")),
    "docs": frozenset(_words("documentation guide readme tutorial")),
}
"""Roles for changing code, with words that mean them in a town that has such an agent."""


def classify(issue: Issue, roles: frozenset[str], *, kind: WorkKind | None = None) -> Classification:
    """The kind of work and the role that fits.

    Args:
        issue: its labels and title are looked at.
        roles: roles and names of the agents there are; letter case does not matter.
        kind: what it is to be, when that is known already.
    """
    known = {role.lower(): role for role in sorted(roles)}
    words = _words(issue.title)
    kind = kind or _labelled_kind(issue.labels) or _titled_kind(words)
    return Classification(kind, _labelled_role(issue.labels, known) or _fitting_role(kind, words, known))


def _marked(labels: Iterable[str], mark: str) -> Iterator[str]:
    """What stands behind `mark:` (or `mark/`) in labels."""
    for label in labels:
        name, _, value = label.replace("/", ":", 1).partition(":")
        if name.strip().lower() == mark and value.strip():
            yield value.strip()


def _labelled_kind(labels: Sequence[str]) -> WorkKind | None:
    kinds = {_squeezed(kind.value): kind for kind in WorkKind}
    for value in _marked(labels, "kind"):
        if found := kinds.get(_squeezed(value)) or _FIRST.get(_squeezed(value)):
            return found
    return next((kinds[_squeezed(label)] for label in labels if _squeezed(label) in kinds), None)


def _squeezed(text: str) -> str:
    """`Merge gate`, `merge-gate` and `merge_gate` are the same."""
    return re.sub(r"[\s_-]", "", text.lower())


def _titled_kind(words: Sequence[str]) -> WorkKind:
    if words and words[0] in _FIRST:
        return _FIRST[words[0]]
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else None
        if word in _DESIGN_NOUNS and following in _AFTER_DESIGN:
            return WorkKind.DESIGN
        if word in _REVIEW_NOUNS and (following == "of" or (following is None and words[0] in _BEFORE_REVIEW)):
            return WorkKind.REVIEW
        if word in _TEST_WORDS:
            return WorkKind.TEST
        if word in _MENDING_WORDS:
            return WorkKind.FOLLOWUP
    return WorkKind.IMPLEMENT


def _labelled_role(labels: Sequence[str], known: dict[str, str]) -> str | None:
    for value in _marked(labels, "role"):
        return known.get(value.lower(), value)
    return next((known[label.lower()] for label in labels if label.lower() in known), None)


def _fitting_role(kind: WorkKind, words: Sequence[str], known: dict[str, str]) -> str | None:
    if kind is WorkKind.MERGE_GATE:
        return None
    if named := _named_role(words, known):
        return named
    if standard := _STANDARD_ROLES.get(kind):
        return next((known[role] for role in standard if role in known), standard[0])
    return _coding_role(words, known)


def _named_role(words: Sequence[str], known: dict[str, str]) -> str | None:
    """The role that the title names; a worker or reviewer in a title is a thing of the product, not a colleague."""
    text = f" {' '.join(words)} "
    named = [
        (place, role)
        for role in known
        if role not in {WORKER_ROLE, REVIEWER_ROLE} and (place := text.find(f" {' '.join(_words(role))} ")) >= 0
    ]
    return known[min(named)[1]] if words and named else None


def _coding_role(words: Sequence[str], known: dict[str, str]) -> str | None:
    for word in words:
        if word in _CODING_ROLES:
            return known.get(word, word)
    return next(
        (known[role] for word in words for role, meant in _CODING_ROLES.items() if word in meant and role in known),
        None,
    )
