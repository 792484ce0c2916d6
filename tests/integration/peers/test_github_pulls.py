"""The tests' GitHub joins emulate with a real repository as GitHub does."""

from __future__ import annotations

from tests.peers.actor import Actor
from tests.peers.github import GitHub
from tests.repositories import branch_with

from tinytown.repository.git import Git


def pushed(git: Git, branch: str, files: dict[str, str]) -> str:
    """A commit on a branch, pushed; its sha."""
    sha = branch_with(git, branch, files, start="origin/main")
    git.run("push", "--quiet", "origin", branch)
    return sha


def test_a_pull_request_has_the_head_that_was_pushed_last(github: GitHub, checkout: Git, octo: Actor) -> None:
    pushed(checkout, "tt/1", {"one.txt": "1\n"})
    number = octo.pull("tt/1")
    later = pushed(checkout, "tt/1", {"one.txt": "more\n"})

    assert octo.call("GET", f"pulls/{number}")["head"]["sha"] == later
    assert octo.call("GET", "git/ref/heads/tt/1")["object"]["sha"] == later


def test_a_merge_of_an_earlier_head_is_refused(github: GitHub, checkout: Git, octo: Actor) -> None:
    first = pushed(checkout, "tt/1", {"one.txt": "1\n"})
    number = octo.pull("tt/1")
    pushed(checkout, "tt/1", {"one.txt": "more\n"})

    answer = octo.ask("PUT", f"pulls/{number}/merge", {"sha": first})

    assert answer.status_code == 409
    assert answer.json()["message"] == "Head branch was modified. Review and try the merge again."


def test_siblings_are_both_in_main_and_a_third_that_conflicts_is_dirty(
    github: GitHub, checkout: Git, octo: Actor
) -> None:
    for name, files in (("a", {"a.txt": "a\n"}), ("b", {"b.txt": "b\n"}), ("c", {"a.txt": "clash\n"})):
        pushed(checkout, f"tt/{name}", files)
    numbers = [octo.pull(f"tt/{name}") for name in "abc"]
    merged = [octo.call("PUT", f"pulls/{number}/merge", {})["sha"] for number in numbers[:2]]
    third = octo.call("GET", f"pulls/{numbers[2]}")

    assert (third["mergeable"], third["mergeable_state"]) == (False, "dirty")
    refusal = octo.ask("PUT", f"pulls/{numbers[2]}/merge", {})
    assert (refusal.status_code, refusal.json()["message"]) == (405, "Pull Request has merge conflicts")
    checkout.run("pull", "--quiet", "origin", "main")
    assert checkout.rev_parse("HEAD") == merged[1] == octo.call("GET", f"pulls/{numbers[1]}")["merge_commit_sha"]
    assert {path.name for path in checkout.folder.glob("*.txt")} == {"a.txt", "b.txt"}


def test_squash_has_one_parent_and_rebase_makes_the_commits_anew(github: GitHub, checkout: Git, octo: Actor) -> None:
    head = pushed(checkout, "tt/1", {"one.txt": "1\n"})
    pushed(checkout, "tt/2", {"two.txt": "2\n"})
    base = github.bare.text("rev-parse", "main")
    squashed = octo.call("PUT", f"pulls/{octo.pull('tt/1', title='One')}/merge", {"merge_method": "squash"})["sha"]
    rebased = octo.call("PUT", f"pulls/{octo.pull('tt/2')}/merge", {"merge_method": "rebase"})["sha"]

    assert github.bare.text("rev-list", "main").split() == [rebased, squashed, base]
    assert head not in {squashed, rebased}
    assert github.bare.text("log", "-1", "--format=%s", squashed) == "One (#1)"
    assert github.bare.text("show", "main:two.txt") == "2"


def test_behind_becomes_mergeable_by_an_update_and_a_check_of_the_new_head(
    github: GitHub, checkout: Git, octo: Actor
) -> None:
    pushed(checkout, "tt/1", {"one.txt": "1\n"})
    old = pushed(checkout, "tt/2", {"two.txt": "2\n"})
    octo.call("PUT", f"pulls/{octo.pull('tt/1')}/merge", {})
    number = octo.pull("tt/2")
    required = {"strict": True, "contexts": ["ci"]}
    rules = {"required_status_checks": required, "enforce_admins": True, "restrictions": None}
    octo.call("PUT", "branches/main/protection", rules | {"required_pull_request_reviews": None})
    assert octo.call("GET", f"pulls/{number}")["mergeable_state"] == "behind"

    octo.call("PUT", f"pulls/{number}/update-branch", {"expected_head_sha": old})

    new = octo.call("GET", f"pulls/{number}")["head"]["sha"]
    assert new == github.bare.text("rev-parse", "tt/2") != old
    refusal = octo.ask("PUT", f"pulls/{number}/merge", {"sha": new})
    assert (refusal.status_code, refusal.json()["message"]) == (405, 'Required status check "ci" is expected.')
    octo.check(new, "success")
    assert octo.call("PUT", f"pulls/{number}/merge", {"sha": new})["merged"] is True


def test_a_merge_closes_the_issues_it_names_unless_the_test_says_no(github: GitHub, checkout: Git, octo: Actor) -> None:
    numbers = [octo.issue(title) for title in ("First", "Second")]
    states = []
    for number in numbers:
        pushed(checkout, f"tt/{number}", {f"{number}.txt": "x\n"})
        pull = octo.pull(f"tt/{number}", body=f"Closes octo/town#{number}")
        octo.call("PUT", f"pulls/{pull}/merge", {})
        states.append(octo.call("GET", f"issues/{number}")["state"])
        github.merging.closes_issues = False

    assert states == ["closed", "open"]


def test_pull_requests_that_cannot_be_are_refused(github: GitHub, checkout: Git, octo: Actor) -> None:
    pushed(checkout, "tt/1", {"one.txt": "1\n"})
    octo.pull("tt/1")
    wanted = {"title": "x", "base": "main"}

    twice = octo.ask("POST", "pulls", wanted | {"head": "octo:tt/1"})
    missing = octo.ask("POST", "pulls", wanted | {"head": "tt/none"})

    assert twice.status_code == missing.status_code == 422
    assert twice.json()["errors"][0]["message"] == "A pull request already exists for octo:tt/1."
    assert missing.json()["errors"] == [{"resource": "PullRequest", "code": "invalid", "field": "head"}]
    assert github.bare.commit_of("tt/none") is None


def test_removing_the_branch_closes_the_pull_request(github: GitHub, checkout: Git, octo: Actor) -> None:
    pushed(checkout, "tt/1", {"one.txt": "1\n"})
    number = octo.pull("tt/1")

    octo.call("DELETE", "git/refs/heads/tt/1")

    assert octo.call("GET", f"pulls/{number}")["state"] == "closed"
    assert github.bare.commit_of("refs/heads/tt/1") is None
