from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.forges.github_writing.writing import Writing, known
from tests.peers.actor import Actor
from tests.peers.github import GitHub
from tests.repositories import commit

from tinytown.domain.errors import ConflictError, ForgeError
from tinytown.forges.github.shapes import PullShape


def merged_into_main(writing: Writing, octo: Actor, files: dict[str, str | None]) -> None:
    writing.pushed("tt/other", files)
    octo.call("PUT", f"pulls/{octo.pull('tt/other')}/merge", {})


def update(writing: Writing, pull: PullShape, head: str) -> str:
    now = writing.pulls.read(pull.number)
    return writing.updating.update(now, known(head), is_own=writing.pulls.is_own(now)).head


def test_the_base_is_merged_into_the_branch_and_nothing_else(github: GitHub, writing: Writing, octo: Actor) -> None:
    pull = writing.opened()
    merged_into_main(writing, octo, {"other": "x"})
    new = update(writing, pull, pull.head.sha)
    main = github.bare.text("rev-parse", "main")
    assert (
        github.bare.text("log", "-1", "--format=%P|%s", new) == f"{pull.head.sha} {main}|Merge branch 'main' into tt/1"
    )
    assert octo.call("GET", f"pulls/{pull.number}")["head"]["sha"] == new == writing.git.find_branch("tt/1")


def test_one_that_is_up_to_date_stays(writing: Writing) -> None:
    pull = writing.opened()
    assert update(writing, pull, pull.head.sha) == pull.head.sha


def test_updated_again_after_a_crash_the_first_update_is_told(writing: Writing, octo: Actor) -> None:
    pull = writing.opened()
    merged_into_main(writing, octo, {"other": "x"})
    first = update(writing, pull, pull.head.sha)
    assert update(writing, pull, pull.head.sha) == first


def test_after_a_crash_a_base_that_moved_on_is_merged_in_too(github: GitHub, writing: Writing, octo: Actor) -> None:
    pull = writing.opened()
    merged_into_main(writing, octo, {"other": "x"})
    first = update(writing, pull, pull.head.sha)
    merged_into_main(writing, octo, {"more": "x"})
    second = update(writing, pull, pull.head.sha)
    assert github.bare.text("rev-parse", f"{second}^1", f"{second}^2").split() == [
        first,
        github.bare.text("rev-parse", "main"),
    ]


def test_a_persons_push_in_between_is_no_update_of_ours(writing: Writing, octo: Actor) -> None:
    pull = writing.opened()
    merged_into_main(writing, octo, {"other": "x"})
    later = writing.pushed("tt/1", {"later": "x"})
    with pytest.raises(ConflictError, match=f"is at {later[:12]} now") as error:
        update(writing, pull, pull.head.sha)
    assert error.value.evidence["head"] == later


def test_a_merge_with_something_slipped_in_is_no_update_of_ours(writing: Writing, octo: Actor, tmp_path: Path) -> None:
    pull = writing.opened()
    merged_into_main(writing, octo, {"other": "x"})
    update(writing, pull, pull.head.sha)
    writing.git.run("worktree", "add", "--quiet", "--detach", str(tmp_path / "wt"), "tt/1")
    there = writing.git.at(tmp_path / "wt")
    (there.folder / "slipped").write_text("in")
    there.run("add", "slipped")
    there.run("commit", "--quiet", "--amend", "--no-edit")
    there.run("push", "--quiet", "--force", "origin", "HEAD:tt/1")
    with pytest.raises(ConflictError):
        update(writing, pull, pull.head.sha)


def test_a_base_that_conflicts_is_told_by_its_files(github: GitHub, writing: Writing, octo: Actor) -> None:
    pull = writing.opened(files={"README.md": "mine\n"})
    merged_into_main(writing, octo, {"README.md": "theirs\n"})
    with pytest.raises(ConflictError, match=r"main does not merge into tt/1: conflicts in README\.md") as error:
        update(writing, pull, pull.head.sha)
    assert error.value.evidence["files"] == ("README.md",)
    assert github.bare.text("rev-parse", "tt/1") == pull.head.sha


def test_clean_checkouts_follow_and_others_are_left(writing: Writing, octo: Actor, tmp_path: Path) -> None:
    pull = writing.opened()
    writing.git.run("worktree", "add", "--quiet", str(tmp_path / "wt"), "tt/1")
    there = writing.git.at(tmp_path / "wt")
    merged_into_main(writing, octo, {"other": "x"})
    new = update(writing, pull, pull.head.sha)
    assert (there.rev_parse("HEAD"), (there.folder / "other").read_text(), there.dirty_files()) == (new, "x", ())
    (there.folder / "README.md").write_text("not committed")
    merged_into_main(writing, octo, {"more": "x"})
    update(writing, pull, new)
    assert (there.rev_parse("HEAD"), there.current_branch(), there.is_dirty()) == (new, "tt/1", True)


def test_commits_here_that_are_not_pushed_stay(writing: Writing, octo: Actor, tmp_path: Path) -> None:
    pull = writing.opened()
    merged_into_main(writing, octo, {"other": "x"})
    writing.git.run("worktree", "add", "--quiet", str(tmp_path / "wt"), "tt/1")
    mine = commit(writing.git.at(tmp_path / "wt"), {"mine": "x"})
    assert update(writing, pull, pull.head.sha) != mine
    assert writing.git.find_branch("tt/1") == mine


def test_one_that_is_closed_is_not_updated(writing: Writing, octo: Actor) -> None:
    pull = writing.opened()
    octo.call("PATCH", f"pulls/{pull.number}", {"state": "closed"})
    with pytest.raises(ForgeError, match="is closed"):
        update(writing, pull, pull.head.sha)


def test_a_forks_branch_is_its_owners(writing: Writing) -> None:
    pull = writing.opened()
    with pytest.raises(ForgeError, match="comes from a fork"):
        writing.updating.update(pull, known(pull.head.sha), is_own=False)
