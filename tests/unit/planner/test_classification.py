from __future__ import annotations

import pytest

from tinytown.domain.issue import Issue
from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import WorkKind
from tinytown.planner.classify import classify

NOBODY: frozenset[str] = frozenset()
TEAM = frozenset({"designer", "backend", "tester", "reviewer", "worker"})


def issue(title: str, *labels: str) -> Issue:
    return Issue(ref=IssueRef("o", "r", 1), title=title, body="Test and design.", labels=labels)


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Design auth API", WorkKind.DESIGN),
        ("Plan the migration", WorkKind.DESIGN),
        ("RFC: tokens", WorkKind.DESIGN),
        ("Auth API design", WorkKind.DESIGN),
        ("Write a spec for login", WorkKind.DESIGN),
        ("Write design doc", WorkKind.DESIGN),
        ("Architecture of the store", WorkKind.DESIGN),
        ("Implement auth endpoints", WorkKind.IMPLEMENT),
        ("Implement the design of the login", WorkKind.IMPLEMENT),
        ("Build the test harness", WorkKind.IMPLEMENT),
        ("Add design tokens", WorkKind.IMPLEMENT),
        ("Add review button", WorkKind.IMPLEMENT),
        ("Show the latest build", WorkKind.IMPLEMENT),
        ("Let users write a review", WorkKind.IMPLEMENT),
        ("Redesigned contest planner", WorkKind.IMPLEMENT),
        ("", WorkKind.IMPLEMENT),
        ("Write auth tests", WorkKind.TEST),
        ("Test the login", WorkKind.TEST),
        ("test: add login", WorkKind.TEST),
        ("Raise coverage of the store", WorkKind.TEST),
        ("Add tests for the login bug", WorkKind.TEST),
        ("Review the store", WorkKind.REVIEW),
        ("Security audit", WorkKind.REVIEW),
        ("Do a code review", WorkKind.REVIEW),
        ("Thorough review of the login", WorkKind.REVIEW),
        ("Fix login after latest release", WorkKind.FOLLOWUP),
        ("Fix failing tests", WorkKind.FOLLOWUP),
        ("Login bug on Safari", WorkKind.FOLLOWUP),
        ("Follow-up: rename the flag", WorkKind.FOLLOWUP),
        ("Login follow up", WorkKind.FOLLOWUP),
        ("[Bug] Login", WorkKind.FOLLOWUP),
    ],
)
def test_title_tells_the_kind_by_whole_words(title: str, kind: WorkKind) -> None:
    assert classify(issue(title), NOBODY).kind is kind


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (("kind:test",), WorkKind.TEST),
        (("Kind: Merge gate",), WorkKind.MERGE_GATE),
        (("kind/follow-up",), WorkKind.FOLLOWUP),
        (("kind:bug",), WorkKind.FOLLOWUP),
        (("review",), WorkKind.REVIEW),
        (("Merge-Gate",), WorkKind.MERGE_GATE),
        (("review", "kind:test"), WorkKind.TEST),
        (("kind:unheard", "kind:", "area:test", "latest"), WorkKind.DESIGN),
    ],
)
def test_label_tells_the_kind_before_the_title(labels: tuple[str, ...], kind: WorkKind) -> None:
    assert classify(issue("Design auth API", *labels), NOBODY).kind is kind


@pytest.mark.parametrize(
    ("title", "labels", "roles", "role"),
    [
        ("Design auth API", ("role:backend",), TEAM, "backend"),
        ("Design auth API", ("role:Backend",), TEAM, "backend"),
        ("Design auth API", ("role:BACKEND",), frozenset({"Backend"}), "Backend"),
        ("Design auth API", ("role: security",), TEAM, "security"),
        ("Design auth API", ("Backend",), TEAM, "backend"),
        ("Design auth API", ("backend",), NOBODY, "designer"),
        ("Add review page", ("reviewer",), TEAM, "reviewer"),
        ("Design the backend", (), TEAM, "backend"),
        ("Design for Alice and backend", (), TEAM | {"alice"}, "alice"),
        ("Ask the front-end team", (), frozenset({"front-end"}), "front-end"),
        ("Design auth API", (), NOBODY, "designer"),
        ("Design auth API", (), frozenset({"Architect"}), "Architect"),
        ("Design auth API", (), frozenset({"Architect", "designer"}), "designer"),
        ("Write auth tests", (), NOBODY, "tester"),
        ("Write auth tests", (), frozenset({"QA"}), "QA"),
        ("Review the store", (), NOBODY, "reviewer"),
        ("Implement auth endpoints", (), TEAM, "backend"),
        ("Implement auth endpoints", (), NOBODY, None),
        ("Implement login", (), TEAM, None),
        ("Implement the backend", (), NOBODY, "backend"),
        ("Build the login UI", (), frozenset({"Frontend"}), "Frontend"),
        ("Build the login", (), frozenset({"frontend"}), None),
        ("Fix the server", (), TEAM, "backend"),
        ("Add a worker pool", (), TEAM, None),
        ("Add a reviewer page", (), TEAM, None),
        ("Approve backend", ("kind:merge_gate",), TEAM, None),
        ("", (), frozenset({"-"}), None),
        ("Implement login", (), frozenset({"-"}), None),
    ],
)
def test_role_comes_from_labels_then_title_then_kind(
    title: str, labels: tuple[str, ...], roles: frozenset[str], role: str | None
) -> None:
    assert classify(issue(title, *labels), roles).role == role


def test_kind_that_is_known_already_decides_the_role() -> None:
    found = classify(issue("Implement login", "kind:design"), NOBODY, kind=WorkKind.TEST)

    assert (found.kind, found.role) == (WorkKind.TEST, "tester")
