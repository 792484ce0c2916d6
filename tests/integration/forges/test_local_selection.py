from __future__ import annotations

import pytest
from tests.integration.forges.conftest import LocalTown
from tests.repositories import branch_with

from tinytown.domain.errors import InvalidInputError
from tinytown.domain.issue import Selection


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
