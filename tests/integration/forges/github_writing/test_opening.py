from __future__ import annotations

import pytest
from tests.integration.forges.github_writing.writing import MARKER, Writing, drafted
from tests.peers.actor import Actor
from tests.peers.exchange import CUT, Answer, invalid, refused, said
from tests.peers.github import GitHub
from tests.peers.samples import Sample

from tinytown.domain.errors import ConflictError, ForgeError, ForgeUnavailableError, NotFoundError
from tinytown.forges.github.pulls import public

PULLS = r"/repos/octo/town/pulls"


def numbers(octo: Actor) -> list[int]:
    return [one["number"] for one in octo.call("GET", "pulls?state=all")]


class TestOpening:
    def test_it_has_title_base_marker_and_what_it_closes(self, writing: Writing, octo: Actor) -> None:
        issue = octo.issue("Do it")
        head = writing.pushed("tt/1", {"a": "a"})
        pull = writing.pulls.ensure(drafted(head, closes=issue))
        told = octo.call("GET", f"pulls/{pull.number}")
        assert (told["title"], told["base"]["ref"], told["head"]["sha"]) == ("Do tt/1", "main", head)
        assert told["body"] == f"Do tt/1, says @\u200brev\n\n{MARKER}\n\nCloses octo/town#{issue}\n"
        assert public(pull).url == told["html_url"]

    def test_opened_again_after_a_crash_it_is_the_same_one(self, github: GitHub, writing: Writing, octo: Actor) -> None:
        head = writing.pushed("tt/1", {"a": "a"})
        github.samples.append(Sample("POST", PULLS, CUT, times=1, takes_effect=True))
        with pytest.raises(ForgeUnavailableError):
            writing.pulls.ensure(drafted(head))
        before = octo.call("GET", "pulls")[0]["number"]
        posts = github.count(method="POST")
        assert writing.pulls.ensure(drafted(head)).number == before
        assert (numbers(octo), github.count(method="POST")) == ([before], posts)

    def test_one_that_lists_do_not_show_yet_is_found_when_opening_is_refused(
        self, github: GitHub, writing: Writing, octo: Actor
    ) -> None:
        head = writing.pushed("tt/1", {"a": "a"})
        first = writing.pulls.ensure(drafted(head)).number
        github.samples.append(Sample("GET", PULLS, said([]), times=2))
        assert writing.pulls.ensure(drafted(head)).number == first
        assert numbers(octo) == [first]

    def test_a_push_that_github_has_not_noticed_is_waited_for(
        self, github: GitHub, writing: Writing, octo: Actor
    ) -> None:
        head = writing.pushed("tt/1", {"a": "a"})
        late = invalid("PullRequest", code="invalid", field="head")
        github.samples.append(Sample("POST", PULLS, late, times=2))
        assert writing.pulls.ensure(drafted(head)).number in numbers(octo)

    @pytest.mark.parametrize(
        "late",
        [
            invalid("PullRequest", "not all refs are readable"),
            invalid("PullRequest", code="invalid", field="head"),
            refused(422, "Validation Failed", ["Head sha can't be blank", "No commits between main and tt/1"]),
            invalid("PullRequest", "A pull request already exists for octo:tt/1."),
        ],
    )
    def test_a_push_that_is_not_noticed_for_longer_is_tried_again_later_but_not_for_ever(
        self, github: GitHub, writing: Writing, octo: Actor, late: Answer
    ) -> None:
        head = writing.pushed("tt/1", {"a": "a"})
        github.samples.append(Sample("POST", PULLS, late))
        with pytest.raises(ConflictError, match="GitHub does not show yet what was pushed to tt/1"):
            writing.pulls.ensure(drafted(head))
        assert (numbers(octo), github.count(method="POST")) == ([], 3)

    def test_another_refusal_that_speaks_of_a_head_is_a_persons_matter(self, github: GitHub, writing: Writing) -> None:
        head = writing.pushed("tt/1", {"a": "a"})
        github.samples.append(Sample("POST", PULLS, invalid("PullRequest", "head repository is over its quota")))
        with pytest.raises(ForgeError, match="over its quota") as error:
            writing.pulls.ensure(drafted(head))
        assert not isinstance(error.value, ForgeUnavailableError)
        assert github.count(method="POST") == 1

    def test_nothing_new_on_the_branch_is_said(self, writing: Writing, octo: Actor) -> None:
        writing.git.run("push", "--quiet", "origin", "main:refs/heads/tt/1")
        with pytest.raises(ForgeError, match="has no commits that main lacks"):
            writing.pulls.ensure(drafted(writing.git.rev_parse("main")))
        assert numbers(octo) == []

    def test_a_base_that_is_not_there_is_said(self, writing: Writing, octo: Actor) -> None:
        head = writing.pushed("tt/1", {"a": "a"})
        with pytest.raises(ForgeError, match="GitHub has no branch 'nowhere'"):
            writing.pulls.ensure(drafted(head, base="nowhere"))
        assert numbers(octo) == []

    def test_a_token_that_may_not_is_a_persons_matter(self, github: GitHub, writing: Writing) -> None:
        head = writing.pushed("tt/1", {"a": "a"})
        github.samples.append(Sample("POST", PULLS, refused(403, "Resource not accessible by integration")))
        with pytest.raises(ForgeError, match="does not allow"):
            writing.pulls.ensure(drafted(head))


class TestFinding:
    def test_one_that_the_agent_opened_gets_our_part_and_our_base(self, writing: Writing, octo: Actor) -> None:
        head = writing.pushed("tt/1", {"a": "a"})
        writing.git.run("push", "--quiet", "origin", "main:refs/heads/next")
        number = octo.pull("tt/1", base="next", body="By an agent")
        assert writing.pulls.ensure(drafted(head, closes=7)).number == number
        told = octo.call("GET", f"pulls/{number}")
        assert (told["base"]["ref"], told["body"]) == ("main", f"By an agent\n\n{MARKER}\n\nCloses octo/town#7\n")

    def test_a_named_one_of_another_branch_or_repository_is_not_taken(self, writing: Writing, octo: Actor) -> None:
        writing.pushed("tt/2", {"b": "b"})
        other = octo.call("GET", f"pulls/{octo.pull('tt/2')}")
        head = writing.pushed("tt/1", {"a": "a"})
        foreign = other["html_url"].replace("octo/town", "else/where")
        found = [writing.pulls.ensure(drafted(head, named=url)).number for url in (other["html_url"], foreign, "x")]
        assert len(set(found)) == 1
        assert other["number"] not in found
        assert octo.call("GET", f"pulls/{other['number']}")["body"] == ""

    def test_an_item_whose_branch_got_another_name_keeps_its_pull_request(self, writing: Writing) -> None:
        first = writing.opened("tt/1")
        head = writing.pushed("tt/1-other", {"c": "c"})
        assert writing.pulls.ensure(drafted(head, branch="tt/1-other")).number == first.number

    def test_one_that_is_merged_at_the_very_commit_is_left_as_it_is(self, writing: Writing, octo: Actor) -> None:
        first = writing.opened("tt/1")
        octo.call("PUT", f"pulls/{first.number}/merge", {})
        again = public(writing.pulls.ensure(drafted(first.head.sha)))
        assert (again.number, again.is_open, again.merged_as is not None) == (first.number, False, True)

    def test_work_after_a_merge_gets_a_new_one(self, writing: Writing, octo: Actor) -> None:
        first = writing.opened("tt/1")
        octo.call("PUT", f"pulls/{first.number}/merge", {})
        head = writing.pushed("tt/1", {"more": "x"})
        assert writing.pulls.ensure(drafted(head)).number > first.number

    def test_one_that_a_person_closed_is_not_opened_anew(self, writing: Writing, octo: Actor) -> None:
        first = writing.opened("tt/1")
        octo.call("PATCH", f"pulls/{first.number}", {"state": "closed"})
        assert public(writing.pulls.ensure(drafted(first.head.sha))).is_open is False
        assert numbers(octo) == [first.number]

    def test_a_listing_that_ignores_the_filter_finds_nobody_elses(
        self, github: GitHub, writing: Writing, octo: Actor
    ) -> None:
        writing.pushed("tt/2", {"b": "b"})
        other = octo.pull("tt/2")
        listed = said(octo.call("GET", "pulls"))
        head = writing.pushed("tt/1", {"a": "a"})
        github.samples.append(Sample("GET", PULLS, listed, times=1, is_described=False))
        assert writing.pulls.ensure(drafted(head)).number != other


class TestRetargeting:
    def test_it_goes_into_another_branch_and_again_nothing_happens(
        self, github: GitHub, writing: Writing, octo: Actor
    ) -> None:
        writing.pushed("tt/dep", {"dep": "x"})
        number = writing.opened("tt/1").number
        for _ in range(2):
            writing.pulls.retarget(number, "tt/dep")
        assert octo.call("GET", f"pulls/{number}")["base"]["ref"] == "tt/dep"
        assert github.count(method="PATCH") == 1

    def test_a_closed_one_stays_and_that_is_said(self, writing: Writing, octo: Actor) -> None:
        number = writing.opened("tt/1").number
        octo.call("PATCH", f"pulls/{number}", {"state": "closed"})
        with pytest.raises(ForgeError, match="is closed; reopen it"):
            writing.pulls.retarget(number, "next")

    def test_a_base_that_is_not_there_is_a_persons_matter(self, writing: Writing) -> None:
        number = writing.opened("tt/1").number
        with pytest.raises(ForgeError, match="Proposed base branch 'nowhere' was not found"):
            writing.pulls.retarget(number, "nowhere")


@pytest.mark.parametrize("url", ["17", "octo/town/pull/3", "https://github.com/octo/town/issues/3"])
def test_what_is_no_pull_requests_url_is_said(writing: Writing, url: str) -> None:
    with pytest.raises(NotFoundError, match="is not the URL of a pull request"):
        writing.pulls.number(url)


def test_a_url_of_another_host_or_repository_names_none_of_ours(github: GitHub, writing: Writing) -> None:
    pull = writing.opened()
    elsewhere = ("https://evil.example/octo/town", f"{github.url}@evil.example/octo/town", f"{github.url}/octo/gone")
    for place in elsewhere:
        with pytest.raises(NotFoundError, match="is not a pull request of octo/town"):
            writing.pulls.number(f"{place}/pull/{pull.number}")


def test_another_repository_of_the_same_host_is_another_one(github: GitHub, writing: Writing, octo: Actor) -> None:
    octo.call("POST", "/user/repos", {"name": "twin"})
    pull = writing.opened()
    with pytest.raises(NotFoundError, match="is not a pull request of octo/town"):
        writing.pulls.number(f"{github.url}/octo/twin/pull/{pull.number}")


def test_a_url_under_the_old_name_is_ours_and_that_is_asked_once(github: GitHub, writing: Writing) -> None:
    pull = writing.opened()
    github.renames.old.add("octo/village")
    old = pull.html_url.replace("octo/town", "octo/village")
    assert [writing.pulls.number(url) for url in (old, pull.html_url)] == [pull.number] * 2
    seen = github.count()
    assert [writing.pulls.number(url) for url in (old, pull.html_url)] == [pull.number] * 2
    assert github.count() == seen


def test_a_pull_request_that_is_not_there(writing: Writing) -> None:
    with pytest.raises(NotFoundError):
        writing.pulls.read(99)
