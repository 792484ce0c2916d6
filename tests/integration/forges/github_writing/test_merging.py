from __future__ import annotations

import re

import pytest
from tests.integration.forges.github_writing.writing import Writing
from tests.peers.actor import Actor
from tests.peers.exchange import CUT, refused
from tests.peers.github import GitHub
from tests.peers.samples import Sample

from tinytown.domain.errors import ConflictError, ForgeError, ForgeUnavailableError, QuotaError
from tinytown.domain.pull import Merged, Queued
from tinytown.domain.refs import IssueRef

MERGE = r"/repos/octo/town/pulls/\d+/merge"


def state(octo: Actor, number: int) -> str:
    return str(octo.call("GET", f"issues/{number}")["state"])


class TestMerging:
    def test_the_head_is_merged_and_only_what_the_mission_names_is_closed(
        self, github: GitHub, writing: Writing, octo: Actor
    ) -> None:
        github.merging.closes_issues = False
        named, given = octo.issue("Named"), octo.issue("Given")
        pull = writing.opened(closes=given)
        text = f"{octo.call('GET', f'pulls/{pull.number}')['body']}\n## Summary by a bot\nCloses octo/town#{named}\n"
        octo.call("PATCH", f"pulls/{pull.number}", {"body": text})
        done = writing.merging.merge(pull.number, pull.head.sha, closes=(IssueRef("octo", "town", given),))
        assert done == Merged(sha=github.bare.text("rev-parse", "main"))
        assert (state(octo, named), state(octo, given)) == ("open", "closed")

    def test_merged_again_after_a_crash_the_first_merge_is_told(self, github: GitHub, writing: Writing) -> None:
        pull = writing.opened()
        github.samples.append(Sample("PUT", MERGE, CUT, times=1, takes_effect=True))
        first = writing.merging.merge(pull.number, pull.head.sha, closes=())
        again = writing.merging.merge(pull.number, pull.head.sha, closes=())
        assert first == again == Merged(sha=github.bare.text("rev-parse", "main"))
        assert github.count(method="PUT") == 1

    def test_a_crash_between_merge_and_closing_loses_no_closing(
        self, github: GitHub, writing: Writing, octo: Actor
    ) -> None:
        github.merging.closes_issues = False
        issue = octo.issue("Named")
        closes = (IssueRef("octo", "town", issue),)
        pull = writing.opened(closes=issue)
        github.samples.append(Sample("PATCH", r".*/issues/\d+", refused(502, "bad gateway"), times=1))
        with pytest.raises(ForgeUnavailableError):
            writing.merging.merge(pull.number, pull.head.sha, closes=closes)
        assert state(octo, issue) == "open"
        writing.merging.merge(pull.number, pull.head.sha, closes=closes)
        assert state(octo, issue) == "closed"

    def test_a_push_in_between_refuses(self, github: GitHub, writing: Writing, octo: Actor) -> None:
        pull = writing.opened()
        later = writing.pushed("tt/1", {"later": "x"})
        with pytest.raises(ConflictError, match=f"is at {later[:12]} now") as error:
            writing.merging.merge(pull.number, pull.head.sha, closes=())
        assert error.value.evidence["head"] == later
        assert octo.call("GET", f"pulls/{pull.number}")["merged"] is False
        assert github.count(method="PUT") == 0

    def test_a_push_while_it_is_asked_refuses(self, github: GitHub, writing: Writing) -> None:
        pull = writing.opened()
        text = "Head branch was modified. Review and try the merge again."
        github.samples.append(Sample("PUT", MERGE, refused(409, text), times=1))
        with pytest.raises(ConflictError, match="Head branch was modified"):
            writing.merging.merge(pull.number, pull.head.sha, closes=())

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("Base branch was modified. Review and try the merge again.", ConflictError),
            ("Pull Request has merge conflicts", ConflictError),
            ('Required status check "ci" is expected.', ConflictError),
            ("At least 1 approving review is required by reviewers with write access.", ForgeError),
            ("Repository rule violations found", ForgeError),
        ],
    )
    def test_what_github_says_of_a_merge_is_told_apart(
        self, github: GitHub, writing: Writing, text: str, kind: type[Exception]
    ) -> None:
        pull = writing.opened()
        github.samples.append(Sample("PUT", MERGE, refused(405, text)))
        with pytest.raises(kind, match=re.escape(text)):
            writing.merging.merge(pull.number, pull.head.sha, closes=())

    def test_a_quota_that_is_used_up_is_not_tried_in_other_ways(self, github: GitHub, writing: Writing) -> None:
        pull = writing.opened()
        limit = refused(403, "You have exceeded a secondary rate limit", headers={"retry-after": "30"})
        github.samples.append(Sample("PUT", MERGE, limit))
        with pytest.raises(QuotaError):
            writing.merging.merge(pull.number, pull.head.sha, closes=())
        assert github.count(method="PUT") == 1

    def test_one_that_was_closed_is_a_persons_matter(self, writing: Writing, octo: Actor) -> None:
        pull = writing.opened()
        octo.call("PATCH", f"pulls/{pull.number}", {"state": "closed"})
        with pytest.raises(ForgeError, match="closed without merging"):
            writing.merging.merge(pull.number, pull.head.sha, closes=())


class TestMethod:
    def test_the_repositorys_settings_choose(self, github: GitHub, writing: Writing, octo: Actor) -> None:
        octo.call("PATCH", "", {"allow_merge_commit": False})
        pull = writing.opened()
        done = writing.merging.merge(pull.number, pull.head.sha, closes=())
        assert isinstance(done, Merged)
        assert github.bare.text("log", "-1", "--format=%P", done.sha).count(" ") == 0

    def test_a_method_that_turns_out_not_to_be_allowed_gives_way(self, github: GitHub, writing: Writing) -> None:
        pull = writing.opened()
        text = "Merge commits are not allowed on this repository."
        github.samples.append(Sample("PUT", MERGE, refused(405, text), times=1))
        assert isinstance(writing.merging.merge(pull.number, pull.head.sha, closes=()), Merged)
        assert [one.request.json()["merge_method"] for one in github.seen if one.request.method == "PUT"] == [
            "merge",
            "squash",
        ]


class TestQueue:
    def test_where_a_queue_merges_it_is_put_into_it_once(self, github: GitHub, writing: Writing) -> None:
        github.rules.queue("main")
        pull = writing.opened()
        said = [writing.merging.merge(pull.number, pull.head.sha, closes=()) for _ in range(2)]
        assert said == [Queued(position=1), Queued(position=1)]
        assert (github.graphql.queue, github.count(method="PUT")) == ([pull.number], 0)

    def test_a_queue_that_was_not_known_of_is_used_when_github_says_so(self, github: GitHub, writing: Writing) -> None:
        pull = writing.opened()
        writing.rules.of("main")
        github.rules.queue("main")
        assert writing.merging.merge(pull.number, pull.head.sha, closes=()) == Queued(position=1)

    def test_entered_again_after_a_crash_it_is_in_the_queue_once(self, github: GitHub, writing: Writing) -> None:
        github.rules.queue("main")
        pull = writing.opened()
        cut = Sample("POST", "/graphql", lambda one: CUT if "mutation" in one.json()["query"] else None, times=1)
        cut.takes_effect = True
        github.samples.append(cut)
        with pytest.raises(ForgeUnavailableError):
            writing.merging.merge(pull.number, pull.head.sha, closes=())
        assert writing.merging.merge(pull.number, pull.head.sha, closes=()) == Queued(position=1)
        assert github.graphql.queue == [pull.number]

    def test_what_the_queue_merged_is_found(self, github: GitHub, writing: Writing) -> None:
        pull = writing.opened()
        github.merging.of_queue(pull.number)
        done = writing.merging.merge(pull.number, pull.head.sha, closes=())
        assert done == Merged(sha=github.bare.text("rev-parse", "main"))


class TestClosing:
    def test_what_github_closed_itself_is_left_alone(self, github: GitHub, writing: Writing, octo: Actor) -> None:
        named = octo.issue("Named")
        pull = writing.opened(closes=named)
        writing.merging.merge(pull.number, pull.head.sha, closes=(IssueRef("octo", "town", named),))
        assert github.count(method="PATCH") == 0

    def test_an_issue_of_another_repository_is_closed_too(self, writing: Writing, octo: Actor) -> None:
        number = int(octo.call("POST", "/repos/octo/other/issues", {"title": "There"})["number"])
        pull = writing.opened()
        writing.merging.merge(pull.number, pull.head.sha, closes=(IssueRef("octo", "other", number),))
        assert octo.call("GET", f"/repos/octo/other/issues/{number}")["state"] == "closed"

    def test_one_that_may_not_be_closed_is_told_and_does_not_undo_the_merge(
        self, writing: Writing, octo: Actor
    ) -> None:
        pull = writing.opened()
        done = writing.merging.merge(pull.number, pull.head.sha, closes=(IssueRef("some", "where", 3),))
        assert isinstance(done, Merged)
        assert done.notice.startswith("some/where#3 is done, but cannot be closed (GitHub has no some/where/issues/3")
        assert octo.call("GET", f"pulls/{pull.number}")["merged"] is True
