"""`tt mission plan`: what a mission would do, and where each dependency is said; nothing is started."""

from __future__ import annotations

import pytest
from tests.acceptance.conftest import TownCalls
from tests.repositories import commit


@pytest.fixture
def issues(town: TownCalls) -> TownCalls:
    """A town with four issues, two of them labelled."""
    for number, title, labels, body in (
        (1, "Design auth API", "auth", "Design it."),
        (2, "Implement auth endpoints", "auth", "Depends on #1."),
        (3, "Write auth tests", "", "After #2. Blocked by #4."),
        (4, "Set up the lab", "", "Do it."),
    ):
        text = f"---\ntitle: {title}\nlabels: [{labels}]\n---\n{body}\n"
        commit(town.git, {f"issues/{number:04}-issue.md": text}, f"Issue {number}")
    return town


def test_plan_shows_graph_critical_path_sources_and_what_runs_first(issues: TownCalls) -> None:
    manifest = "[[overrides]]\nissue = 3\ndepends_on = [2, 1]\n\n[[overrides]]\nissue = 9\nskip = true\n"
    (issues.root / "mission.toml").write_text(manifest)

    assert issues.ok("mission", "plan", "-i", "1", "-i", "2", "-i", "3").splitlines() == [
        "📋 Objectives: 3 issues",
        "📦 Work items: 3, into main",
        "   ⏳ Issue #1: Design auth API [design, for designer]",
        "   ⏳ Issue #2: Implement auth endpoints [implement]",
        "      after #1 (its text)",
        "   ⏳ Issue #3: Write auth tests [test, for tester]",
        "      after #2 (manifest)",
        "      after #1 (manifest)",
        "🧭 Critical path: #1 → #2 → #3 (3 items)",
        "🟢 First:",
        "   1. #1, for designer",
        "      no agent can take #1; start one: tt spawn designer",
        "⚠️  the manifest skips #9, which is not part of this mission anyway",
    ]


def test_plan_as_json_names_every_dependency_with_its_source(issues: TownCalls) -> None:
    plan = issues.json("mission", "plan", "-i", "2", "-i", "3", "-i", "4")

    assert [(item["key"], item["after"]) for item in plan["work_items"]] == [
        ("#2", [{"key": "#1", "sources": ["text"], "is_outside": True}]),
        (
            "#3",
            [
                {"key": "#2", "sources": ["text"], "is_outside": False},
                {"key": "#4", "sources": ["text"], "is_outside": False},
            ],
        ),
        ("#4", []),
    ]
    assert plan["critical_path"] == ["#2", "#3"]
    assert [(one["key"], one["is_at_once"]) for one in plan["first"]] == [("#4", True)]


def test_nothing_is_started_or_stored_by_a_plan(issues: TownCalls) -> None:
    (issues.root / "README.md").write_text("not committed")
    issues.ok("mission", "plan", "-i", "1")

    assert issues.json("mission", "list", "--all")["missions"] == []
    assert issues.json("status")["hosts"] == []


def test_issues_are_chosen_by_label_for_plans_and_missions(issues: TownCalls) -> None:
    planned = issues.json("mission", "plan", "--label", "AUTH")
    started = issues.json("mission", "start", "--label", "auth", "-i", "2", "-i", "4")

    assert [item["key"] for item in planned["work_items"]] == ["#1", "#2"]
    assert [item["key"] for item in started["work_items"]] == ["#2", "#4", "#1"]
    assert started["warnings"] == []


@pytest.mark.parametrize(
    ("options", "told", "code"),
    [
        (("--label", "auth", "--label", "none"), "no open issue has label 'auth' and label 'none'", 1),
        (("--milestone", "v1"), "issue files can be selected by --label only; milestones and queries need a forge", 2),
        (("--query", "x"), "issue files can be selected by --label only; milestones and queries need a forge", 2),
        ((), "a mission needs objectives: give --issue N, --doc PATH, --label L or --milestone M", 2),
        (("-i", "9"), "there is no issue #9: no file issues/0009-….md", 1),
    ],
)
def test_what_cannot_be_chosen_is_told(issues: TownCalls, options: tuple[str, ...], told: str, code: int) -> None:
    done = issues.tt("mission", "plan", *options)
    assert (done.returncode, done.stderr) == (code, f"error: {told}\n")


def test_why_and_status_say_where_dependencies_are_said(issues: TownCalls) -> None:
    issues.ok("mission", "start", "-i", "2", "-i", "3")

    lines = issues.ok("mission", "why", "3").splitlines()
    assert "   after #2 (its text)" in lines
    assert "   after #4 (its text), outside the mission" in lines
    second, third = issues.json("mission", "status")["work_items"]
    assert third["needs"] == [{"item_id": second["id"], "sources": ["text"]}]
    assert third["waits_for"] == [{"ref": "local/shop#4", "is_open": True, "sources": ["text"]}]
