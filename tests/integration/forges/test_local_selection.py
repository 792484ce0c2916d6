from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.forges.conftest import LocalTown
from tests.repositories import branch_with

from tinytown.domain.errors import InvalidInputError
from tinytown.domain.issue import Selection
from tinytown.domain.refs import IssueRef


def _issue(town: LocalTown, number: int, *, labels: str, state: str = "open") -> None:
    text = f"---\ntitle: Issue {number}\nlabels: [{labels}]\nstate: {state}\n---\nDo it.\n"
    (town.git.folder / "issues" / f"{number:04d}-issue.md").write_text(text)


def _selected(town: LocalTown, **choice: object) -> list[int]:
    return [ref.number for ref in town.forge.select(Selection(**choice)).refs]  # type: ignore[arg-type]


def test_the_open_issues_with_all_labels_are_selected_in_order(town: LocalTown) -> None:
    _issue(town, 12, labels="auth, Ready")
    _issue(town, 3, labels="ready, auth, extra")
    _issue(town, 4, labels="auth")
    _issue(town, 5, labels="auth, ready", state="closed")
    assert _selected(town, labels=("auth", "ready")) == [3, 12]
    assert _selected(town, labels=("none",)) == []


def test_issues_that_are_only_on_the_default_branch_are_selected_too(town: LocalTown) -> None:
    branch_with(town.git, "other", {"b": "1"})
    (town.git.folder / "issues" / "0001-first.md").unlink()
    assert _selected(town) == [1]


@pytest.mark.parametrize("choice", [{"milestone": "v1"}, {"query": "is:open"}])
def test_files_have_no_milestones_and_no_search(town: LocalTown, choice: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError, match="can be selected by --label only"):
        _selected(town, **choice)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many commands of git were run so far."""
    trace = tmp_path / "git.trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    return lambda: trace.read_text().count("trace: built-in: git ")


def test_reading_many_issues_takes_no_more_commands_of_git_than_reading_few(
    town: LocalTown, commands: Callable[[], int]
) -> None:
    for number in range(2, 41):
        _issue(town, number, labels="ready")
    town.git.run("add", "--", "issues")
    town.git.run("commit", "--quiet", "-m", "Issues")
    _issue(town, 41, labels="ready")
    taken = []
    for last in (3, 41):
        refs = [IssueRef(*town.forge.home, number) for number in range(1, last + 1)]
        before = commands()
        read = town.forge.reading(refs)
        titles = [read(ref).title for ref in refs]
        taken.append(commands() - before)
        assert titles == ["First", *(f"Issue {number}" for number in range(2, last + 1))]
    assert taken[0] == taken[1]
    assert taken[1] < 10


def test_choosing_among_many_issues_takes_few_commands_of_git(town: LocalTown, commands: Callable[[], int]) -> None:
    for number in range(2, 41):
        _issue(town, number, labels="ready")
    town.git.run("add", "--", "issues")
    town.git.run("commit", "--quiet", "-m", "Issues")
    before = commands()
    assert len(_selected(town)) == 40
    assert commands() - before < 10
