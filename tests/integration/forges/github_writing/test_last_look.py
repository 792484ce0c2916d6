"""What is looked at once more right before a merge, and taking a pull request out of the merge queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from tests.integration.forges.github_writing.writing import MARKER, Writing, drafted
from tests.integration.forges.github_writing.writing import known as known_of
from tests.peers.actor import Actor
from tests.peers.exchange import refused, said
from tests.peers.github import GitHub
from tests.peers.samples import Sample
from tests.repositories import branch_with

from tinytown.domain.errors import ConflictError, ForgeError, ForgeUnavailableError
from tinytown.domain.pull import Known, Merged, Pull, Queued
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import Verdict
from tinytown.forges.base import Forge
from tinytown.repository.git import Git

PEOPLE, BOTS = WatchKind.REVIEW_COMMENTS, WatchKind.BUGBOT_COMMENTS


@pytest.fixture
def pull(forge: Forge, checkout: Git) -> Pull:
    """A pull request in a repository where nothing is checked."""
    head = branch_with(checkout, "tt/1", {"a.py": "one\n"}, start="origin/main")
    return forge.open_pull(drafted(head))


def known(pull: Pull) -> Known:
    return known_of(pull.head, since=datetime.now(UTC) - timedelta(minutes=20))


class TestObjections:
    def test_objection_that_nobody_looked_for_keeps_it_from_being_merged(
        self,
        forge: Forge,
        pull: Pull,
        rev: Actor,
        github: GitHub,
    ) -> None:
        assert forge.reviews(pull.url, known(pull)).verdict is Verdict.UNKNOWN
        rev.review(pull.number, "REQUEST_CHANGES", "do not merge this")

        with pytest.raises(ConflictError, match="rev asks for changes"):
            forge.merge(pull.url, pull.head, closes=(), known=known(pull), heeds=(PEOPLE, BOTS))
        assert github.count(method="PUT") == 0

    def test_objection_that_a_person_here_overruled_keeps_nothing(
        self,
        forge: Forge,
        pull: Pull,
        rev: Actor,
    ) -> None:
        rev.review(pull.number, "REQUEST_CHANGES", "do not merge this")

        assert isinstance(forge.merge(pull.url, pull.head, closes=(), known=known(pull), heeds=(BOTS,)), Merged)

    def test_thread_that_was_opened_again_keeps_it_from_being_merged(
        self,
        forge: Forge,
        pull: Pull,
        rev: Actor,
        github: GitHub,
    ) -> None:
        rev.review(pull.number, "COMMENT", "", on=[("a.py", 1, "null here")])
        (finding,) = forge.reviews(pull.url, known(pull)).findings
        number = int(finding.id.removeprefix("comment:"))
        github.threads.resolved.add(number)
        forge.reviews(pull.url, known(pull))
        github.threads.resolved.discard(number)

        with pytest.raises(ConflictError, match="rev asks for changes"):
            forge.merge(pull.url, pull.head, closes=(), known=known(pull), heeds=(PEOPLE,))

    def test_thread_that_was_resolved_keeps_nothing_when_graphql_is_refused(
        self,
        forge: Forge,
        pull: Pull,
        rev: Actor,
        github: GitHub,
    ) -> None:
        """REST alone does not know what is resolved."""
        rev.review(pull.number, "COMMENT", "", on=[("a.py", 1, "null here")])
        (finding,) = forge.reviews(pull.url, known(pull)).findings
        github.threads.resolved.add(int(finding.id.removeprefix("comment:")))
        assert forge.reviews(pull.url, known(pull)).verdict is Verdict.PENDING
        no = said({"data": None, "errors": [{"type": "FORBIDDEN", "message": "Resource not accessible"}]})
        github.samples.append(Sample("POST", "/graphql", no, times=9))

        assert isinstance(forge.merge(pull.url, pull.head, closes=(), known=known(pull), heeds=(PEOPLE,)), Merged)

    def test_remark_of_a_bot_that_nobody_was_told_keeps_it_from_being_merged(
        self,
        forge: Forge,
        pull: Pull,
        actor: Callable[[str], Actor],
    ) -> None:
        bot = actor("bot")
        bot.review(pull.number, "COMMENT", "", on=[("a.py", 1, "null here")])
        (finding,) = forge.comments(pull.url, known(pull)).findings

        with pytest.raises(ConflictError, match=r"cursor.* asks for changes"):
            forge.merge(pull.url, pull.head, closes=(), known=known(pull), heeds=(PEOPLE, BOTS))
        told = msgspec.structs.replace(known(pull), told=(finding.id,))
        assert isinstance(forge.merge(pull.url, pull.head, closes=(), known=told, heeds=(PEOPLE, BOTS)), Merged)

    def test_check_that_failed_meanwhile_keeps_it_from_being_merged(
        self,
        forge: Forge,
        pull: Pull,
        octo: Actor,
    ) -> None:
        assert forge.checks(pull.url, known(pull)).verdict is Verdict.PASSED
        octo.check(pull.head, "failure")

        with pytest.raises(ConflictError, match="its checks do not pass any more"):
            forge.merge(pull.url, pull.head, closes=(), known=known(pull))

    def test_check_that_is_required_only_now_keeps_it_from_being_merged(
        self,
        forge: Forge,
        pull: Pull,
        github: GitHub,
    ) -> None:
        assert forge.checks(pull.url, known(pull)).verdict is Verdict.PASSED
        github.rules.require("main", "security")

        with pytest.raises(ConflictError):
            forge.merge(pull.url, pull.head, closes=(), known=known(pull))
        assert github.count(method="PUT") == 0

    def test_what_was_merged_is_found_whatever_is_said_of_it_since(
        self,
        forge: Forge,
        pull: Pull,
        rev: Actor,
    ) -> None:
        first = forge.merge(pull.url, pull.head, closes=(), known=known(pull), heeds=(PEOPLE,))
        rev.review(pull.number, "REQUEST_CHANGES", "too late")

        assert forge.merge(pull.url, pull.head, closes=(), known=known(pull), heeds=(PEOPLE,)) == first


class TestBase:
    def test_nothing_is_merged_into_another_base_than_was_looked_at(
        self,
        forge: Forge,
        pull: Pull,
        checkout: Git,
        octo: Actor,
        github: GitHub,
    ) -> None:
        checkout.run("push", "--quiet", "origin", "origin/main:refs/heads/release")
        octo.call("PATCH", f"pulls/{pull.number}", {"base": "release"})

        with pytest.raises(ConflictError, match="goes into release now, not into main"):
            forge.merge(pull.url, pull.head, closes=(), known=known(pull))
        assert github.count(method="PUT") == 0

    @pytest.mark.parametrize("state", ["blocked", "behind", "dirty", "draft"])
    def test_what_github_calls_unready_is_not_forced_by_who_could(
        self,
        forge: Forge,
        pull: Pull,
        github: GitHub,
        state: str,
    ) -> None:
        github.gate.says[pull.number] = [(True, state)] * 9

        with pytest.raises(ConflictError, match=f"GitHub calls it '{state}'"):
            forge.merge(pull.url, pull.head, closes=(), known=known(pull))
        assert github.count(method="PUT") == 0

    def test_what_github_is_working_out_is_waited_for(
        self,
        forge: Forge,
        pull: Pull,
        github: GitHub,
    ) -> None:
        github.gate.says[pull.number] = [(None, "unknown")] * 9

        with pytest.raises(ForgeUnavailableError, match="works out"):
            forge.merge(pull.url, pull.head, closes=(), known=known(pull))

    def test_checks_of_another_base_are_waited_for_anew(
        self,
        forge: Forge,
        checkout: Git,
    ) -> None:
        long_ago = datetime.now(UTC) - timedelta(minutes=20)
        forge.open_pull(drafted(branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")))
        head = branch_with(checkout, "tt/2", {"b": "b"}, start="tt/1")
        above = msgspec.structs.replace(
            drafted(head, branch="tt/2", base="tt/1"), marker=MARKER.replace("0000", "0001")
        )
        url = forge.open_pull(above).url
        on_it = Known(head=head, branch="tt/2", base="tt/1", since=long_ago)
        assert forge.checks(url, on_it).verdict is Verdict.PASSED
        forge.retarget(url, "main")

        moved = msgspec.structs.replace(on_it, base="main", base_since=datetime.now(UTC))
        assert forge.checks(url, moved).verdict is Verdict.PENDING
        with pytest.raises(ConflictError):
            forge.merge(url, head, closes=(), known=moved)


class TestUpdate:
    def test_look_tells_that_only_the_base_came_in(
        self,
        forge: Forge,
        pull: Pull,
        checkout: Git,
        writing: Writing,
    ) -> None:
        branch_with(checkout, "other", {"b": "b"}, start="origin/main")
        checkout.run("push", "--quiet", "origin", "other:refs/heads/main")
        new = forge.update_branch(pull.url, known(pull)).head
        assert new != pull.head

        assert forge.mergeability(pull.url, known(pull)).is_update
        assert not forge.mergeability(pull.url, msgspec.structs.replace(known(pull), head=new)).is_update
        more = writing.pushed("tt/1", {"more": "x"})
        seen = forge.mergeability(pull.url, known(pull))
        assert (seen.head, seen.is_update) == (more, False)

    def test_base_that_is_another_one_now_is_not_merged_into_it(
        self,
        forge: Forge,
        pull: Pull,
        checkout: Git,
        octo: Actor,
        github: GitHub,
    ) -> None:
        branch_with(checkout, "other", {"b": "b"}, start="origin/main")
        checkout.run("push", "--quiet", "origin", "other:refs/heads/release")
        octo.call("PATCH", f"pulls/{pull.number}", {"base": "release"})

        with pytest.raises(ConflictError, match="goes into release now, not into main"):
            forge.update_branch(pull.url, known(pull))
        assert github.bare.text("rev-parse", "tt/1") == pull.head


class TestQueue:
    def test_it_is_taken_out_once(self, forge: Forge, pull: Pull, github: GitHub) -> None:
        github.rules.queue("main")
        assert forge.merge(pull.url, pull.head, closes=(), known=known(pull)) == Queued(position=1)

        forge.dequeue(pull.url)
        forge.dequeue(pull.url)

        assert github.graphql.queue == []

    def test_objection_keeps_it_out_of_the_queue(
        self,
        forge: Forge,
        pull: Pull,
        github: GitHub,
        rev: Actor,
    ) -> None:
        github.rules.queue("main")
        rev.review(pull.number, "REQUEST_CHANGES", "do not merge this")

        with pytest.raises(ConflictError, match="rev asks for changes"):
            forge.merge(pull.url, pull.head, closes=(), known=known(pull), heeds=(PEOPLE,))
        assert github.graphql.queue == []

    def test_queue_that_was_switched_off_is_not_asked(self, github: GitHub, writing: Writing) -> None:
        github.rules.queue("main")
        pull = writing.opened()
        assert writing.rules.of("main").has_queue
        github.rules.lift("main")

        assert isinstance(writing.merging.merge(pull.number, pull.head.sha, closes=()), Merged)

    def test_queue_that_is_switched_off_just_then_is_tried_another_way_next(
        self, github: GitHub, writing: Writing
    ) -> None:
        github.rules.queue("main")
        pull = writing.opened()
        answer = said({"data": None, "errors": [{"type": "UNPROCESSABLE", "message": "Merge queue is not enabled"}]})
        github.samples.append(
            Sample("POST", "/graphql", lambda one: answer if "mutation" in one.json()["query"] else None)
        )

        with pytest.raises(ConflictError, match="not enabled"):
            writing.merging.merge(pull.number, pull.head.sha, closes=())

    def test_other_refusals_of_the_queue_are_a_persons_matter(self, github: GitHub, writing: Writing) -> None:
        github.rules.queue("main")
        pull = writing.opened()
        github.samples.append(
            Sample("POST", "/graphql", lambda one: refused(403, "no") if "mutation" in one.json()["query"] else None)
        )

        with pytest.raises(ForgeError):
            writing.merging.merge(pull.number, pull.head.sha, closes=())
