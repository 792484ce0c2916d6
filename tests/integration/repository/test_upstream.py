"""Worktrees of a repository whose work is merged elsewhere."""

from __future__ import annotations

import uuid

import pytest
from tests.integration.repository.remotes import pushed_by_another, with_origin
from tests.repositories import branch_with, commit

from tinytown.domain.errors import RemoteError
from tinytown.repository.git import Git
from tinytown.repository.push import publish
from tinytown.repository.remote import Remote
from tinytown.repository.upstream import Upstream
from tinytown.repository.worktree import Worktree, Worktrees

ITEM = str(uuid.UUID(int=7 << 96))


@pytest.fixture
def bare(git: Git) -> Git:
    return with_origin(git)


@pytest.fixture
def remote(git: Git, bare: Git) -> Remote:
    assert bare.find_branch("main") == git.find_branch("main")
    return Remote(git)


@pytest.fixture
def upstream(git: Git, remote: Remote) -> Upstream:
    return Upstream(remote, git.folder / ".tt")


@pytest.fixture
def worktrees(git: Git, upstream: Upstream) -> Worktrees:
    return Worktrees(git.folder, git.folder / ".tt" / "worktrees", upstream=upstream)


def prepare(worktrees: Worktrees, *starts_from: str, owner: str = ITEM, head: str | None = None) -> Worktree:
    return worktrees.prepare("1-x", branch="tt/1-x", base="main", starts_from=starts_from, owner=owner, head=head)


class TestStart:
    def test_work_starts_at_the_remotes_base_when_the_one_here_is_stale(
        self, git: Git, bare: Git, worktrees: Worktrees
    ) -> None:
        merged = pushed_by_another(bare, "main", {"merged.txt": "x"})
        made = prepare(worktrees)
        assert git.find_branch("tt/1-x") == merged
        assert git.find_branch("main") != merged
        assert worktrees.status(made.name).made == ()

    def test_commits_that_are_only_on_the_base_here_are_not_part_of_the_work(
        self, git: Git, bare: Git, worktrees: Worktrees
    ) -> None:
        commit(git, {"private.txt": "x"})
        prepare(worktrees)
        assert git.find_branch("tt/1-x") == bare.find_branch("main")

    def test_a_dependency_that_somebody_pushed_to_is_taken_from_there(
        self, git: Git, bare: Git, remote: Remote, worktrees: Worktrees
    ) -> None:
        publish(remote, "tt/dep", branch_with(git, "tt/dep", {"dep": "1"}))
        theirs = pushed_by_another(bare, "tt/dep", {"more": "2"})
        prepare(worktrees, "tt/dep")
        assert git.find_branch("tt/1-x") == theirs

    def test_without_the_remote_what_is_here_has_to_do_and_that_is_said(
        self, git: Git, bare: Git, worktrees: Worktrees
    ) -> None:
        bare.folder.rename(bare.folder.with_name("gone"))
        made = prepare(worktrees)
        assert git.find_branch("tt/1-x") == git.find_branch("main")
        assert [note.split(":")[0] for note in made.notes] == [
            "origin was not reached, so this is as it was fetched last"
        ]

    def test_somebody_elses_branch_of_that_name_is_left_alone(self, bare: Git, worktrees: Worktrees) -> None:
        pushed_by_another(bare, "tt/1-x", {"theirs": "x"})
        made = prepare(worktrees)
        assert made.branch == f"tt/1-x-{ITEM[:8]}"
        assert not (made.path / "theirs").exists()

    def test_the_items_own_work_of_another_machine_goes_on_here(
        self, git: Git, bare: Git, worktrees: Worktrees
    ) -> None:
        head = pushed_by_another(bare, "tt/1-x", {"theirs": "x"})
        later = pushed_by_another(bare, "tt/1-x", {"more": "x"})
        Remote(git).fetch("tt/1-x")
        made = prepare(worktrees, head=head)
        assert (made.branch, git.find_branch("tt/1-x")) == ("tt/1-x", later)
        assert len(worktrees.status(made.name).made) == 2

    def test_a_branch_with_the_items_id_is_its_own(self, git: Git, bare: Git, worktrees: Worktrees) -> None:
        pushed_by_another(bare, "tt/1-x", {"theirs": "x"})
        begun = pushed_by_another(bare, f"tt/1-x-{ITEM[:8]}", {"ours": "x"})
        assert git.at(prepare(worktrees).path).rev_parse("HEAD") == begun

    def test_a_review_of_a_commit_that_is_only_there_gets_it(self, git: Git, bare: Git, worktrees: Worktrees) -> None:
        sha = pushed_by_another(bare, "tt/9", {"theirs": "x"})
        made = worktrees.checkout_for_review("review-9", sha)
        assert git.at(made.path).rev_parse("HEAD") == sha

    def test_reading_the_base_is_reading_it_as_it_is_there(self, git: Git, bare: Git, worktrees: Worktrees) -> None:
        sha = pushed_by_another(bare, "main", {"merged.txt": "x"})
        assert git.at(worktrees.checkout_for_review("agent-a", "main").path).rev_parse("HEAD") == sha


class TestCatchingUp:
    def begun(self, git: Git, remote: Remote, worktrees: Worktrees) -> tuple[Git, str]:
        """(the worktree, its head): one commit was made there and pushed."""
        there = git.at(prepare(worktrees).path)
        sha = commit(there, {"ours": "1"})
        publish(remote, "tt/1-x", sha)
        return there, sha

    def test_what_a_person_pushed_is_there_before_the_next_run(
        self, git: Git, bare: Git, remote: Remote, worktrees: Worktrees
    ) -> None:
        there, _ = self.begun(git, remote, worktrees)
        theirs = pushed_by_another(bare, "tt/1-x", {"theirs": "1"})
        assert prepare(worktrees).notes == ("branch tt/1-x was brought up to date: somebody else has pushed to it",)
        assert (there.rev_parse("HEAD"), there.current_branch()) == (theirs, "tt/1-x")
        assert ((there.folder / "theirs").read_text(), there.dirty_files()) == ("1", ())

    def test_changes_that_are_not_committed_stay_and_are_told_what_to_do(
        self, git: Git, bare: Git, remote: Remote, worktrees: Worktrees
    ) -> None:
        there, sha = self.begun(git, remote, worktrees)
        (there.folder / "ours").write_text("2")
        pushed_by_another(bare, "tt/1-x", {"theirs": "1"})
        (note,) = prepare(worktrees).notes
        assert note.endswith("bring them in with `git merge origin/tt/1-x`")
        assert (there.rev_parse("HEAD"), there.current_branch(), there.is_dirty()) == (sha, "tt/1-x", True)

    def test_work_that_was_not_pushed_yet_stays_beside_what_was(
        self, git: Git, bare: Git, remote: Remote, worktrees: Worktrees
    ) -> None:
        there, _ = self.begun(git, remote, worktrees)
        mine = commit(there, {"ours": "2"})
        pushed_by_another(bare, "tt/1-x", {"theirs": "1"})
        (note,) = prepare(worktrees).notes
        assert note.startswith("origin/tt/1-x has other commits than tt/1-x here")
        assert there.rev_parse("HEAD") == mine

    def test_what_a_person_took_back_is_taken_back_here(
        self, git: Git, bare: Git, remote: Remote, worktrees: Worktrees
    ) -> None:
        there, first = self.begun(git, remote, worktrees)
        publish(remote, "tt/1-x", commit(there, {"ours": "2"}))
        bare.run("update-ref", "refs/heads/tt/1-x", first)
        prepare(worktrees)
        assert (there.rev_parse("HEAD"), (there.folder / "ours").read_text()) == (first, "1")

    def test_what_the_agent_rewrote_is_not_undone(
        self, git: Git, bare: Git, remote: Remote, worktrees: Worktrees
    ) -> None:
        there, first = self.begun(git, remote, worktrees)
        there.run("commit", "--quiet", "--amend", "-m", "Better")
        mine = there.rev_parse("HEAD")
        assert (prepare(worktrees).notes, there.rev_parse("HEAD")) == ((), mine)
        assert bare.find_branch("tt/1-x") == first

    def test_a_persons_commit_that_the_agent_dropped_is_told_before_the_next_run(
        self, git: Git, bare: Git, remote: Remote, worktrees: Worktrees
    ) -> None:
        there, sha = self.begun(git, remote, worktrees)
        pushed_by_another(bare, "tt/1-x", {"theirs": "1"})
        prepare(worktrees)
        there.run("reset", "--quiet", "--hard", sha)
        mine = commit(there, {"ours": "2"})
        (note,) = prepare(worktrees).notes
        assert note.startswith("origin/tt/1-x has other commits than tt/1-x here")
        assert there.rev_parse("HEAD") == mine


class TestPublishing:
    def test_somebody_elses_work_is_not_overwritten(
        self, git: Git, bare: Git, remote: Remote, upstream: Upstream
    ) -> None:
        publish(remote, "tt/1-x", branch_with(git, "tt/1-x", {"a": "a"}))
        theirs = pushed_by_another(bare, "tt/1-x", {"b": "b"}, start="origin/main")
        branch_with(git, "tt/1-x", {"c": "c"})
        with pytest.raises(RemoteError, match="somebody else has pushed something else"):
            upstream.publish("tt/1-x")
        assert bare.find_branch("tt/1-x") == theirs

    def test_a_branch_that_is_not_here_is_nothing_to_push(self, bare: Git, upstream: Upstream) -> None:
        upstream.publish("tt/nothing")
        assert bare.branches() == ("main",)
