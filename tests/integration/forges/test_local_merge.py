from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.forges.conftest import ISSUE, LocalTown
from tests.repositories import branch_with, commit

from tinytown.domain.errors import ConflictError, ForgeError, ForgeUnavailableError
from tinytown.domain.pull import Known, Pull, PullDraft
from tinytown.domain.refs import IssueRef, parse_issue_ref
from tinytown.forges.local.forge import LocalForge
from tinytown.repository.git import Git
from tinytown.repository.mover import Mover
from tinytown.store.connection import connect

CLOSES = (IssueRef("local", "home", 1),)


def opened(town: LocalTown, files: dict[str, str | None] | None = None, branch: str = "tt/1") -> Pull:
    branch_with(town.git, branch, files or {"app.py": "one\ntwo\nTHREE\n", "new.py": "new\n"})
    return town.open(branch, marker=branch)


def test_a_merge_commit_closes_the_issue_and_the_clean_checkout_follows(town: LocalTown) -> None:
    base, pull = town.git.rev_parse("main"), opened(town)
    town.watched_by("m1", pull.url)
    merged = town.forge.merge(pull.url, pull.head, closes=CLOSES)
    assert merged.notice == ""
    assert town.git.line("show", "-s", "--format=%P", "main") == f"{base} {pull.head}"
    assert town.git.line("show", "-s", "--format=%B", "main") == (
        "Merge pull request #1: First\n\nCloses #1\n\nTinytown-Pull: 1"
    )
    assert (town.git.folder / "issues" / "0001-first.md").read_text() == ISSUE.replace("open", "closed")
    assert (town.git.folder / "new.py").read_text() == "new\n"
    assert (town.git.dirty_files(), town.git.current_branch()) == ((), "main")
    assert not town.forge.issue(CLOSES[0]).is_open
    after = town.forge.pull(pull.url)
    assert (after.is_open, after.merged_as, merged.sha) == (False, town.git.rev_parse("main"), after.merged_as)
    assert ("pull.merged", pull.url) in town.events()
    assert town.signal_of("m1", pull.url) is not None


def test_merging_twice_gives_the_same_commit(town: LocalTown) -> None:
    pull = opened(town)
    first = town.forge.merge(pull.url, pull.head, closes=CLOSES)
    commit(town.git, {"later": "x"})
    assert town.forge.merge(pull.url, pull.head, closes=CLOSES).sha == first.sha
    assert town.git.line("rev-list", "--count", "--merges", "main") == "1"


def test_dispatchers_that_merge_at_once_make_one_commit_each(town: LocalTown, redis_url: str) -> None:
    pull = opened(town)
    other = opened(town, {"other.py": "x"}, "tt/2")
    shas: list[str] = []
    errors: list[BaseException] = []

    def merge(url: str, head: str) -> None:
        own_connection = connect(redis_url)
        try:
            own = LocalTown(town.git, own_connection, town.keys)
            shas.append(own.forge.merge(url, head, closes=()).sha)
        except BaseException as error:  # noqa: BLE001  shown by the assertion below
            errors.append(error)
        finally:
            own_connection.close()

    threads = [threading.Thread(target=merge, args=(one.url, one.head)) for one in (pull, other) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert (len(shas), len(set(shas))) == (6, 2)
    assert town.git.line("rev-list", "--count", "--merges", "main") == "2"
    assert town.git.dirty_files() == ()


def test_only_the_approved_head_is_merged(town: LocalTown) -> None:
    base, pull = town.git.rev_parse("main"), opened(town)
    newer = branch_with(town.git, "tt/1", {"more": "x"})
    with pytest.raises(ConflictError, match=f"is at {newer[:12]} now, not at {pull.head[:12]}"):
        town.forge.merge(pull.url, pull.head, closes=())
    assert town.git.rev_parse("main") == base


def test_a_conflict_in_a_file_whose_name_is_not_utf8_is_told_as_text(town: LocalTown) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    commit(town.git, {name: "base\n"})
    branch_with(town.git, "tt/1", {name: "mine\n"})
    commit(town.git, {name: "theirs\n"})
    pull = town.open()
    assert town.forge.mergeability(pull.url).reason == r"conflicts in caf\xe9.txt"
    with pytest.raises(ConflictError) as raised:
        town.forge.merge(pull.url, pull.head, closes=())
    assert raised.value.evidence["files"] == (r"caf\xe9.txt",)


def test_a_conflict_names_the_files_and_changes_nothing(town: LocalTown) -> None:
    pull = opened(town)
    base = commit(town.git, {"app.py": "one\ntwo\n3\n"})
    with pytest.raises(ConflictError, match=r"local/home/pull/1 does not merge into main: conflicts in app\.py"):
        town.forge.merge(pull.url, pull.head, closes=CLOSES)
    assert (town.git.rev_parse("main"), town.git.dirty_files()) == (base, ())


def test_a_base_branch_that_is_gone_is_an_error(town: LocalTown) -> None:
    pull = opened(town)
    town.git.run("branch", "-m", "main", "trunk")
    with pytest.raises(ForgeError, match="there is no branch 'main' any more"):
        town.forge.merge(pull.url, pull.head, closes=())


class TestBaseMoves:
    def test_a_base_that_moves_under_a_merge_is_merged_into_as_it_is_then(
        self, town: LocalTown, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pull = opened(town)
        town.git.run("checkout", "--quiet", "--detach")
        moves = _move_base_under_merges(town, monkeypatch, times=2)
        town.forge.merge(pull.url, pull.head, closes=())
        assert town.git.line("show", "-s", "--format=%P", "main") == f"{moves[-1]} {pull.head}"

    def test_a_base_that_never_rests_is_left_for_later(self, town: LocalTown, monkeypatch: pytest.MonkeyPatch) -> None:
        pull = opened(town)
        town.git.run("checkout", "--quiet", "--detach")
        moves = _move_base_under_merges(town, monkeypatch, times=99)
        with pytest.raises(ForgeUnavailableError, match="branch main keeps moving"):
            town.forge.merge(pull.url, pull.head, closes=())
        assert town.git.rev_parse("main") == moves[-1]


def _move_base_under_merges(town: LocalTown, monkeypatch: pytest.MonkeyPatch, *, times: int) -> list[str]:
    """Have somebody commit to main between a trial merge and the move of the branch."""
    moves: list[str] = []
    real = Git.commit_tree

    def commit_tree(self: Git, tree: str, parents: tuple[str, ...], message: str) -> str:
        if len(moves) < times:
            moves.append(branch_with(town.git, "main", {"busy": str(len(moves))}))
        return real(self, tree, parents, message)

    monkeypatch.setattr(Git, "commit_tree", commit_tree)
    return moves


class TestCheckout:
    def test_a_dirty_one_is_left_alone_and_a_later_commit_there_undoes_nothing(self, town: LocalTown) -> None:
        base, pull = town.git.rev_parse("main"), opened(town)
        (town.git.folder / "README.md").write_text("being edited")
        merged = town.forge.merge(pull.url, pull.head, closes=CLOSES)
        assert merged.notice == (
            f"{town.git.folder} has uncommitted changes and was left as it is, detached at {base[:8]}:"
            " commit, stash or move your changes, then run `git switch main` there"
        )
        assert (town.git.folder / "README.md").read_text() == "being edited"
        assert (town.git.current_branch(), town.git.rev_parse("HEAD")) == (None, base)
        assert town.git.dirty_files() == ("README.md",)
        town.git.run("commit", "--quiet", "-a", "-m", "mine")
        assert town.git.rev_parse("main") == merged.sha
        assert not town.forge.issue(CLOSES[0]).is_open
        town.git.run("switch", "--quiet", "main")
        assert (town.git.folder / "new.py").is_file()

    def test_a_staged_change_is_dirt_too(self, town: LocalTown) -> None:
        pull = opened(town)
        (town.git.folder / "staged").write_text("x")
        town.git.run("add", "staged")
        assert "has uncommitted changes" in town.forge.merge(pull.url, pull.head, closes=()).notice
        assert town.git.dirty_files() == ("staged",)

    @pytest.mark.parametrize("ignored", [False, True])
    def test_an_untracked_file_in_the_way_is_kept(self, town: LocalTown, ignored: bool) -> None:  # noqa: FBT001
        if ignored:
            commit(town.git, {".gitignore": ".tt/\nnew.py\n"})
        pull = opened(town)
        (town.git.folder / "new.py").write_text("mine")
        merged = town.forge.merge(pull.url, pull.head, closes=())
        assert "has the untracked file new.py in the way" in merged.notice
        assert (town.git.folder / "new.py").read_text() == "mine"
        assert (town.git.folder / "app.py").read_text() == "one\ntwo\nthree\n"

    def test_an_untracked_file_elsewhere_is_no_hindrance(self, town: LocalTown) -> None:
        pull = opened(town)
        (town.git.folder / "notes.txt").write_text("mine")
        assert town.forge.merge(pull.url, pull.head, closes=()).notice == ""
        assert town.git.dirty_files() == ("notes.txt",)

    def test_an_unfinished_merge_of_the_user_is_left_alone(self, town: LocalTown) -> None:
        pull = opened(town)
        branch_with(town.git, "side", {"side": "x"})
        town.git.run("merge", "--no-ff", "--no-commit", "side")
        assert "is in the middle of a merge" in town.forge.merge(pull.url, pull.head, closes=()).notice
        assert town.git.find_commit("MERGE_HEAD") == town.git.rev_parse("side")

    def test_a_detached_one_and_one_of_another_branch_are_not_touched(self, town: LocalTown, tmp_path: Path) -> None:
        pull = opened(town)
        town.git.run("worktree", "add", "--quiet", "-b", "mine", str(tmp_path / "mine"))
        town.git.run("checkout", "--quiet", "--detach")
        base = town.git.rev_parse("HEAD")
        assert town.forge.merge(pull.url, pull.head, closes=()).notice == ""
        assert town.git.rev_parse("HEAD") == town.git.at(tmp_path / "mine").rev_parse("HEAD") == base
        assert town.git.dirty_files() == ()

    def test_a_linked_worktree_of_the_base_follows_as_well(self, town: LocalTown, tmp_path: Path) -> None:
        pull = opened(town)
        town.git.run("checkout", "--quiet", "--detach")
        town.git.run("worktree", "add", "--quiet", str(tmp_path / "linked"), "main")
        town.forge.merge(pull.url, pull.head, closes=())
        assert (tmp_path / "linked" / "new.py").is_file()

    def test_files_that_go_away_go_away_in_the_checkout(self, town: LocalTown) -> None:
        pull = opened(town, {"app.py": None, "folder/x": "x"})
        town.forge.merge(pull.url, pull.head, closes=())
        assert not (town.git.folder / "app.py").exists()
        assert town.git.dirty_files() == ()


class TestIssues:
    def test_an_issue_file_that_is_not_committed_is_closed_where_it_is(self, town: LocalTown) -> None:
        file = town.git.folder / "issues" / "0002-second.md"
        file.write_text("# Second\n")
        pull = opened(town)
        merged = town.forge.merge(pull.url, pull.head, closes=(IssueRef("local", "home", 2),))
        assert (merged.notice, file.read_text()) == ("", "---\nstate: closed\n---\n\n# Second\n")

    def test_an_issue_of_elsewhere_is_a_notice(self, town: LocalTown) -> None:
        pull = opened(town)
        merged = town.forge.merge(pull.url, pull.head, closes=(IssueRef("o", "r", 5),))
        assert merged.notice == "o/r#5 is not an issue here; close it there"

    def test_a_broken_issue_file_does_not_stop_the_merge(self, town: LocalTown) -> None:
        commit(town.git, {"issues/0001-first.md": "---\nstate: [\n---\n"})
        pull = opened(town)
        merged = town.forge.merge(pull.url, pull.head, closes=CLOSES)
        assert merged.notice.startswith("issue #1 is not closed: issues/0001-first.md:")


class CrashError(BaseException):
    """Stands for the end of the process."""


class TestCrash:
    def test_before_the_branch_moved_nothing_has_happened(
        self, town: LocalTown, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        base, pull = town.git.rev_parse("main"), opened(town)
        _crash_in(monkeypatch, Git, "update_ref")
        with pytest.raises(CrashError):
            town.forge.merge(pull.url, pull.head, closes=CLOSES)
        assert (town.git.rev_parse("main"), town.git.dirty_files()) == (base, ())
        monkeypatch.undo()
        assert town.make_forge().merge(pull.url, pull.head, closes=CLOSES).notice == ""
        assert town.git.dirty_files() == ()

    def test_a_dirty_checkout_is_on_its_branch_again_when_the_branch_never_moved(
        self, town: LocalTown, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        base, pull = town.git.rev_parse("main"), opened(town)
        (town.git.folder / "README.md").write_text("being edited")
        _crash_in(monkeypatch, Git, "update_ref")
        with pytest.raises(CrashError):
            town.forge.merge(pull.url, pull.head, closes=())
        monkeypatch.undo()
        assert town.git.current_branch() is None
        (town.git.folder / "README.md").write_text("hello\n")
        assert town.make_forge().merge(pull.url, pull.head, closes=()).notice == ""
        assert (town.git.current_branch(), town.git.dirty_files()) == ("main", ())
        assert town.git.rev_parse("main") != base

    @pytest.mark.parametrize("look", ["merge", "mergeability"])
    def test_a_dirty_checkout_left_detached_is_told_of_after_a_crash(
        self, town: LocalTown, monkeypatch: pytest.MonkeyPatch, look: str
    ) -> None:
        pull = opened(town)
        (town.git.folder / "README.md").write_text("being edited")
        _crash_in(monkeypatch, Mover, "repair", skip=1)
        with pytest.raises(CrashError):
            town.forge.merge(pull.url, pull.head, closes=())
        monkeypatch.undo()
        for _ in range(2):
            forge = town.make_forge()
            seen = (
                forge.mergeability(pull.url) if look == "mergeability" else forge.merge(pull.url, pull.head, closes=())
            )
            assert "has uncommitted changes and was left as it is, detached at" in seen.notice
        assert (town.git.folder / "README.md").read_text() == "being edited"

    def test_after_the_branch_moved_the_checkout_and_the_record_are_made_good(
        self, town: LocalTown, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pull = opened(town)
        _crash_in(monkeypatch, Mover, "repair", skip=1)
        with pytest.raises(CrashError):
            town.forge.merge(pull.url, pull.head, closes=CLOSES)
        monkeypatch.undo()
        merged = town.git.rev_parse("main")
        assert town.git.is_dirty()
        again = town.make_forge().merge(pull.url, pull.head, closes=CLOSES)
        assert (again.sha, again.notice, town.git.rev_parse("main")) == (merged, "", merged)
        assert town.git.dirty_files() == ()
        assert (town.git.folder / "new.py").is_file()

    def test_a_look_at_the_pull_request_makes_it_good_too(
        self, town: LocalTown, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pull = opened(town)
        _crash_in(monkeypatch, Mover, "repair", skip=1)
        with pytest.raises(CrashError):
            town.forge.merge(pull.url, pull.head, closes=CLOSES)
        monkeypatch.undo()
        assert town.make_forge().pull(pull.url).merged_as == town.git.rev_parse("main")
        assert town.git.dirty_files() == ()

    def test_before_the_record_the_earlier_merge_is_found(
        self, town: LocalTown, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pull = opened(town)
        _crash_in(monkeypatch, type(town.pulls), "record_merge")
        with pytest.raises(CrashError):
            town.forge.merge(pull.url, pull.head, closes=CLOSES)
        monkeypatch.undo()
        sha = town.git.rev_parse("main")
        commit(town.git, {"later": "x"})
        assert town.make_forge().merge(pull.url, pull.head, closes=CLOSES).sha == sha
        assert town.git.line("rev-list", "--count", "--merges", "main") == "1"

    @pytest.mark.parametrize("half", ["", "ne", "new\n", None])
    def test_a_checkout_that_git_had_half_written_is_completed(
        self, town: LocalTown, monkeypatch: pytest.MonkeyPatch, half: str | None
    ) -> None:
        pull = opened(town, {"new.py": "new\n", "app.py": None, "z": "z"})
        _crash_in(monkeypatch, Mover, "repair", skip=1)
        with pytest.raises(CrashError):
            town.forge.merge(pull.url, pull.head, closes=())
        monkeypatch.undo()
        (town.git.folder / "app.py").unlink()
        if half is not None:
            (town.git.folder / "new.py").write_text(half)
        assert town.make_forge().merge(pull.url, pull.head, closes=()).notice == ""
        assert town.git.dirty_files() == ()
        assert (town.git.folder / "new.py").read_text() == "new\n"

    def test_what_the_user_wrote_since_is_kept_and_the_checkout_left_alone(
        self, town: LocalTown, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        base, pull = town.git.rev_parse("main"), opened(town)
        _crash_in(monkeypatch, Mover, "repair", skip=1)
        with pytest.raises(CrashError):
            town.forge.merge(pull.url, pull.head, closes=())
        monkeypatch.undo()
        (town.git.folder / "app.py").write_text("mine")
        notice = town.make_forge().merge(pull.url, pull.head, closes=()).notice
        assert "was left as it is, detached at" in notice
        assert (town.git.folder / "app.py").read_text() == "mine"
        assert (town.git.current_branch(), town.git.rev_parse("HEAD")) == (None, base)

    def test_an_index_lock_left_behind_does_not_stop_merging(
        self, town: LocalTown, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pull = opened(town)
        _crash_in(monkeypatch, Mover, "repair", skip=1)
        with pytest.raises(CrashError):
            town.forge.merge(pull.url, pull.head, closes=())
        monkeypatch.undo()
        (town.git.folder / ".git" / "index.lock").touch()
        assert town.make_forge().merge(pull.url, pull.head, closes=()).notice == ""
        assert (town.git.current_branch(), town.git.dirty_files()) == ("main", ())
        assert not os.path.lexists(town.git.folder / ".tt" / "checkouts.json")


def _crash_in(monkeypatch: pytest.MonkeyPatch, owner: type, method: str, *, skip: int = 0) -> None:
    """Have the process end when the method is called, after `skip` calls of it."""
    real, calls = getattr(owner, method), []

    def crash(*args: object, **kwargs: object) -> object:
        calls.append(method)
        if len(calls) > skip:
            raise CrashError
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, method, crash)


def rechecked(forge: LocalForge, url: str, known: Known) -> None:
    forge.recheck(url)
    forge.checks(url, known)


@pytest.mark.parametrize(
    "look", [LocalForge.mergeability, LocalForge.checks, LocalForge.reviews, LocalForge.comments, rechecked]
)
def test_merge_by_hand_closes_the_issues_that_the_mission_names(
    town: LocalTown, look: Callable[[LocalForge, str, Known], object]
) -> None:
    head = branch_with(town.git, "tt/1", {"new.py": "new\n"})
    body = "Title\n\nCloses local/home#2\n\n<!-- marker -->\n"
    known = Known(head=head, branch="tt/1", base="main", closes=(*CLOSES, IssueRef("other", "place", 3)))
    pull = town.forge.open_pull(
        PullDraft(branch="tt/1", base="main", head=head, title="First", body=body, marker="marker")
    )
    commit(town.git, {"issues/0002-second.md": ISSUE})
    town.git.run("merge", "--quiet", "--no-edit", "tt/1")
    by_hand = town.git.rev_parse("main")

    look(town.forge, pull.url, known)

    seen = town.forge.mergeability(pull.url, known)
    assert (seen.merged_as, seen.notice) == (by_hand, "")
    assert town.git.line("show", "-s", "--format=%P %s", "main") == f"{by_hand} Close #1, done by pull request #1"
    assert not town.forge.issue(CLOSES[0]).is_open
    assert town.forge.issue(IssueRef("local", "home", 2)).is_open  # whatever the text says
    assert (town.git.dirty_files(), town.git.current_branch()) == ((), "main")
    town.forge.mergeability(pull.url)
    assert town.git.line("rev-parse", "main^") == by_hand


def test_a_folder_with_any_name_has_references_that_can_be_read_again(town: LocalTown) -> None:
    forge = town.make_forge(name="My shop, größer (2)")
    ref = IssueRef(*forge.home, 1)
    assert parse_issue_ref(str(ref), ("other", "other")) == ref
    head = branch_with(town.git, "tt/1", {"a": "1"})
    pull = forge.open_pull(
        PullDraft(branch="tt/1", base="main", head=head, title="First", body="", marker="m", closes=(ref,))
    )
    forge.merge(pull.url, head, closes=(ref,))
    assert forge.issue(ref).is_open is False
