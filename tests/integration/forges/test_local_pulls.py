from __future__ import annotations

import pytest
from tests.integration.forges.conftest import LocalTown
from tests.repositories import branch_with, commit

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, NotFoundError
from tinytown.domain.pull import PullDraft
from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import Verdict
from tinytown.forges.base import Forge


def test_an_issue_is_read_through_the_forge(town: LocalTown) -> None:
    forge: Forge = town.forge
    issue = forge.issue(IssueRef("Local", "HOME", 1))
    assert (str(issue.ref), issue.title, issue.body, issue.url) == (
        "local/home#1",
        "First",
        "Do it.\n",
        "issues/0001-first.md",
    )
    with pytest.raises(NotFoundError, match="no issue other/repo#1 here"):
        forge.issue(IssueRef("other", "repo", 1))


def test_opening_is_told_to_whoever_follows_and_watches(town: LocalTown) -> None:
    town.watched_by("m1", "local/home/pull/1")
    head = branch_with(town.git, "tt/1", {"a": "1"})
    pull = town.open()
    assert (pull.number, pull.url, pull.head, pull.is_open) == (1, "local/home/pull/1", head, True)
    assert town.events() == [("pull.opened", pull.url)]
    assert town.signal_of("m1", pull.url) == b"1"
    assert town.connection.execute("ZRANGE", town.keys("mission", "due"), 0, -1) == [b"m1"]


def test_opening_again_finds_the_same_one(town: LocalTown) -> None:
    branch_with(town.git, "tt/1", {"a": "1"})
    first = town.open()
    assert town.open() == first
    assert town.open(marker="item-of-a-later-mission") == first
    assert len(town.events()) == 1


def test_an_item_that_changed_its_branch_keeps_its_pull_request(town: LocalTown) -> None:
    branch_with(town.git, "tt/1", {"a": "1"})
    town.open()
    head = branch_with(town.git, "tt/1-again", {"a": "2"})
    pull = town.open("tt/1-again")
    assert (pull.number, pull.branch, pull.head) == (1, "tt/1-again", head)
    branch_with(town.git, "tt/1", {"b": "1"})
    assert town.open("tt/1", marker="another").number == 2


def test_a_merged_one_is_found_again_until_there_is_more_work(town: LocalTown) -> None:
    head = branch_with(town.git, "tt/1", {"a": "1"})
    pull = town.open()
    town.forge.merge(pull.url, head, closes=())
    assert town.open().number == 1
    branch_with(town.git, "tt/1", {"a": "2"})
    assert town.open().number == 2


def test_the_head_follows_the_branch(town: LocalTown) -> None:
    branch_with(town.git, "tt/1", {"a": "1"})
    pull = town.open()
    town.watched_by("m1", pull.url)
    head = branch_with(town.git, "tt/1", {"a": "2"})
    assert town.forge.pull(pull.url).head == head
    assert town.events()[1:] == [("pull.updated", pull.url)]
    assert town.signal_of("m1", pull.url) is not None
    town.git.run("branch", "-D", "tt/1")
    assert town.forge.pull("1").head == head
    assert town.git.rev_parse("refs/tinytown/pull/1") == head


@pytest.mark.parametrize("how", [("merge", "--no-ff", "-m", "by hand"), ("merge", "--ff-only")])
def test_one_merged_by_hand_is_merged(town: LocalTown, how: tuple[str, ...]) -> None:
    branch_with(town.git, "tt/1", {"a": "1"})
    pull = town.open()
    town.git.run(*how, "--quiet", "tt/1")
    merged = town.forge.pull(pull.url)
    assert (merged.is_open, merged.merged_as) == (False, town.git.rev_parse("main"))
    assert town.forge.merge(pull.url, pull.head, closes=()).sha == town.git.rev_parse("main")


def test_one_merged_by_hand_before_its_checks_ran_is_seen_as_merged(town: LocalTown) -> None:
    town.forge = town.make_forge(has_checks=True)
    branch_with(town.git, "tt/1", {"a": "1"})
    pull = town.open()
    town.git.run("merge", "--no-ff", "--quiet", "-m", "by hand", "tt/1")
    assert town.git.find_commit("refs/tinytown/pull/1") == pull.head
    seen = town.forge.mergeability(pull.url)
    assert seen.merged_as == town.git.rev_parse("main")
    assert town.git.find_commit("refs/tinytown/pull/1") is None


def test_a_branch_set_back_to_the_base_is_not_merged_and_has_nothing_to_merge(town: LocalTown) -> None:
    branch_with(town.git, "tt/1", {"a": "1"})
    pull = town.open()
    commit(town.git, {"b": "1"})
    town.git.run("branch", "--force", "tt/1", "main")
    assert town.forge.pull(pull.url).is_open
    assert town.forge.pull(pull.url).is_open
    seen = town.forge.mergeability(pull.url)
    assert (seen.verdict, "nothing is left to merge" in seen.reason) == (Verdict.FAILED, True)


def test_a_pull_request_needs_commits_and_a_base(town: LocalTown) -> None:
    draft = PullDraft(branch="tt/none", base="main", head="f" * 40, title="", body="", marker="m")
    with pytest.raises(ForgeError, match="neither branch 'tt/none' nor commit ffffffffffff"):
        town.forge.open_pull(draft)
    with pytest.raises(ForgeError, match="there is no branch 'nowhere'"):
        town.forge.open_pull(PullDraft(branch="main", base="nowhere", head="", title="", body="", marker="m"))
    assert town.events() == []


@pytest.mark.parametrize("url", ["local/home/pull/9", "https://github.com/o/r/pull/1", "local/other/pull/1", "x", ""])
def test_an_unknown_pull_request_is_not_found(town: LocalTown, url: str) -> None:
    with pytest.raises(NotFoundError):
        town.forge.pull(url)


def test_mergeability_is_a_trial_merge_into_the_base_as_it_is_now(town: LocalTown) -> None:
    head = branch_with(town.git, "tt/1", {"app.py": "ONE\n"})
    pull = town.open()
    assert town.forge.mergeability(pull.url).verdict is Verdict.PASSED
    commit(town.git, {"app.py": "1\n"})
    seen = town.forge.mergeability(pull.url)
    assert (seen.head, seen.verdict, seen.reason) == (head, Verdict.FAILED, "conflicts in app.py")


class TestReviews:
    def test_nobody_said_anything(self, town: LocalTown) -> None:
        branch_with(town.git, "tt/1", {"a": "1"})
        pull = town.open()
        assert town.forge.reviews(pull.url).verdict is Verdict.UNKNOWN
        assert town.forge.comments(pull.url).verdict is Verdict.UNKNOWN

    def test_the_last_word_of_each_reviewer_counts_and_one_rejection_is_enough(self, town: LocalTown) -> None:
        head = branch_with(town.git, "tt/1", {"a": "1"})
        pull = town.open()

        def say(by: str, verdict: Verdict, text: str) -> None:
            town.forge.add_review(pull.url, head=head, verdict=verdict, by=by, text=text)

        say("ada", Verdict.FAILED, "no tests")
        say("bob", Verdict.PASSED, "fine")
        seen = town.forge.reviews(pull.url)
        assert (seen.verdict, seen.by, seen.text) == (Verdict.FAILED, "ada", "no tests")
        say("ada", Verdict.PASSED, "")
        assert town.forge.reviews(pull.url).by == "ada, bob"
        assert town.forge.reviews(pull.url).verdict is Verdict.PASSED

    def test_approval_of_one_commit_does_not_cover_the_next(self, town: LocalTown) -> None:
        head = branch_with(town.git, "tt/1", {"a": "1"})
        pull = town.open()
        town.forge.add_review(pull.url, head=head, verdict=Verdict.PASSED, by="ada", text="")
        branch_with(town.git, "tt/1", {"a": "2"})
        assert town.forge.reviews(pull.url).verdict is Verdict.UNKNOWN

    def test_the_same_review_twice_is_kept_once(self, town: LocalTown) -> None:
        head = branch_with(town.git, "tt/1", {"a": "1"})
        pull = town.open()
        for _ in range(2):
            town.forge.add_review(pull.url, head=head, verdict=Verdict.PASSED, by="ada", text="")
        assert len(town.pulls.reviews(1)) == 1
        assert [kind for kind, _ in town.events()] == ["pull.opened", "pull.reviewed"]


def test_git_trouble_is_the_forge_not_answering(town: LocalTown) -> None:
    branch_with(town.git, "tt/1", {"a": "1"})
    pull = town.open()
    (town.git.folder / ".git" / "HEAD").unlink()
    with pytest.raises(ForgeUnavailableError, match="not a git repository"):
        town.forge.mergeability(pull.url)


def test_the_configured_base_branch_must_be_there(town: LocalTown) -> None:
    assert town.forge.default_branch() == "main"
    town.git.run("branch", "develop")
    assert town.make_forge(base="develop").default_branch() == "develop"
    with pytest.raises(ForgeError, match="no branch 'typo'"):
        town.make_forge(base="typo").default_branch()
