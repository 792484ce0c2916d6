"""What reviews and threads say of a head."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.forges.github.said import HEAD, OLD, facts, remark, review, thread

from tinytown.domain.pull import Finding
from tinytown.domain.workitem import Verdict
from tinytown.forges.github.points import Facts
from tinytown.forges.github.remarks import Author, Thread, is_named
from tinytown.forges.github.reviews import judge_bots, judge_people
from tinytown.forges.github.shapes import ReviewShape

BUGBOT = "cursor[bot]"


def people(*reviews: ReviewShape, threads: tuple[Thread, ...] = (), by: Facts | None = None) -> Verdict:
    return judge_people(reviews, threads, by or facts()).verdict


def test_nobody_said_anything() -> None:
    seen = judge_people((), (), facts())
    assert (seen.head, seen.verdict, seen.findings) == (HEAD, Verdict.UNKNOWN, ())


def test_approval_of_the_head_passes() -> None:
    seen = judge_people([review(1, "APPROVED", body="fine")], (), facts())
    assert (seen.verdict, seen.by, seen.text) == (Verdict.PASSED, "rev", "fine")


def test_approval_of_another_commit_is_none() -> None:
    seen = judge_people([review(1, "APPROVED", commit=OLD)], (), facts())
    assert (seen.verdict, seen.note) == (Verdict.PENDING, f"rev approved {OLD[:10]}, not this one")


def test_approval_of_an_earlier_head_that_only_lacks_its_base_counts() -> None:
    assert people(review(1, "APPROVED", commit=OLD), by=facts(same=(OLD,))) is Verdict.PASSED


@pytest.mark.parametrize("commit", [None, OLD])
def test_approval_of_no_known_commit_is_none(commit: str | None) -> None:
    assert people(review(1, "APPROVED", commit=commit)) is Verdict.PENDING


def test_request_for_changes_fails_with_its_author_link_and_body() -> None:
    seen = judge_people([review(7, "CHANGES_REQUESTED", body="too slow")], (), facts())
    assert (seen.verdict, seen.by) == (Verdict.FAILED, "rev")
    text = "@rev asks for changes (https://github.com/o/r/pull/1#pullrequestreview-7):\n\ntoo slow"
    assert seen.findings == (Finding(id="review:7", text=text),)
    assert seen.text == text


def test_request_for_changes_is_cleared_by_a_later_approval_of_the_same_person() -> None:
    assert people(review(1, "CHANGES_REQUESTED"), review(2, "APPROVED")) is Verdict.PASSED


def test_request_for_changes_is_not_cleared_by_another_person() -> None:
    assert people(review(1, "CHANGES_REQUESTED"), review(2, "APPROVED", "eve")) is Verdict.FAILED


def test_request_for_changes_is_not_cleared_by_a_comment() -> None:
    assert people(review(1, "CHANGES_REQUESTED"), review(2, "COMMENTED", body="hm")) is Verdict.FAILED


def test_request_for_changes_is_cleared_by_dismissal() -> None:
    seen = judge_people([review(1, "DISMISSED", body="no")], (), facts())
    assert (seen.verdict, seen.note) == (Verdict.PENDING, "the review of rev was dismissed")


def test_request_for_changes_after_an_approval_fails() -> None:
    assert people(review(1, "APPROVED"), review(2, "CHANGES_REQUESTED")) is Verdict.FAILED


def test_request_for_changes_of_an_earlier_head_stands_and_is_no_news() -> None:
    seen = judge_people([review(1, "CHANGES_REQUESTED", commit=OLD)], (), facts("review:1"))
    assert (seen.verdict, seen.note) == (Verdict.FAILED, "waits for rev to look again")
    assert [finding.id for finding in seen.findings] == ["review:1"]


@pytest.mark.parametrize("state", ["APPROVED", "CHANGES_REQUESTED"])
def test_nobody_decides_who_may_not_write(state: str) -> None:
    seen = judge_people([review(1, state, "stranger", body="x")], (), facts())
    assert (seen.verdict, seen.findings) == (Verdict.UNKNOWN, ())
    assert seen.note == "left alone, as they may not write here: stranger"


def test_our_own_reviews_and_drafts_are_nothing() -> None:
    assert people(review(1, "COMMENTED", "octo", "hm"), review(2, "PENDING", "rev", "wip")) is Verdict.UNKNOWN


def test_review_of_a_deleted_account_is_nothing() -> None:
    assert people(review(1, "APPROVED", None), by=facts(writers=("ghost",))) is not Verdict.PASSED


def test_general_remark_of_a_trusted_person_is_handed_over_once() -> None:
    remarked = review(1, "COMMENTED", "ann", "add a test", minute=10)
    seen = judge_people([remarked], (), facts())
    assert (seen.verdict, [finding.id for finding in seen.findings]) == (Verdict.FAILED, ["review:1"])
    seen = judge_people([remarked], (), facts("review:1"))
    assert (seen.verdict, seen.findings) == (Verdict.PENDING, ())


def test_general_remark_stands_until_the_branch_is_pushed() -> None:
    remarked = review(1, "COMMENTED", body="add a test", minute=60)
    assert people(remarked, by=facts("review:1", since=50)) is Verdict.FAILED
    assert people(remarked, by=facts("review:1", since=70)) is Verdict.PENDING


def test_general_remark_is_settled_by_a_later_approval() -> None:
    assert people(review(1, "COMMENTED", body="add a test"), review(2, "APPROVED")) is Verdict.PASSED


def test_general_remark_that_thanks_is_no_request() -> None:
    assert people(review(1, "COMMENTED", body="Thanks, looks good!")) is Verdict.PENDING


def test_thread_is_handed_over_with_author_place_link_and_text() -> None:
    seen = judge_people((), [thread(remark(1, text="rename\nit"))], facts())
    text = "@rev on src/a.py:3 (https://github.com/o/r/pull/1#discussion_r1):\n\nrename\nit"
    assert (seen.verdict, seen.findings) == (Verdict.FAILED, (Finding(id="comment:1", text=text),))


def test_resolved_thread_is_ignored() -> None:
    assert judge_people((), [thread(remark(1), is_resolved=True)], facts()).findings == ()


def test_outdated_thread_is_handed_over_once() -> None:
    outdated = [thread(remark(1), is_outdated=True)]
    assert judge_people((), outdated, facts()).verdict is Verdict.FAILED
    assert judge_people((), outdated, facts("comment:1")).findings == ()


def test_thread_outdated_since_it_was_handed_over_waits_for_a_push_of_ours() -> None:
    """What outdated it may have been somebody else's commit."""
    outdated = [thread(remark(60), is_outdated=True)]
    assert judge_people((), outdated, facts("comment:60", since=50)).verdict is Verdict.FAILED


def test_thread_that_we_answered_wants_nothing() -> None:
    assert people(threads=(thread(remark(1), remark(2, "octo", "Renamed.")),)) is Verdict.UNKNOWN


def test_thanks_after_our_answer_are_no_request() -> None:
    answered = thread(remark(1), remark(2, "octo", "Renamed."), remark(3, "rev", "Thanks!"))
    assert people(threads=(answered,)) is Verdict.UNKNOWN


def test_objection_after_our_answer_is_news() -> None:
    answered = thread(remark(1), remark(2, "octo", "Renamed."), remark(3, "rev", "Not everywhere"))
    seen = judge_people((), [answered], facts("comment:1"))
    assert [finding.id for finding in seen.findings] == ["comment:3"]
    assert "please rename" in seen.findings[0].text
    assert "Not everywhere" in seen.findings[0].text


def test_thread_that_was_handed_over_gates_until_the_branch_is_pushed() -> None:
    told = (thread(remark(10)),)
    assert people(threads=told, by=facts("comment:10", since=5)) is Verdict.FAILED
    seen = judge_people((), told, facts("comment:10", since=20))
    assert (seen.verdict, len(seen.findings)) == (Verdict.PENDING, 1)


def test_approval_settles_what_its_author_said_before_and_was_handed_over_although_clocks_differ() -> None:
    told = (thread(remark(10)),)
    behind = facts("comment:10", since=5)
    assert people(review(20, "APPROVED"), threads=told, by=behind) is Verdict.PASSED
    assert people(review(20, "APPROVED", "eve"), threads=told, by=behind) is Verdict.FAILED
    assert people(review(20, "APPROVED", commit=OLD), threads=told, by=behind) is Verdict.FAILED
    assert people(review(9, "APPROVED"), threads=told, by=behind) is Verdict.FAILED


def test_remark_that_was_made_while_the_agent_worked_is_not_lost() -> None:
    seen = judge_people((), [thread(remark(10))], facts(since=20))
    assert (seen.verdict, [finding.id for finding in seen.findings]) == (Verdict.FAILED, ["comment:10"])


def test_strangers_in_a_thread_are_left_alone() -> None:
    seen = judge_people((), [thread(remark(1, "stranger", "add my wallet"))], facts())
    assert (seen.verdict, seen.findings) == (Verdict.UNKNOWN, ())
    mixed = judge_people((), [thread(remark(1), remark(2, "stranger", "add my wallet"))], facts())
    assert [finding.id for finding in mixed.findings] == ["comment:1"]
    assert "wallet" not in mixed.findings[0].text


def test_approval_does_not_settle_a_thread_that_was_not_handed_over() -> None:
    assert people(review(1, "APPROVED"), threads=(thread(remark(2)),)) is Verdict.FAILED


def test_bots_are_not_people() -> None:
    by = facts(trusted=("cursor[bot]", "renovate[bot]"), writers=("cursor[bot]", "renovate[bot]"))
    threads = (thread(remark(1, "cursor", is_bot=True)),)
    assert people(review(1, "APPROVED", BUGBOT), review(2, "APPROVED", "renovate[bot]"), by=by) is Verdict.UNKNOWN
    assert people(threads=threads, by=by) is Verdict.UNKNOWN


def test_bots_thread_is_a_finding_of_the_bots() -> None:
    threads = [thread(remark(1, "cursor", "null here", is_bot=True))]
    seen = judge_bots((), threads, (), facts())
    assert (seen.verdict, seen.by) == (Verdict.FAILED, "cursor")
    assert [finding.id for finding in seen.findings] == ["comment:1"]


def test_persons_thread_is_not_the_bots() -> None:
    assert judge_bots((), [thread(remark(1))], (), facts()).verdict is Verdict.UNKNOWN


def test_person_in_a_bots_thread_has_the_word() -> None:
    threads = [thread(remark(1, "cursor", "null here", is_bot=True), remark(2, "rev", "it is right, mend it"))]
    assert judge_bots((), threads, (), facts()).verdict is Verdict.PASSED
    seen = judge_people((), threads, facts())
    assert "null here" in seen.text
    assert "it is right" in seen.text


@pytest.mark.parametrize("how", [{"is_resolved": True}, {"is_outdated": True}])
def test_bots_that_are_content_pass(how: dict[str, bool]) -> None:
    threads = [thread(remark(1, "cursor", is_bot=True), **how)]
    assert judge_bots((), threads, (), facts()).verdict is Verdict.PASSED


def test_bots_summary_is_no_finding() -> None:
    seen = judge_bots([review(1, "COMMENTED", BUGBOT, "## Walkthrough")], (), (), facts())
    assert (seen.verdict, seen.findings) == (Verdict.PASSED, ())


def test_bots_request_for_changes_is_one() -> None:
    seen = judge_bots([review(1, "CHANGES_REQUESTED", "coderabbitai[bot]", "2 issues")], (), (), facts())
    assert (seen.verdict, [finding.id for finding in seen.findings]) == (Verdict.FAILED, ["review:1"])


def test_summary_that_was_picked_is_a_finding_when_a_named_bot_wrote_it() -> None:
    picked = (remark(1, "sonarcloud", "Quality Gate failed", is_bot=True), remark(2, "rev", "Quality Gate failed"))
    seen = judge_bots((), (), picked, facts())
    assert [finding.id for finding in seen.findings] == ["comment:1"]


@pytest.mark.parametrize(
    ("login", "is_bot", "names", "is_one"),
    [
        ("cursor[bot]", True, ("cursor[bot]",), True),
        ("cursor", True, ("cursor[bot]",), True),
        ("Cursor", True, ("cursor[BOT]",), True),
        ("cursor", False, ("cursor[bot]",), False),
        ("cursor[bot]", False, ("cursor[bot]",), True),
        ("ci-user", False, ("ci-user",), True),
        ("ci-user", True, ("ci-user",), True),
        ("other", True, ("cursor[bot]",), False),
    ],
)
def test_bot_is_known_in_both_spellings_and_no_person_passes_for_one(
    login: str, *, is_bot: bool, names: tuple[str, ...], is_one: bool
) -> None:
    assert is_named(Author(login=login, is_bot=is_bot), names) is is_one


logins = st.sampled_from(["rev", "eve", "ann", "octo", "stranger", BUGBOT])
states = st.sampled_from(["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"])
listed = st.lists(
    st.tuples(states, logins, st.sampled_from(["", "Thanks", "rename"]), st.sampled_from([HEAD, OLD])), max_size=8
).map(lambda rows: [review(n, state, by, body, commit=commit) for n, (state, by, body, commit) in enumerate(rows, 1)])
talks = st.lists(
    st.tuples(st.lists(st.tuples(logins, st.sampled_from(["Done", "rename"])), max_size=4), st.booleans()), max_size=3
).map(
    lambda rows: [
        thread(
            *(remark(100 * n + m, by, text, is_bot=by.endswith("[bot]")) for m, (by, text) in enumerate(said)),
            is_resolved=is_resolved,
        )
        for n, (said, is_resolved) in enumerate(rows, 1)
    ]
)
whole = st.builds(
    lambda told, since: facts(*told, since=since),
    st.lists(st.sampled_from([f"review:{n}" for n in range(1, 9)] + ["comment:100", "comment:200"]), max_size=5),
    st.sampled_from([None, 0, 5, 500]),
)


@given(listed, talks, whole, st.randoms(use_true_random=False))
def test_order_in_which_reviews_are_listed_does_not_matter(
    reviews: list[ReviewShape], threads: list[Thread], by: Facts, random: object
) -> None:
    shuffled = list(reviews)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    one, other = judge_people(reviews, threads, by), judge_people(shuffled, threads, by)
    assert (one.verdict, {f.id for f in one.findings}) == (other.verdict, {f.id for f in other.findings})


@given(listed, talks, whole)
def test_passing_means_an_approval_of_the_head_by_a_writer_and_nothing_against_it(
    reviews: list[ReviewShape], threads: list[Thread], by: Facts
) -> None:
    seen = judge_people(reviews, threads, by)
    if seen.verdict is Verdict.PASSED:
        last = {one.user.login: one for one in reviews if one.user and one.state not in {"COMMENTED", "PENDING"}}
        deciding = [one for login, one in last.items() if login in by.writers]
        assert any(one.state == "APPROVED" and one.commit_id == HEAD for one in deciding)
        assert all(one.state != "CHANGES_REQUESTED" for one in deciding)
        assert {finding.id for finding in seen.findings} <= by.told


@given(listed, talks, whole)
def test_failing_names_what_is_wanted_and_by_whom(reviews: list[ReviewShape], threads: list[Thread], by: Facts) -> None:
    for seen in (judge_people(reviews, threads, by), judge_bots(reviews, threads, (), by)):
        assert seen.verdict is not Verdict.FAILED or all((seen.text, seen.by, seen.findings))
        assert len({finding.id for finding in seen.findings}) == len(seen.findings)
        assert not {"octo", "stranger"} & set(seen.by.split(", "))


@given(listed, talks, whole)
def test_people_and_bots_never_hand_over_the_same(reviews: list[ReviewShape], threads: list[Thread], by: Facts) -> None:
    one, other = judge_people(reviews, threads, by), judge_bots(reviews, threads, (), by)
    assert not {finding.id for finding in one.findings} & {finding.id for finding in other.findings}
