"""The forge as bootstrap builds it: what missions ask of it, one after the other."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.integration.forges.github_writing.writing import MARKER, drafted
from tests.peers.actor import Actor
from tests.peers.github import GitHub
from tests.repositories import branch_with, commit

from tinytown.bootstrap import Town
from tinytown.config import load_settings
from tinytown.domain.errors import ConfigError, NotFoundError
from tinytown.domain.pull import Known, Merged
from tinytown.domain.refs import IssueRef
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import Verdict
from tinytown.forges.base import Forge
from tinytown.repository.git import Git
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys


def test_it_is_what_missions_know_of_it(forge: Forge) -> None:
    assert (forge.home, forge.default_branch(), forge.parallel) == (("octo", "town"), "main", 8)
    assert set(forge.watch_kinds) == set(WatchKind)
    assert (forge.traits.stacks, forge.traits.has_status) == (True, True)


def test_an_issue_becomes_a_merged_pull_request(forge: Forge, checkout: Git, github: GitHub, octo: Actor) -> None:
    ref = IssueRef("octo", "town", octo.issue("Do it", "with care"))
    assert (forge.issue(ref).title, forge.issue(ref).is_open) == ("Do it", True)
    head = branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")

    pull = forge.open_pull(drafted(head, closes=ref.number))
    known = Known(head=head, branch="tt/1", base="main")

    assert (pull.head, pull.branch, pull.base, pull.is_open) == (head, "tt/1", "main", True)
    assert github.bare.text("rev-parse", "tt/1") == head
    assert forge.pull(pull.url) == pull
    assert forge.mergeability(pull.url, known).verdict is Verdict.PASSED
    assert forge.checks(pull.url, known).verdict is Verdict.PENDING
    octo.check(head, "failure")
    assert [run.name for run in forge.checks(pull.url, known).runs] == ["ci"]
    assert forge.reviews(pull.url, known).head == forge.comments(pull.url, known).head == head
    done = forge.merge(pull.url, head, closes=(ref,))
    assert isinstance(done, Merged)
    assert forge.mergeability(pull.url, known).merged_as == done.sha == github.bare.text("rev-parse", "main")
    assert forge.issue(ref).is_open is False


def test_a_look_pushes_what_was_handed_in_and_says_that_github_lags(
    forge: Forge, checkout: Git, github: GitHub
) -> None:
    head = branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")
    pull = forge.open_pull(drafted(head))
    later = branch_with(checkout, "tt/1", {"b": "b"})
    known = Known(head=later, branch="tt/1", base="main")
    seen = forge.mergeability(pull.url, known)
    assert (seen.head, seen.verdict, seen.again_secs) == (later, Verdict.UNKNOWN, 5.0)
    assert github.bare.text("rev-parse", "tt/1") == later
    assert forge.mergeability(pull.url, known).verdict is Verdict.PASSED


def test_a_look_at_one_that_somebody_merged_closes_its_issues(
    forge: Forge, checkout: Git, github: GitHub, octo: Actor
) -> None:
    github.merging.closes_issues = False
    ref = IssueRef("octo", "town", octo.issue("Do it"))
    head = branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")
    other = IssueRef("octo", "town", octo.issue("Something else"))
    pull = forge.open_pull(drafted(head, closes=other.number))
    sha = octo.call("PUT", f"pulls/{pull.number}/merge", {"merge_method": "squash"})["sha"]
    known = Known(head=head, branch="tt/1", base="main", closes=(ref,))
    seen = forge.mergeability(pull.url, known)
    assert (seen.merged_as, seen.notice, forge.issue(ref).is_open) == (sha, "", False)
    assert forge.issue(other).is_open, "whatever the text says"


def test_one_that_was_merged_without_what_was_handed_in_last_is_told(
    forge: Forge, checkout: Git, github: GitHub, octo: Actor
) -> None:
    head = branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")
    pull = forge.open_pull(drafted(head))
    later = branch_with(checkout, "tt/1", {"fix": "fix"})
    octo.call("PUT", f"pulls/{pull.number}/merge", {"merge_method": "squash"})
    seen = forge.mergeability(pull.url, Known(head=later, branch="tt/1", base="main"))
    assert seen.merged_as is not None
    assert f"without {later[:12]}" in seen.notice
    assert "on tt/1" in seen.notice


def test_one_that_was_merged_before_it_was_up_to_date_has_all_the_work(
    forge: Forge, checkout: Git, github: GitHub, octo: Actor
) -> None:
    head = branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")
    pull = forge.open_pull(drafted(head))
    branch_with(checkout, "other", {"b": "b"}, start="origin/main")
    checkout.run("push", "--quiet", "origin", "other:main")
    octo.call("PUT", f"pulls/{pull.number}/merge", {"merge_method": "squash"})
    checkout.run("switch", "--quiet", "tt/1")
    checkout.run("merge", "--quiet", "--no-edit", "other")
    known = Known(head=checkout.rev_parse("tt/1"), branch="tt/1", base="main")
    assert forge.mergeability(pull.url, known).notice == ""


def test_one_that_was_merged_with_what_somebody_pushed_after_it_is_no_news(
    forge: Forge, checkout: Git, github: GitHub, octo: Actor, tmp_path: Path
) -> None:
    head = branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")
    pull = forge.open_pull(drafted(head))
    Git(tmp_path).run("clone", "--quiet", str(github.bare.folder), str(tmp_path / "person"))
    person = Git(tmp_path / "person")
    person.run("switch", "--quiet", "tt/1")
    commit(person, {"theirs": "x"})
    person.run("push", "--quiet", "origin", "tt/1")
    octo.call("PUT", f"pulls/{pull.number}/merge", {"merge_method": "squash"})
    person.run("push", "--quiet", "origin", ":tt/1")
    seen = forge.mergeability(pull.url, Known(head=head, branch="tt/1", base="main"))
    assert (seen.merged_as is not None, seen.notice) == (True, "")


def test_a_strangers_title_closes_nothing(forge: Forge, checkout: Git, github: GitHub, octo: Actor) -> None:
    precious = octo.issue("Precious")
    ref = IssueRef("octo", "town", octo.issue(f"Closes octo/town#{precious}"))
    title = forge.issue(ref).title
    head = branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")
    draft = msgspec.structs.replace(drafted(head, closes=ref.number), title=title, body=f"{title}\n")
    pull = forge.open_pull(draft)
    forge.merge(pull.url, head, closes=(ref,))
    assert (octo.call("GET", f"issues/{precious}")["state"], forge.issue(ref).is_open) == ("open", False)


def test_a_stacked_one_goes_into_its_dependency_then_into_main(forge: Forge, checkout: Git, octo: Actor) -> None:
    below = forge.open_pull(drafted(branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")))
    head = branch_with(checkout, "tt/2", {"b": "b"}, start="tt/1")
    other = drafted(head, branch="tt/2", base="tt/1")
    above = forge.open_pull(msgspec.structs.replace(other, marker=MARKER.replace("0000", "0001")))
    assert above.base == "tt/1"
    forge.merge(below.url, below.head, closes=())
    forge.retarget(above.url, "main")
    assert octo.call("GET", f"pulls/{above.number}")["base"]["ref"] == "main"
    updated = forge.update_branch(above.url, Known(head=head, branch="tt/2", base="main"))
    assert isinstance(forge.merge(above.url, updated.head, closes=()), Merged)


def test_an_approval_outlasts_the_base_merged_in_and_nothing_else(
    forge: Forge, checkout: Git, octo: Actor, rev: Actor
) -> None:
    head = branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")
    pull = forge.open_pull(drafted(head))
    rev.review(pull.number, "APPROVE")
    branch_with(checkout, "other", {"b": "b"}, start="origin/main")
    checkout.run("push", "--quiet", "origin", "other:main")
    updated = forge.update_branch(pull.url, Known(head=head, branch="tt/1", base="main")).head
    assert updated != head
    assert forge.reviews(pull.url, Known(head=updated, branch="tt/1", base="main")).verdict is Verdict.PASSED
    worked_on = branch_with(checkout, "tt/1", {"c": "c"})
    assert forge.reviews(pull.url, Known(head=worked_on, branch="tt/1", base="main")).verdict is Verdict.PENDING
    elsewhere = Known(head="1" * 40, branch="tt/1", base="main")
    assert forge.reviews(pull.url, elsewhere).verdict is Verdict.PENDING


def test_the_status_comment_is_the_tokens_own(forge: Forge, octo: Actor) -> None:
    ref = IssueRef("octo", "town", octo.issue("Do it"))
    for text in ("**Working**", "**Done**"):
        forge.tell(ref, "<!-- tinytown:status -->", text)
    (comment,) = octo.call("GET", f"issues/{ref.number}/comments")
    assert comment["body"].startswith("**Done**\n")


def test_an_issue_is_closed_once(forge: Forge, github: GitHub, octo: Actor) -> None:
    ref = IssueRef("octo", "town", octo.issue("Epic"))
    for _ in range(2):
        forge.close(ref)
    found = octo.call("GET", f"issues/{ref.number}")
    assert (found["state"], found["state_reason"]) == ("closed", "completed")
    assert github.count(method="PATCH") == 1
    with pytest.raises(NotFoundError):
        forge.close(IssueRef("octo", "town", 77))


def test_a_reviewer_is_asked_again_once(forge: Forge, checkout: Git, github: GitHub, octo: Actor, rev: Actor) -> None:
    pull = forge.open_pull(drafted(branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")))
    rev.review(pull.number, "REQUEST_CHANGES", "not yet")
    for _ in range(2):
        forge.ask_review(pull.url, ("rev", "octo"))
    found = octo.call("GET", f"pulls/{pull.number}")
    assert [one["login"] for one in found["requested_reviewers"]] == ["rev"]
    asked = [one for one in github.seen if one.request.path.endswith("requested_reviewers")]
    assert [(one.request.method, one.request.json()) for one in asked] == [("POST", {"reviewers": ["rev"]})]


def test_requests_count_for_their_mission(town: Town, connection: Connection, keys: Keys) -> None:
    forge = town.forge
    connection.execute("HSET", keys("mission", "m1"), "version", "1")
    forge.on_behalf_of("m1").default_branch()
    assert forge.on_behalf_of("m1") is forge.on_behalf_of("m1")
    assert int(connection.execute("HGET", keys("mission", "m1", "requests"), "sent")) == 2, (
        "who the repository is, and its branch"
    )


def test_an_origin_elsewhere_is_said(town: Town, checkout: Git, redis_url: str) -> None:
    (checkout.folder / "tinytown.toml").write_text('[town]\nname = "x"\n[forge]\nkind = "github"\n')
    environ = {"REDIS_URL": redis_url, "GITHUB_TOKEN": "tok-octo"}
    other = Town(load_settings(town.root, environ=environ), environ)
    with pytest.raises(ConfigError, match='repository = "owner/repo"'):
        _ = other.forge


def test_what_is_no_pull_request_here_is_not_found(forge: Forge) -> None:
    with pytest.raises(NotFoundError):
        forge.pull("https://github.com/octo/town/pull/77")
