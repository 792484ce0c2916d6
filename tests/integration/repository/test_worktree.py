from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.repositories import branch_with, commit

from tinytown.domain.errors import GitError, InvalidInputError, NotFoundError, WorktreeInUseError
from tinytown.repository.git import Git
from tinytown.repository.hooks import Hooks
from tinytown.repository.worktree import Worktree, Worktrees
from tinytown.repository.worktree_record import Phase, read_record, write_record

ITEM = str(uuid.UUID(int=7))
OTHER = str(uuid.UUID(int=8 << 96))


def prepare(worktrees: Worktrees, *starts_from: str, owner: str = ITEM, branch: str = "tt/1-x") -> Worktree:
    return worktrees.prepare("1-x", branch=branch, base="main", starts_from=starts_from, owner=owner)


def python_hook(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_a_new_worktree_is_on_its_own_branch_from_the_base(git: Git, worktrees: Worktrees) -> None:
    made = prepare(worktrees)
    assert (made.branch, made.notes, (made.path / "app.py").is_file()) == ("tt/1-x", (), True)
    assert git.at(made.path).current_branch() == "tt/1-x"
    assert git.find_branch("tt/1-x") == git.find_branch("main")
    assert git.dirty_files() == ()


def test_a_worktree_is_used_again_as_it_is(git: Git, worktrees: Worktrees) -> None:
    made = prepare(worktrees)
    commit(git.at(made.path), {"app.py": "work\n"})
    (made.path / "draft.txt").write_text("unsaved")
    commit(git, {"app.py": "base moved\n"})
    assert prepare(worktrees) == made
    assert ((made.path / "app.py").read_text(), (made.path / "draft.txt").read_text()) == ("work\n", "unsaved")


def test_another_branch_in_the_worktree_is_left_and_said(git: Git, worktrees: Worktrees) -> None:
    made = prepare(worktrees)
    git.at(made.path).run("checkout", "--quiet", "-b", "mine")
    again = prepare(worktrees)
    assert (again.branch, again.path) == ("tt/1-x", made.path)
    assert again.notes == ("the worktree has branch mine checked out; the work belongs on branch tt/1-x",)


class TestStart:
    def test_unmerged_dependencies_are_brought_together_on_top_of_the_base(
        self, git: Git, worktrees: Worktrees
    ) -> None:
        branch_with(git, "tt/a", {"a": "a\n"})
        branch_with(git, "tt/b", {"b": "b\n"})
        commit(git, {"later": "base moved\n"})
        made = prepare(worktrees, "tt/a", "tt/b")
        assert made.notes == ()
        assert {path.name for path in made.path.iterdir()} >= {"a", "b", "later"}

    def test_a_merged_dependency_is_no_start(self, git: Git, worktrees: Worktrees) -> None:
        branch_with(git, "tt/a", {"a": "a\n"})
        git.run("merge", "--quiet", "--no-ff", "-m", "merge", "tt/a")
        prepare(worktrees, "tt/a")
        assert git.find_branch("tt/1-x") == git.find_branch("main")

    def test_a_conflict_between_dependencies_is_a_note_with_branch_and_files(
        self, git: Git, worktrees: Worktrees
    ) -> None:
        first = branch_with(git, "tt/a", {"app.py": "a\n"})
        branch_with(git, "tt/b", {"app.py": "b\n"})
        made = prepare(worktrees, "tt/a", "tt/b")
        assert made.notes == ("branch tt/b is not merged in: conflicts in app.py",)
        assert git.find_branch("tt/1-x") == first

    def test_a_dependency_without_a_branch_is_a_note(self, worktrees: Worktrees) -> None:
        made = prepare(worktrees, "tt/gone")
        assert made.notes == ("branch tt/gone of a dependency is not here; its work is missing from this branch",)

    def test_a_base_only_on_the_remote_is_enough(self, git: Git, worktrees: Worktrees) -> None:
        head = branch_with(git, "elsewhere", {"x": "x"})
        git.run("update-ref", "refs/remotes/origin/trunk", head)
        made = worktrees.prepare("1-x", branch="tt/1-x", base="trunk", owner=ITEM)
        assert worktrees.status(made.name).head == head

    def test_a_missing_base_is_an_error_that_leaves_no_branch(self, git: Git, worktrees: Worktrees) -> None:
        with pytest.raises(GitError, match="there is no branch 'nowhere'"):
            worktrees.prepare("1-x", branch="tt/1-x", base="nowhere", owner=ITEM)
        assert git.branches() == ("main",)
        assert prepare(worktrees).branch == "tt/1-x"


class TestForeign:
    def test_a_persons_branch_of_that_name_is_left_alone(self, git: Git, worktrees: Worktrees) -> None:
        theirs = branch_with(git, "tt/1-x", {"theirs": "x"})
        made = prepare(worktrees)
        assert made.branch == f"tt/1-x-{ITEM[:8]}"
        assert git.find_branch("tt/1-x") == theirs
        assert prepare(worktrees) == made

    def test_two_items_that_want_one_name_at_once_get_a_worktree_each(self, git: Git) -> None:
        for name in ("1-x", "2-x", "3-x", "4-x"):
            start = threading.Barrier(2)

            def make(owner: str, name: str = name, start: threading.Barrier = start) -> Worktree:
                town = Worktrees(git.folder, git.folder / ".tt" / "worktrees")
                start.wait(10)
                return town.prepare(name, branch=f"tt/{name}", base="main", owner=owner)

            with ThreadPoolExecutor(2) as pool:
                made = list(pool.map(make, (ITEM, OTHER)))
            assert len({one.path for one in made}) == 2
            assert len({one.branch for one in made}) == 2

    def test_another_items_worktree_and_branch_are_left_alone(self, worktrees: Worktrees) -> None:
        first, second = prepare(worktrees), prepare(worktrees, owner=OTHER)
        assert (first.name, first.branch) == ("1-x", "tt/1-x")
        assert (second.name, second.branch) == (f"1-x-{OTHER[:8]}", f"tt/1-x-{OTHER[:8]}")

    def test_a_branch_checked_out_elsewhere_is_an_error_that_says_where(self, git: Git, worktrees: Worktrees) -> None:
        worktrees.remove(prepare(worktrees).name)
        git.run("checkout", "--quiet", "tt/1-x")
        with pytest.raises(GitError, match=r"already (checked out|used by worktree) at '.*home'"):
            prepare(worktrees)
        git.run("checkout", "--quiet", "main")
        assert prepare(worktrees).branch == "tt/1-x"

    def test_a_folder_that_is_no_worktree_is_moved_aside(self, worktrees: Worktrees) -> None:
        (worktrees.folder / "1-x").mkdir(parents=True)
        (worktrees.folder / "1-x" / "precious").write_text("keep")
        made = prepare(worktrees)
        assert "kept-1" in made.notes[0]
        assert (worktrees.folder / "1-x.kept-1" / "precious").read_text() == "keep"

    @pytest.mark.parametrize("name", ["", "../x", "a/b", "-x", ".x", "a" * 200])
    def test_a_name_that_leads_elsewhere_is_refused(self, worktrees: Worktrees, name: str) -> None:
        with pytest.raises(InvalidInputError):
            worktrees.prepare(name, branch="tt/1-x", base="main", owner=ITEM)

    @pytest.mark.parametrize("branch", ["a..b", "a b", "-x", "x.lock"])
    def test_a_name_that_is_no_branch_is_refused(self, git: Git, worktrees: Worktrees, branch: str) -> None:
        with pytest.raises(GitError):
            prepare(worktrees, branch=branch)
        assert git.branches() == ("main",)


class TestCrash:
    def test_a_folder_that_was_deleted_is_made_again_with_its_commits(self, git: Git, worktrees: Worktrees) -> None:
        made = prepare(worktrees)
        head = commit(git.at(made.path), {"work": "x"})
        shutil.rmtree(made.path)
        again = prepare(worktrees)
        assert again.notes == ("the worktree 1-x was gone and is made again from its branch",)
        assert worktrees.status("1-x").head == head
        assert worktrees.status("1-x").made == (head,)

    def test_a_worktree_that_git_had_not_finished_is_made_anew(self, git: Git, worktrees: Worktrees) -> None:
        made = prepare(worktrees)
        head = commit(git.at(made.path), {"work": "x"})
        _set_phase(worktrees, Phase.ADDING)
        (made.path / ".git").unlink()
        (made.path / "app.py").unlink()
        prepare(worktrees)
        assert worktrees.status("1-x").head == head
        assert (made.path / "app.py").is_file()

    def test_a_crash_before_git_began_is_made_good(self, worktrees: Worktrees) -> None:
        made = prepare(worktrees)
        _set_phase(worktrees, Phase.ADDING)
        record = (worktrees.folder / ".1-x.json").read_bytes()
        worktrees.remove("1-x")
        (worktrees.folder / ".1-x.json").write_bytes(record)
        assert prepare(worktrees) == made

    def test_a_lost_git_file_is_repaired_before_commands_reach_the_checkout_around(
        self, git: Git, worktrees: Worktrees
    ) -> None:
        made = prepare(worktrees)
        (made.path / "draft").write_text("keep")
        (made.path / ".git").unlink()
        prepare(worktrees)
        assert git.at(made.path).current_branch() == "tt/1-x"
        assert (made.path / "draft").read_text() == "keep"

    def test_a_worktree_without_its_record_is_adopted(self, worktrees: Worktrees) -> None:
        made = prepare(worktrees)
        (made.path / "draft").write_text("keep")
        (worktrees.folder / ".1-x.json").unlink()
        assert prepare(worktrees) == made
        assert (made.path / "draft").read_text() == "keep"


def test_processes_that_prepare_at_once_do_not_hinder_each_other(git: Git, worktrees: Worktrees) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        arguments = [(str(git.folder), f"w{number // 2}") for number in range(8)]
        branches = pool.starmap(prepare_elsewhere, arguments)
        pool.close()
        pool.join()
    assert sorted(branches) == sorted(f"tt/w{number // 2}" for number in range(8))
    assert [made.name for made in worktrees.list()] == ["w0", "w1", "w2", "w3"]
    assert git.succeeds("fsck", "--no-dangling")


def prepare_elsewhere(checkout: str, name: str) -> str:
    folder = Path(checkout)
    owner = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    made = Worktrees(folder, folder / ".tt" / "worktrees").prepare(name, branch=f"tt/{name}", base="main", owner=owner)
    return made.branch


class TestInclude:
    def test_only_ignored_files_that_are_named_are_copied(self, git: Git, worktrees: Worktrees) -> None:
        commit(git, {".gitignore": ".tt/\n*.env\ncache/\n", ".worktreeinclude": "*.env\nnotes\napp.py\n"})
        (git.folder / "conf").mkdir()
        (git.folder / "conf" / "local.env").write_text("secret")
        (git.folder / "notes").write_text("untracked, not ignored: it would be committed")
        (git.folder / "cache").mkdir()
        (git.folder / "cache" / "big").write_text("ignored, not named")
        (git.folder / ".tt" / "town.env").parent.mkdir(exist_ok=True)
        (git.folder / ".tt" / "town.env").write_text("ours")
        made = prepare(worktrees)
        assert (made.path / "conf" / "local.env").read_text() == "secret"
        assert {path.name for path in made.path.iterdir()}.isdisjoint({"notes", "cache", ".tt"})
        assert worktrees.status(made.name).dirty == ()

    def test_nothing_is_copied_through_a_link_that_leads_out(
        self, git: Git, worktrees: Worktrees, tmp_path: Path
    ) -> None:
        commit(git, {".gitignore": ".tt/\n*.env\n", ".worktreeinclude": "*.env\n"})
        (git.folder / "conf").mkdir()
        (git.folder / "conf" / "x.env").write_text("secret")
        outside = tmp_path / "outside"
        outside.mkdir()
        prepare(worktrees)
        worktrees.remove("1-x")
        side = tmp_path / "side"
        git.run("worktree", "add", "--quiet", str(side), "tt/1-x")
        (side / "conf").symlink_to(outside)
        git.at(side).run("add", "conf")
        git.at(side).run("commit", "--quiet", "-m", "link")
        git.run("worktree", "remove", str(side))
        prepare(worktrees)
        assert list(outside.iterdir()) == []

    def test_a_file_of_the_branch_is_not_replaced(self, git: Git, worktrees: Worktrees) -> None:
        commit(git, {".gitignore": ".tt/\n*.env\n", ".worktreeinclude": "*.env\n"})
        branch_with(git, "tt/a", {"x.env": "tracked"})
        (git.folder / "x.env").write_text("local")
        assert (prepare(worktrees, "tt/a").path / "x.env").read_text() == "tracked"


class TestHooks:
    def test_a_hook_runs_in_the_worktree_and_knows_it(self, git: Git) -> None:
        code = "import os; open('hook.txt', 'w').write(os.environ['TINYTOWN_WORKTREE'] + os.environ['TINYTOWN_BRANCH'])"
        made = prepare(_with_hooks(git, Hooks(after_create=python_hook(code))))
        assert (made.path / "hook.txt").read_text() == f"{made.path}tt/1-x"

    def test_a_failing_first_hook_is_an_error_and_is_run_again(self, git: Git) -> None:
        failing = _with_hooks(git, Hooks(after_create=python_hook("print('no network'); raise SystemExit(3)")))
        with pytest.raises(GitError, match=r"hook after_create failed \(exit code 3\): no network; see .*\.log$"):
            prepare(failing)
        counting = Hooks(after_create=python_hook("open('count', 'a').write('x')"))
        assert (prepare(_with_hooks(git, counting)).path / "count").read_text() == "x"
        assert (prepare(_with_hooks(git, counting)).path / "count").read_text() == "x"

    def test_a_hook_that_hangs_is_stopped(self, git: Git) -> None:
        with pytest.raises(GitError, match=r"took longer than 0.2 s"):
            prepare(_with_hooks(git, Hooks(after_create=("sleep", "60"), timeout_secs=0.2)))

    def test_hooks_around_a_run_fail_loudly_before_and_softly_after(self, git: Git) -> None:
        worktrees = _with_hooks(git, Hooks(before_run=("false",), after_run=("no-such-program",)))
        made = prepare(worktrees)
        with pytest.raises(GitError, match=r"before_run failed \(exit code 1\)"):
            worktrees.before_run(made)
        assert [note.split(";")[0] for note in worktrees.after_run(made)] == [
            "hook after_run failed (no-such-program cannot be started: No such file or directory)"
        ]

    def test_what_a_last_hook_leaves_is_not_thrown_away(self, git: Git) -> None:
        worktrees = _with_hooks(git, Hooks(before_remove=python_hook("open('report', 'w').close()")))
        prepare(worktrees)
        with pytest.raises(WorktreeInUseError, match="report"):
            worktrees.remove("1-x")

    def test_a_failing_last_hook_is_a_note(self, git: Git) -> None:
        worktrees = _with_hooks(git, Hooks(before_remove=("false",)))
        made = prepare(worktrees)
        assert worktrees.remove("1-x").notes[0].startswith("hook before_remove failed (exit code 1)")
        assert not made.path.exists()


class TestReview:
    def test_a_review_gets_the_commit_without_a_branch(self, git: Git, worktrees: Worktrees) -> None:
        head = branch_with(git, "tt/a", {"a": "a"})
        made = worktrees.checkout_for_review("review-1", head)
        assert (made.branch, made.notes, worktrees.status("review-1").branch) == ("", (), None)
        assert worktrees.status("review-1").head == head

    def test_a_clean_one_is_moved_to_the_next_commit(self, git: Git, worktrees: Worktrees) -> None:
        first = branch_with(git, "tt/a", {"a": "a"})
        worktrees.checkout_for_review("review-1", first)
        git.run("branch", "-D", "tt/a")
        second = branch_with(git, "tt/a", {"a": "b"})
        made = worktrees.checkout_for_review("review-1", second)
        assert (made.name, (made.path / "a").read_text()) == ("review-1", "b")

    def test_one_with_changes_is_kept_and_another_is_made(self, git: Git, worktrees: Worktrees) -> None:
        first = worktrees.checkout_for_review("review-1", "main")
        (first.path / "remarks.txt").write_text("mine")
        second = branch_with(git, "tt/a", {"a": "b"})
        made = worktrees.checkout_for_review("review-1", second)
        assert made.name == f"review-1-{second[:8]}"
        assert (first.path / "remarks.txt").read_text() == "mine"

    def test_one_at_the_commit_is_used_again_with_what_is_in_it(self, worktrees: Worktrees) -> None:
        first = worktrees.checkout_for_review("review-1", "main")
        (first.path / "remarks.txt").write_text("mine")
        again = worktrees.checkout_for_review("review-1", "main")
        assert (again.name, again.notes) == (
            "review-1",
            ("an earlier run left 1 changed or untracked files: remarks.txt",),
        )

    def test_reviews_that_leave_commits_never_run_out_of_worktrees(self, git: Git, worktrees: Worktrees) -> None:
        names = []
        for number in range(4):
            made = worktrees.checkout_for_review("review-1", "main")
            commit(git.at(made.path), {"idea": str(number)})
            names.append(made.name)
        sha = git.rev_parse("main")[:8]
        assert names == ["review-1", f"review-1-{sha}", f"review-1-{sha}-2", f"review-1-{sha}-3"]

    def test_one_with_commits_of_its_own_is_kept(self, git: Git, worktrees: Worktrees) -> None:
        first = worktrees.checkout_for_review("review-1", "main")
        commit(git.at(first.path), {"idea": "x"})
        assert worktrees.checkout_for_review("review-1", "main").name.startswith("review-1-")
        with pytest.raises(WorktreeInUseError, match=r"1 commits that are on no branch: .* Change"):
            worktrees.remove("review-1")


class TestRemove:
    def test_a_clean_worktree_goes_and_its_branch_stays(self, git: Git, worktrees: Worktrees) -> None:
        made = prepare(worktrees)
        head = commit(git.at(made.path), {"work": "x"})
        (made.path / ".tt").mkdir()
        (made.path / ".tt" / "ignored").write_text("x")
        assert worktrees.remove("1-x").lost == ()
        assert (made.path.exists(), git.find_branch("tt/1-x")) == (False, head)
        assert [path.name for path in worktrees.folder.iterdir()] == []

    @pytest.mark.parametrize("name", ["app.py", "untracked.txt"])
    def test_a_dirty_worktree_is_never_removed(self, worktrees: Worktrees, name: str) -> None:
        made = prepare(worktrees)
        (made.path / name).write_text("work")
        with pytest.raises(WorktreeInUseError, match=f"1-x is kept, it holds 1 changed or untracked files: {name}"):
            worktrees.remove("1-x")
        assert (made.path / name).read_text() == "work"

    def test_force_says_what_was_lost(self, git: Git, worktrees: Worktrees) -> None:
        made = worktrees.checkout_for_review("review-1", "main")
        commit(git.at(made.path), {"idea": "x"}, "My idea")
        (made.path / "untracked").write_text("x")
        lost = worktrees.remove("review-1", force=True).lost
        assert lost[0] == "1 changed or untracked files: untracked"
        assert lost[1].startswith("1 commits that are on no branch: ")
        assert "My idea" in lost[1]
        assert not made.path.exists()

    def test_force_removes_even_a_broken_one(self, worktrees: Worktrees) -> None:
        made = prepare(worktrees)
        (made.path / ".git").unlink()
        with pytest.raises(WorktreeInUseError, match="files in"):
            worktrees.remove("1-x")
        worktrees.remove("1-x", force=True)
        assert not made.path.exists()

    def test_a_worktree_that_someone_locked_is_kept(self, git: Git, worktrees: Worktrees) -> None:
        made = prepare(worktrees)
        git.run("worktree", "lock", "--reason", "in use", str(made.path))
        with pytest.raises(WorktreeInUseError, match="locked"):
            worktrees.remove("1-x")
        assert made.path.exists()

    def test_removing_what_is_not_there_is_no_error(self, worktrees: Worktrees) -> None:
        assert worktrees.remove("never").lost == ()


class TestStatus:
    def test_own_commits_are_told_from_those_of_the_dependencies(self, git: Git, worktrees: Worktrees) -> None:
        dependency = branch_with(git, "tt/a", {"a": "a"})
        made = prepare(worktrees, "tt/a")
        assert worktrees.status("1-x").made == ()
        own = commit(git.at(made.path), {"b": "b"})
        (made.path / "draft").write_text("x")
        status = worktrees.status("1-x")
        assert (status.head, status.made, status.ahead) == (own, (own,), (own, dependency))
        assert (status.dirty, status.branch) == (("draft",), "tt/1-x")

    def test_commits_on_another_branch_are_none_of_the_items(self, git: Git, worktrees: Worktrees) -> None:
        made = prepare(worktrees)
        there = git.at(made.path)
        own = commit(there, {"a": "a"})
        there.run("switch", "--quiet", "--create", "mine")
        stray = commit(there, {"b": "b"})
        status = worktrees.status("1-x")
        assert (status.made, status.elsewhere, status.branch) == ((own,), (stray,), "mine")

    def test_commits_of_the_base_merged_in_are_not_own_ones(self, git: Git, worktrees: Worktrees) -> None:
        made = prepare(worktrees)
        commit(git, {"base": "x"})
        git.at(made.path).run("merge", "--quiet", "--ff-only", "main")
        assert worktrees.status("1-x").made == ()

    def test_a_file_name_that_is_not_utf8_is_told_as_text(self, worktrees: Worktrees) -> None:
        made = prepare(worktrees)
        (made.path / os.fsdecode(b"caf\xe9")).write_text("x")
        assert worktrees.status("1-x").dirty == (r"caf\xe9",)
        with pytest.raises(WorktreeInUseError, match=r"untracked files: caf\\xe9"):
            worktrees.remove("1-x")

    def test_an_unknown_worktree_is_not_found(self, worktrees: Worktrees) -> None:
        with pytest.raises(NotFoundError):
            worktrees.status("never")

    def test_only_worktrees_of_the_folder_are_listed(self, git: Git, worktrees: Worktrees, tmp_path: Path) -> None:
        git.run("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
        prepare(worktrees)
        worktrees.checkout_for_review("review-1", "main")
        assert [(made.name, made.branch) for made in worktrees.list()] == [("1-x", "tt/1-x"), ("review-1", "")]


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(git: Git, worktrees: Worktrees) -> None:
    (git.folder / ".tt").write_text("a file where a folder should be")
    with pytest.raises(GitError, match=r"\.tt/worktrees/\S+ cannot be written: Not a directory"):
        prepare(worktrees)
    assert git.branches() == ("main",)


def _with_hooks(git: Git, hooks: Hooks) -> Worktrees:
    return Worktrees(git.folder, git.folder / ".tt" / "worktrees", hooks=hooks)


def _set_phase(worktrees: Worktrees, phase: Phase) -> None:
    file = worktrees.folder / ".1-x.json"
    record = read_record(file)
    assert record is not None
    write_record(
        file, type(record)(owner=record.owner, branch=record.branch, base=record.base, start=record.start, phase=phase)
    )
