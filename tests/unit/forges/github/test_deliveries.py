"""What a delivery is about: pull requests, head commits, branches, issues."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytown.domain.errors import InvalidInputError
from tinytown.domain.refs import IssueRef
from tinytown.forges.github.deliveries import Concern, concern_of

HOME = {"repository": {"html_url": "https://github.com/Octo/Town", "full_name": "Octo/Town"}}
URL = "https://github.com/octo/town"
SHA = "a" * 40


def concern(event: str, **payload: Any) -> Concern:
    return concern_of(event, msgspec.json.encode({**HOME, "sender": {"login": "octo"}, **payload}))


def suite(**fields: Any) -> dict[str, Any]:
    return {"head_sha": SHA, "head_branch": "tt/1", "pull_requests": [], "conclusion": "failure", **fields}


@pytest.mark.parametrize("event", ["check_suite", "workflow_run", "workflow_job"])
def test_runs_are_about_the_pulls_they_name_their_commit_and_its_branch(event: str) -> None:
    found = concern(event, action="completed", **{event: suite(pull_requests=[{"number": 7}, {"number": 7}])})

    assert found == Concern(repository=URL, pulls=(7,), heads=(SHA,), branches=("tt/1",))


def test_a_check_run_is_about_the_pulls_of_its_suite_too() -> None:
    run = {"head_sha": SHA, "pull_requests": [{"number": 7}], "check_suite": suite(pull_requests=[{"number": 8}])}

    found = concern("check_run", action="completed", check_run=run)

    assert found == Concern(repository=URL, pulls=(7, 8), heads=(SHA,), branches=("tt/1",))


def test_a_run_of_a_fork_is_about_its_commit_alone() -> None:
    found = concern("check_run", check_run={"head_sha": SHA, "pull_requests": [], "check_suite": {"head_branch": None}})

    assert found == Concern(repository=URL, heads=(SHA,))


def test_a_run_without_a_list_of_pulls_is_about_its_commit() -> None:
    found = concern("workflow_run", workflow_run=suite(pull_requests=None))

    assert found == Concern(repository=URL, heads=(SHA,), branches=("tt/1",))


def test_a_status_is_about_its_commit_and_the_branches_it_is_on() -> None:
    found = concern("status", sha=SHA, state="success", branches=[{"name": "tt/1"}, {"name": "main"}])

    assert found == Concern(repository=URL, heads=(SHA,), branches=("tt/1", "main"))


@pytest.mark.parametrize(
    "event",
    ["pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_review_thread"],
)
def test_what_happens_to_a_pull_is_about_it(event: str) -> None:
    assert concern(event, action="any", pull_request={"number": 7}) == Concern(repository=URL, pulls=(7,))


def test_a_comment_on_a_pull_is_about_it() -> None:
    issue = {"number": 7, "pull_request": {"url": "…"}}

    assert concern("issue_comment", action="created", issue=issue) == Concern(repository=URL, pulls=(7,))


def test_a_comment_on_an_issue_is_about_nothing() -> None:
    assert concern("issue_comment", action="created", issue={"number": 7}).is_empty


@pytest.mark.parametrize("event", ["push", "create", "delete"])
def test_a_branch_that_moves_comes_or_goes_is_meant(event: str) -> None:
    ref = "refs/heads/release/1.0" if event == "push" else "release/1.0"

    found = concern(event, ref=ref, ref_type="branch")

    assert found == Concern(repository=URL, branches=("release/1.0",), bases=("release/1.0",))


def test_a_pushed_tag_is_about_nothing() -> None:
    assert concern("push", ref="refs/tags/v1").is_empty


def test_a_group_of_the_merge_queue_is_about_its_base() -> None:
    group = {"base_ref": "refs/heads/main", "head_ref": "refs/heads/gh-readonly-queue/main/pr-7-abc"}

    assert concern("merge_group", action="destroyed", merge_group=group) == Concern(repository=URL, bases=("main",))


@pytest.mark.parametrize("action", ["closed", "reopened", "deleted", "transferred"])
def test_the_fate_of_an_issue_is_about_it(action: str) -> None:
    found = concern("issues", action=action, issue={"number": 5})

    assert found == Concern(repository=URL, issues=(IssueRef("Octo", "Town", 5),))


@pytest.mark.parametrize("action", ["opened", "labeled", "edited"])
def test_what_else_happens_to_an_issue_is_about_nothing(action: str) -> None:
    assert concern("issues", action=action, issue={"number": 5}).is_empty


@pytest.mark.parametrize("event", ["branch_protection_rule", "repository_ruleset"])
def test_new_rules_are_about_everything(event: str) -> None:
    assert concern(event, action="edited") == Concern(repository=URL, is_everything=True)


@pytest.mark.parametrize("event", ["ping", "star", "deployment", "installation", ""])
def test_other_events_are_about_nothing(event: str) -> None:
    assert concern(event, zen="Keep it logically awesome.").is_empty


def test_a_ping_of_an_organisation_names_no_repository() -> None:
    assert concern_of("ping", b'{"zen": "z", "hook_id": 1}').is_empty


@pytest.mark.parametrize("event", ["check_run", "push", "pull_request", "status", "issues"])
def test_a_payload_of_another_shape_is_about_everything(event: str) -> None:
    found = concern(event, action="closed", pull_request="?", check_run=1, ref=[], sha=None, issue={})

    assert found == Concern(repository=URL, is_everything=True)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"repository": 3}', b"[" * 100_000])
def test_what_is_no_delivery_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInputError, match="not the JSON of a GitHub delivery"):
        concern_of("push", body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("check_run", "check_suite", "pull_request", "issue", "ref", "sha", "branches", "action", "merge_group")


@given(
    event=st.sampled_from(["check_run", "check_suite", "push", "pull_request", "issues", "status", "merge_group"]),
    fields=st.dictionaries(st.sampled_from(NAMES), JSON),
)
def test_no_signed_payload_is_a_bug(event: str, fields: dict[str, Any]) -> None:
    assert concern(event, **fields).repository == URL
