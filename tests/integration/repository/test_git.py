from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import psutil
import pytest
from tests.repositories import branch_with, commit
from tests.waiting import wait_until

from tinytown.domain.errors import GitError
from tinytown.repository.branch import default_branch
from tinytown.repository.git import NO_COMMIT, Git
from tinytown.repository.trial import Trial, by_worktree, trial_merge

Merge: TypeAlias = Callable[[Git, str, str], Trial]


def test_a_failed_command_is_told_in_one_line_with_what_was_run(git: Git) -> None:
    with pytest.raises(GitError, match=r"^git merge-base nowhere main failed in .*: fatal: .*nowhere") as caught:
        git.merge_base("nowhere", "main")
    assert "\n" not in caught.value.message
    assert caught.value.evidence["argv"] == ("git", "merge-base", "nowhere", "main")


def test_a_failure_about_a_name_that_is_not_utf8_is_told_as_text(git: Git) -> None:
    with pytest.raises(GitError, match=r"caf\\xe9") as caught:
        git.run("merge-base", os.fsdecode(b"caf\xe9"), "main")
    assert (caught.value.message + repr(caught.value.evidence)).isascii()
    assert "udce9" not in repr(caught.value.evidence)


def test_a_missing_folder_and_a_folder_without_repository_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="is not there"):
        Git(tmp_path / "gone").branches()
    with pytest.raises(GitError, match="not a git repository"):
        Git(tmp_path).branches()


def test_git_that_is_not_installed_is_said(git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not installed"):
        git.branches()


def test_a_command_that_takes_too_long_is_stopped_with_what_it_started(git: Git) -> None:
    git.run("config", "alias.hang", "!sleep 60 & echo $! >pid; wait")
    with pytest.raises(GitError, match=r"took longer than 0.5 s"):
        Git(git.folder, timeout_secs=0.5).run("hang")
    child = int((git.folder / "pid").read_text())
    wait_until(lambda: not psutil.pid_exists(child), "what git started is stopped")


def test_a_hook_around_us_does_not_redirect_us_to_its_repository(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere/.git")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert git.branches() == ("main",)


def test_revisions_and_branches_are_found_or_said_to_be_missing(git: Git) -> None:
    head = git.rev_parse("HEAD")
    assert (git.find_branch("main"), git.find_branch("other"), git.find_commit("-x")) == (head, None, None)
    with pytest.raises(GitError, match="there is no commit 'other'"):
        git.rev_parse("other")


def test_a_detached_head_has_no_branch(git: Git) -> None:
    assert git.current_branch() == "main"
    git.run("checkout", "--quiet", "--detach")
    assert git.current_branch() is None


def test_untracked_files_are_not_dirt_but_are_listed(git: Git) -> None:
    (git.folder / "new ü.txt").write_text("x")
    assert (git.is_dirty(), git.dirty_files()) == (False, ("new ü.txt",))
    (git.folder / "app.py").write_text("changed")
    assert (git.is_dirty(), set(git.dirty_files())) == (True, {"app.py", "new ü.txt"})


def test_commits_between_are_newest_first(git: Git) -> None:
    first = branch_with(git, "work", {"a": "1"})
    second = branch_with(git, "work", {"a": "2"})
    assert git.commits_between("main", "work") == (second, first)
    assert (git.is_ancestor("main", "work"), git.is_ancestor("work", "main")) == (True, False)


def test_a_ref_moves_only_from_where_it_was_expected(git: Git) -> None:
    head = git.rev_parse("HEAD")
    other = branch_with(git, "work", {"a": "1"})
    assert git.update_ref("refs/heads/new", other, NO_COMMIT, reason="test")
    assert not git.update_ref("refs/heads/new", head, head, reason="test")
    assert git.find_branch("new") == other
    assert git.update_ref("refs/heads/new", head, other, reason="test")
    assert git.find_branch("new") == head


def test_a_file_is_read_at_a_commit(git: Git) -> None:
    assert git.blob("main", "app.py") == b"one\ntwo\nthree\n"
    assert git.blob("main", "absent.py") is None


def test_commits_have_an_author_even_where_none_is_configured(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git.identity() == {}
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    sha = git.commit_tree(git.line("rev-parse", "HEAD^{tree}"), (git.rev_parse("HEAD"),), "By nobody")
    assert git.line("show", "-s", "--format=%an <%ae> %cn", sha) == "Tinytown <tinytown@localhost> Tinytown"
    git.run("config", "user.name", "Grace")
    sha = git.commit_tree(git.line("rev-parse", "HEAD^{tree}"), (), "By Grace")
    assert git.line("show", "-s", "--format=%an <%ae>", sha) == "Grace <tinytown@localhost>"


@pytest.mark.parametrize("merge", [trial_merge, by_worktree])
class TestTrialMerge:
    def test_branches_that_touch_different_lines_merge_to_a_tree(self, git: Git, merge: Merge) -> None:
        branch_with(git, "work", {"app.py": "ONE\ntwo\nthree\n"})
        commit(git, {"other.py": "x\n"})
        trial = merge(git, "main", "work")
        assert trial.tree is not None
        assert git.blob(trial.tree, "app.py") == b"ONE\ntwo\nthree\n"
        assert git.blob(trial.tree, "other.py") == b"x\n"

    def test_a_conflict_names_the_files_and_leaves_nothing_behind(self, git: Git, merge: Merge) -> None:
        branch_with(git, "work", {"app.py": "ONE\n", "both ä.py": "theirs\n"})
        commit(git, {"app.py": "1\n", "both ä.py": "ours\n"})
        before = git.run("worktree", "list").out
        trial = merge(git, "main", "work")
        assert (trial.tree, trial.conflicts) == (None, ("app.py", "both ä.py"))
        assert trial.reason == "conflicts in app.py, both ä.py"
        assert git.run("worktree", "list").out == before
        assert git.dirty_files() == ()


def test_branches_without_common_history_do_not_merge(git: Git) -> None:
    stranger = git.commit_tree(git.line("rev-parse", "HEAD^{tree}"), (), "Alone")
    assert trial_merge(git, "main", stranger).reason == "it shares no history with the base branch"


class TestDefaultBranch:
    def test_the_head_of_the_remote_comes_first(self, git: Git) -> None:
        git.run("branch", "trunk")
        assert default_branch(git) == "main"
        git.run("update-ref", "refs/remotes/origin/trunk", "main")
        git.run("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
        assert default_branch(git) == "trunk"

    def test_a_branch_that_only_the_remote_has_will_do_where_work_is_merged_there(self, git: Git) -> None:
        git.run("update-ref", "refs/remotes/origin/trunk", "main")
        git.run("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
        assert (default_branch(git), default_branch(git, is_remote_first=True)) == ("main", "trunk")

    def test_the_configured_name_comes_before_the_usual_ones(self, git: Git) -> None:
        git.run("branch", "develop")
        git.run("config", "init.defaultBranch", "develop")
        assert default_branch(git) == "develop"

    def test_branches_of_items_do_not_count(self, git: Git) -> None:
        git.run("branch", "-m", "trunk")
        git.run("branch", "tt/1-x")
        git.run("config", "branch.tt/1-x.tinytown-owner", "item")
        git.run("checkout", "--quiet", "--detach")
        assert default_branch(git) == "trunk"

    def test_of_several_others_the_one_checked_out_counts(self, git: Git) -> None:
        git.run("branch", "-m", "trunk")
        git.run("branch", "side")
        assert default_branch(git) == "trunk"
        git.run("checkout", "--quiet", "--detach")
        with pytest.raises(GitError, match=r"name it in tinytown\.toml"):
            default_branch(git)

    def test_a_repository_without_commits_says_so(self, tmp_path: Path) -> None:
        empty = Git(tmp_path)
        empty.run("init", "--quiet")
        with pytest.raises(GitError, match="no commits yet"):
            default_branch(empty)


def test_no_hook_of_the_user_runs_in_our_commands(git: Git) -> None:
    hook = git.folder / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{git.folder}/hooked'\n")
    hook.chmod(0o755)
    git.run("checkout", "--quiet", "--detach")
    assert not os.path.lexists(git.folder / "hooked")
