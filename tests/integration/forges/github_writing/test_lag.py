"""GitHub's API lags behind pushes; the remote's own branch tells whether it does."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.integration.forges.github_writing.writing import Clock, Writing, known
from tests.peers.git import Bare
from tests.peers.github import GitHub
from tests.repositories import commit

from tinytown.domain.errors import ConflictError, ForgeError, ForgeUnavailableError
from tinytown.forges.github.shapes import EndShape, PullShape
from tinytown.repository.git import Git


def still_at(pull: PullShape, sha: str) -> PullShape:
    """The pull request as GitHub shows it that has not noticed a push."""
    return msgspec.structs.replace(pull, head=EndShape(ref=pull.head.ref, sha=sha, repo=pull.head.repo))


def another(bare: Bare, folder: Path) -> Git:
    """Another machine's clone."""
    Git(folder.parent).run("clone", "--quiet", str(bare.folder), str(folder))
    return Git(folder)


@pytest.mark.parametrize(("age_secs", "again_secs"), [(0, 5), (20, 15), (120, 60)])
def test_a_push_that_github_does_not_show_yet_is_waited_for(
    writing: Writing, clock: Clock, age_secs: float, again_secs: float
) -> None:
    pull = writing.opened()
    later = writing.pushed("tt/1", {"later": "x"})
    since = clock.now
    clock.advance(seconds=age_secs)
    lag = writing.heads.lag(pull, known(later, since=since))
    assert lag is not None
    assert lag.again_secs == again_secs
    assert lag.reason == f"{later[:12]} of tt/1 is pushed, but GitHub does not show it yet"


def test_after_ten_minutes_a_person_is_asked(writing: Writing, clock: Clock) -> None:
    pull = writing.opened()
    later = writing.pushed("tt/1", {"later": "x"})
    since = clock.now
    clock.advance(minutes=11)
    with pytest.raises(ForgeError, match=r"after 11 min: .* close and reopen the pull request") as error:
        writing.heads.lag(pull, known(later, since=since))
    assert not isinstance(error.value, ForgeUnavailableError)


def test_what_was_not_pushed_is_pushed(github: GitHub, writing: Writing) -> None:
    pull = writing.opened()
    later = writing.commit("tt/1", {"later": "x"})
    assert writing.heads.lag(pull, known(later)) is not None
    assert github.bare.text("rev-parse", "tt/1") == later
    assert writing.heads.lag(writing.pulls.read(pull.number), known(later)) is None


def test_a_persons_push_on_top_counts(github: GitHub, writing: Writing, tmp_path: Path) -> None:
    pull = writing.opened()
    there = another(github.bare, tmp_path / "another")
    there.run("checkout", "--quiet", "tt/1")
    theirs = commit(there, {"theirs": "x"})
    there.run("push", "--quiet", "origin", "tt/1")
    now = writing.pulls.read(pull.number)
    assert (now.head.sha, writing.heads.lag(now, known(pull.head.sha))) == (theirs, None)
    assert writing.heads.lag(still_at(pull, github.bare.text("rev-parse", "main")), known(pull.head.sha)) is not None


def test_what_a_person_pushed_instead_counts(github: GitHub, writing: Writing, tmp_path: Path) -> None:
    pull = writing.opened()
    there = another(github.bare, tmp_path / "another")
    there.run("checkout", "--quiet", "-b", "tt/1", "origin/main")
    theirs = commit(there, {"theirs": "x"})
    there.run("push", "--quiet", "--force", "origin", "tt/1")
    now = writing.pulls.read(pull.number)
    assert (now.head.sha, writing.heads.lag(now, known(pull.head.sha))) == (theirs, None)
    assert github.bare.text("rev-parse", "tt/1") == theirs


def test_a_branch_of_the_name_that_somebody_else_pushed_is_not_opened_for_the_item(
    github: GitHub, writing: Writing, tmp_path: Path
) -> None:
    there = another(github.bare, tmp_path / "another")
    there.run("checkout", "--quiet", "-b", "tt/1", "origin/main")
    theirs = commit(there, {"theirs": "x"})
    there.run("push", "--quiet", "origin", "tt/1")
    ours = writing.commit("tt/1", {"ours": "x"})
    with pytest.raises(ForgeError, match=f"^tt/1 on origin is at {theirs[:12]}, somebody else's work") as error:
        writing.heads.publish("tt/1", ours)
    assert not isinstance(error.value, ForgeUnavailableError | ConflictError)
    assert github.bare.text("rev-parse", "tt/1") == theirs


def test_what_a_person_made_of_a_branch_before_its_pull_request_is_recorded_counts(
    github: GitHub, writing: Writing, tmp_path: Path
) -> None:
    ours = writing.pushed("tt/1", {"ours": "x"})
    there = another(github.bare, tmp_path / "another")
    there.run("checkout", "--quiet", "tt/1")
    added = commit(there, {"theirs": "x"})
    there.run("push", "--quiet", "origin", "tt/1")
    assert writing.heads.publish("tt/1", ours) == added
    there.run("reset", "--quiet", "--soft", "origin/main")
    instead = commit(there, {"more": "x"})
    there.run("push", "--quiet", "--force", "origin", "tt/1")
    assert writing.heads.publish("tt/1", ours) == instead


def test_work_that_cannot_be_pushed_as_somebody_pushed_meanwhile_is_not_passed_over(
    github: GitHub, writing: Writing, tmp_path: Path
) -> None:
    pull = writing.opened()
    there = another(github.bare, tmp_path / "another")
    there.run("checkout", "--quiet", "tt/1")
    theirs = commit(there, {"theirs": "x"})
    there.run("push", "--quiet", "origin", "tt/1")
    ours = writing.commit("tt/1", {"ours": "x"})
    now = writing.pulls.read(pull.number)
    assert now.head.sha == theirs
    with pytest.raises(ForgeError, match=f"handed in {ours[:12]} is not in it") as error:
        writing.heads.lag(now, known(ours))
    assert not isinstance(error.value, ForgeUnavailableError | ConflictError)

    writing.git.run("worktree", "add", "--quiet", str(tmp_path / "wt"), "tt/1")
    beside = writing.git.at(tmp_path / "wt")
    beside.run("merge", "--quiet", "-m", "Both", "origin/tt/1")  # as it says
    beside.run("push", "--quiet", "origin", "tt/1")
    assert writing.heads.lag(writing.pulls.read(pull.number), known(ours)) is None


def test_a_commit_that_another_machine_has_not_pushed_is_waited_for(
    github: GitHub, writing: Writing, clock: Clock
) -> None:
    pull = writing.opened()
    lag = writing.heads.lag(pull, known("1" * 40, since=clock.now))
    assert lag is not None
    assert lag.reason == "111111111111 of tt/1 is not pushed yet by its agent's machine"
    with pytest.raises(ForgeUnavailableError, match="neither here nor pushed"):
        writing.heads.publish("tt/9", "1" * 40)
    assert "tt/9" not in github.bare.branches()


def test_a_commit_that_another_machine_pushed_is_found(github: GitHub, writing: Writing, tmp_path: Path) -> None:
    pull = writing.opened()
    there = another(github.bare, tmp_path / "another")
    there.run("checkout", "--quiet", "tt/1")
    theirs = commit(there, {"theirs": "x"})
    there.run("push", "--quiet", "origin", "tt/1")
    assert writing.heads.publish("tt/1", theirs) == theirs
    assert writing.heads.lag(pull, known(theirs)) is not None
    assert writing.heads.lag(writing.pulls.read(pull.number), known(theirs)) is None


def test_a_deleted_branch_is_not_pushed_again_by_a_look(github: GitHub, writing: Writing) -> None:
    pull = writing.opened()
    github.bare.set("tt/1", None)
    assert writing.heads.lag(still_at(pull, "2" * 40), known(pull.head.sha)) is None
    assert "tt/1" not in github.bare.branches()


def test_a_remote_that_declines_is_a_persons_matter(github: GitHub, writing: Writing) -> None:
    pull = writing.opened()
    hook = github.bare.folder / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(ForgeError, match="its rules or hooks do not take it") as error:
        writing.heads.lag(pull, known(writing.commit("tt/1", {"later": "x"})))
    assert not isinstance(error.value, ForgeUnavailableError)


def test_a_remote_that_is_not_reached_is_tried_again(writing: Writing) -> None:
    pull = writing.opened()
    writing.git.run("remote", "set-url", "origin", "http://127.0.0.1:9/town.git")
    with pytest.raises(ForgeUnavailableError, match="cannot be reached just now"):
        writing.heads.lag(pull, known(writing.commit("tt/1", {"later": "x"})))
