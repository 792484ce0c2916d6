from __future__ import annotations

import pytest
from tests.integration.repository.remotes import pushed_by_another, with_origin
from tests.repositories import branch_with, commit

from tinytown.domain.errors import RemoteError, RemoteUnavailableError
from tinytown.repository.git import Git
from tinytown.repository.push import ABSENT, Standing, publish, push, standing
from tinytown.repository.refusal import Refusal
from tinytown.repository.remote import Remote, tracking


@pytest.fixture
def bare(git: Git) -> Git:
    return with_origin(git)


@pytest.fixture
def remote(git: Git, bare: Git) -> Remote:
    return Remote(git)


def refusal(error: pytest.ExceptionInfo[RemoteError]) -> object:
    return error.value.evidence["refusal"]


def at_work(git: Git, *, start: str = "main") -> Git:
    """A worktree on the branch tt/1."""
    folder = git.folder.parent / "wt"
    git.run("worktree", "add", "--quiet", "-b", "tt/1", str(folder), start)
    return git.at(folder)


def followed(there: Git, remote: Remote, sha: str) -> str:
    """Have the worktree follow what somebody pushed, as it does before a run."""
    remote.fetch("tt/1")
    there.run("merge", "--quiet", "--ff-only", sha)
    return sha


class TestPush:
    def test_a_branch_that_is_not_there_is_made(self, git: Git, bare: Git, remote: Remote) -> None:
        sha = branch_with(git, "tt/1", {"a": "a"})
        push(remote, "tt/1", sha, expected=ABSENT)
        assert bare.find_branch("tt/1") == remote.head("tt/1") == remote.known("tt/1") == sha

    def test_pushed_again_after_a_crash_nothing_happens(self, git: Git, bare: Git, remote: Remote) -> None:
        sha = branch_with(git, "tt/1", {"a": "a"})
        push(remote, "tt/1", sha, expected=ABSENT)
        push(remote, "tt/1", sha, expected=ABSENT)
        push(remote, "tt/1", sha, expected=sha)
        assert bare.find_branch("tt/1") == sha

    def test_what_somebody_else_pushed_meanwhile_is_kept(self, git: Git, bare: Git, remote: Remote) -> None:
        sha = branch_with(git, "tt/1", {"a": "a"})
        theirs = pushed_by_another(bare, "tt/1", {"b": "b"})
        with pytest.raises(RemoteError, match="somebody pushed there meanwhile") as error:
            push(remote, "tt/1", sha, expected=ABSENT)
        assert (refusal(error), bare.find_branch("tt/1")) == (Refusal.MOVED, theirs)

    def test_a_hook_that_declines_says_why(self, git: Git, bare: Git, remote: Remote) -> None:
        hook = bare.folder / "hooks" / "pre-receive"
        hook.write_text("#!/bin/sh\necho 'error: GH006: Protected branch update failed for x.' >&2\nexit 1\n")
        hook.chmod(0o755)
        with pytest.raises(RemoteError, match="GH006: Protected branch update failed for x") as error:
            push(remote, "tt/1", branch_with(git, "tt/1", {"a": "a"}), expected=ABSENT)
        assert refusal(error) is Refusal.PROTECTED
        assert bare.find_branch("tt/1") is None

    def test_a_repository_that_is_gone_is_a_matter_of_access(self, git: Git) -> None:
        git.run("remote", "add", "origin", str(git.folder.parent / "nothing.git"))
        with pytest.raises(RemoteError, match="check that it exists") as error:
            push(Remote(git), "tt/1", git.rev_parse("main"), expected=ABSENT)
        assert refusal(error) is Refusal.ACCESS

    def test_a_host_that_is_not_there_may_be_there_later(self, git: Git) -> None:
        git.run("remote", "add", "origin", "http://127.0.0.1:9/x.git")
        with pytest.raises(RemoteUnavailableError, match="cannot be reached just now") as error:
            Remote(git).heads("main")
        assert refusal(error) is Refusal.NETWORK

    def test_the_users_own_hooks_do_not_run(self, git: Git, bare: Git, remote: Remote) -> None:
        hook = git.folder / ".git" / "hooks" / "pre-push"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
        sha = branch_with(git, "tt/1", {"a": "a"})
        push(remote, "tt/1", sha, expected=ABSENT)
        assert bare.find_branch("tt/1") == sha

    def test_a_branch_that_git_is_not_set_to_fetch_is_known_after_the_push(
        self, git: Git, bare: Git, remote: Remote
    ) -> None:
        git.run("config", "remote.origin.fetch", "+refs/heads/main:refs/remotes/origin/main")
        sha = branch_with(git, "tt/1", {"a": "a"})
        push(remote, "tt/1", sha, expected=ABSENT)
        assert (remote.known("tt/1"), remote.has_pushed_last("tt/1")) == (sha, True)
        assert bare.find_branch("tt/1") == sha


class TestStanding:
    def test_a_branch_that_is_behind_lacks_it(self, git: Git, remote: Remote) -> None:
        first = branch_with(git, "tt/1", {"a": "a"})
        assert publish(remote, "tt/1", first) is Standing.LACKS
        second = branch_with(git, "tt/1", {"b": "b"})
        assert standing(remote, "tt/1", second) == (Standing.LACKS, first)
        assert publish(remote, "tt/1", second) is Standing.LACKS
        assert standing(remote, "tt/1", second) == (Standing.SAME, second)

    def test_a_person_who_added_commits_is_ahead(self, git: Git, bare: Git, remote: Remote) -> None:
        sha = branch_with(git, "tt/1", {"a": "a"})
        publish(remote, "tt/1", sha)
        theirs = pushed_by_another(bare, "tt/1", {"b": "b"})
        assert publish(remote, "tt/1", sha) is Standing.AHEAD
        assert bare.find_branch("tt/1") == theirs

    def test_what_the_agent_rewrote_replaces_what_it_had_pushed(self, git: Git, bare: Git, remote: Remote) -> None:
        publish(remote, "tt/1", branch_with(git, "tt/1", {"a": "a"}))
        git.run("worktree", "add", "--quiet", str(git.folder.parent / "wt"), "tt/1")
        there = git.at(git.folder.parent / "wt")
        there.run("commit", "--quiet", "--amend", "-m", "Other words")
        sha = there.rev_parse("HEAD")
        assert publish(remote, "tt/1", sha) is Standing.LACKS
        assert bare.find_branch("tt/1") == sha

    def test_what_a_person_added_is_not_rewritten_by_an_agent_that_had_it(
        self, git: Git, bare: Git, remote: Remote
    ) -> None:
        there = at_work(git)
        handed_in = commit(there, {"a": "a"})
        publish(remote, "tt/1", handed_in)
        theirs = followed(there, remote, pushed_by_another(bare, "tt/1", {"theirs": "x"}))
        there.run("reset", "--quiet", "--hard", handed_in)
        mine = commit(there, {"b": "b"})
        assert publish(remote, "tt/1", mine) is Standing.OTHER
        assert bare.find_branch("tt/1") == theirs

    def test_what_a_person_added_below_pushed_work_is_not_rewritten_either(
        self, git: Git, bare: Git, remote: Remote
    ) -> None:
        there = at_work(git)
        handed_in = commit(there, {"a": "a"})
        publish(remote, "tt/1", handed_in)
        followed(there, remote, pushed_by_another(bare, "tt/1", {"theirs": "x"}))
        later = commit(there, {"b": "b"})
        publish(remote, "tt/1", later)
        assert (bare.find_branch("tt/1"), remote.has_pushed_last("tt/1")) == (later, True)
        there.run("reset", "--quiet", "--hard", handed_in)
        assert publish(remote, "tt/1", commit(there, {"c": "c"})) is Standing.OTHER
        assert bare.find_branch("tt/1") == later

    def test_what_the_agent_made_on_top_of_a_persons_work_may_be_rewritten(
        self, git: Git, bare: Git, remote: Remote
    ) -> None:
        there = at_work(git)
        publish(remote, "tt/1", commit(there, {"a": "a"}))
        theirs = followed(there, remote, pushed_by_another(bare, "tt/1", {"theirs": "x"}))
        publish(remote, "tt/1", commit(there, {"b": "b"}))
        there.run("commit", "--quiet", "--amend", "-m", "Other words")
        mine = there.rev_parse("HEAD")
        assert publish(remote, "tt/1", mine) is Standing.LACKS
        assert bare.find_branch("tt/1") == mine
        assert git.is_ancestor(theirs, mine)

    def test_a_branch_that_somebody_else_began_is_not_rewritten(self, git: Git, bare: Git, remote: Remote) -> None:
        theirs = pushed_by_another(bare, "tt/1", {"theirs": "x"})
        remote.fetch("tt/1")
        there = at_work(git, start=theirs)
        there.run("commit", "--quiet", "--amend", "-m", "Other words")
        assert publish(remote, "tt/1", there.rev_parse("HEAD")) is Standing.OTHER
        assert bare.find_branch("tt/1") == theirs

    def test_what_was_pushed_without_an_answer_is_the_agents_own(self, git: Git, bare: Git, remote: Remote) -> None:
        there = at_work(git)
        sha = commit(there, {"a": "a"})
        bare.run("fetch", "--quiet", str(there.folder), f"{sha}:refs/heads/tt/1")  # it went through, nobody was told
        remote.fetch("tt/1")
        there.run("commit", "--quiet", "--amend", "-m", "Other words")
        mine = there.rev_parse("HEAD")
        assert publish(remote, "tt/1", mine) is Standing.LACKS
        assert bare.find_branch("tt/1") == mine

    def test_what_somebody_else_pushed_instead_stays(self, git: Git, bare: Git, remote: Remote) -> None:
        publish(remote, "tt/1", branch_with(git, "tt/1", {"a": "a"}))
        theirs = pushed_by_another(bare, "tt/1", {"b": "b"}, start="origin/main")
        mine = branch_with(git, "tt/1", {"c": "c"})
        assert publish(remote, "tt/1", mine) is Standing.OTHER
        assert bare.find_branch("tt/1") == theirs

    @pytest.mark.parametrize("is_fetched", [False, True])
    def test_a_commit_that_a_person_took_back_is_not_pushed_again(
        self, git: Git, bare: Git, remote: Remote, *, is_fetched: bool
    ) -> None:
        first = branch_with(git, "tt/1", {"a": "a"})
        publish(remote, "tt/1", first)
        second = branch_with(git, "tt/1", {"b": "b"})
        publish(remote, "tt/1", second)
        bare.run("update-ref", "refs/heads/tt/1", first)
        if is_fetched:
            git.run("fetch", "--quiet", "origin")
        assert publish(remote, "tt/1", second) is Standing.OTHER
        assert bare.find_branch("tt/1") == first

    def test_work_that_a_person_took_back_altogether_is_not_pushed_again(
        self, git: Git, bare: Git, remote: Remote
    ) -> None:
        there = at_work(git)
        sha = commit(there, {"a": "a"})
        publish(remote, "tt/1", sha)
        bare.run("update-ref", "refs/heads/tt/1", "main")  # where the branch here began, too
        assert publish(remote, "tt/1", sha) is Standing.OTHER
        assert bare.find_branch("tt/1") == bare.find_branch("main")

    def test_a_deleted_branch_lacks_it(self, git: Git, bare: Git, remote: Remote) -> None:
        sha = branch_with(git, "tt/1", {"a": "a"})
        publish(remote, "tt/1", sha)
        bare.run("update-ref", "-d", "refs/heads/tt/1")
        assert standing(remote, "tt/1", sha) == (Standing.LACKS, ABSENT)
        assert remote.known("tt/1") is None

    def test_what_a_person_put_in_its_place_from_the_same_clone_is_kept(
        self, git: Git, bare: Git, remote: Remote
    ) -> None:
        sha = branch_with(git, "tt/1", {"a": "a"})
        push(remote, "tt/1", sha, expected=ABSENT)
        theirs = branch_with(git, "theirs", {"b": "b"})
        git.run("push", "--quiet", "--force", "origin", "theirs:tt/1")

        assert standing(remote, "tt/1", sha) == (Standing.OTHER, theirs)
        assert publish(remote, "tt/1", sha) is Standing.OTHER
        assert bare.find_branch("tt/1") == theirs


class TestFetch:
    def test_branches_come_here_and_those_that_are_gone_go(self, git: Git, bare: Git, remote: Remote) -> None:
        one, two = (pushed_by_another(bare, name, {name: "x"}) for name in ("one", "two"))
        assert remote.fetch("one", "two", "three") == {"one": one, "two": two}
        assert git.find_commit(tracking("one")) == one
        bare.run("update-ref", "-d", "refs/heads/one")
        assert remote.fetch("one", "two") == {"two": two}
        assert (remote.known("one"), remote.known("two")) == (None, two)

    def test_a_name_that_only_ends_alike_is_another_branch(self, bare: Git, remote: Remote) -> None:
        pushed_by_another(bare, "refs/heads/one", {"a": "a"})
        assert remote.heads("one") == {}

    def test_insteadof_is_honoured(self, git: Git, bare: Git, remote: Remote) -> None:
        git.run("config", f"url.{bare.folder.parent}/.insteadOf", "https://forge.example/")
        git.run("remote", "set-url", "origin", f"https://forge.example/{bare.folder.name}")
        assert remote.url() == str(bare.folder)
        assert remote.head("main") == git.find_branch("main")

    def test_no_remote_has_no_url(self, git: Git) -> None:
        assert Remote(git).url() == ""


def test_the_base_moves_from_where_it_was_expected(git: Git, remote: Remote) -> None:
    old = git.rev_parse("main")
    new = commit(git, {"x": "x"})
    push(remote, "main", new, expected=old)
    assert remote.head("main") == new
