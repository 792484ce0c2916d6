from __future__ import annotations

import msgspec
import pytest

from tinytown.domain.errors import InvalidInputError
from tinytown.domain.refs import DocRef, IssueRef, ObjectiveRef, parse_issue_ref

HOME = ("Acme", "shop")


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("23", IssueRef("Acme", "shop", 23)),
        (" #23 ", IssueRef("Acme", "shop", 23)),
        ("other/repo.x#5", IssueRef("other", "repo.x", 5)),
        ("https://github.com/other/repo/issues/5", IssueRef("other", "repo", 5)),
        ("https://ghe.example:8443/other/repo/pull/5#issuecomment-1", IssueRef("other", "repo", 5)),
        ("http://forge/other/repo/issues/5?x=1", IssueRef("other", "repo", 5)),
    ],
)
def test_issue_is_named_by_number_repository_or_url(text: str, ref: IssueRef) -> None:
    assert parse_issue_ref(text, HOME) == ref


@pytest.mark.parametrize(
    "text", ["", "0", "#0", "-1", "x", "#1x", "repo#5", "a/b/c#5", "-a/b#5", "https://github.com/a/b", "1" * 11, "٣"]
)
def test_anything_else_is_refused_with_the_ways_to_write_it(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is not an issue; write 23, #23, owner/repo#23 or the issue's URL"):
        parse_issue_ref(text, HOME)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://github.com/other/repo/issues/5", "github.com"),
        ("http://www.GitHub.com:80/other/repo/issues/5", "github.com"),
        ("https://redirect.github.com/other/repo/pull/5", "github.com"),
        ("https://ghe.example:8443/other/repo/pull/5", "ghe.example:8443"),
        ("http://127.0.0.1:41/other/repo/pull/5", "127.0.0.1:41"),
        ("other/repo#5", "github.com"),
        ("https://anything.example/other/repo/issues/5", ""),
    ],
)
def test_url_is_one_of_the_forges_own_host(url: str, host: str) -> None:
    assert parse_issue_ref(url, HOME, host) == IssueRef("other", "repo", 5)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://gitlab.com/other/repo/issues/5", "github.com"),
        ("https://github.com@evil.example/other/repo/issues/5", "github.com"),
        ("https://github.com.evil.example/other/repo/issues/5", "github.com"),
        ("https://ghe.example/other/repo/pull/5", "ghe.example:8443"),
    ],
)
def test_url_of_another_host_names_nothing_here(url: str, host: str) -> None:
    with pytest.raises(
        InvalidInputError, match=f"is not on {host}, where issues are here; write 23, #23, owner/repo#23"
    ):
        parse_issue_ref(url, HOME, host)


def test_same_number_in_two_repositories_is_two_issues() -> None:
    assert parse_issue_ref("a/x#5", HOME) != parse_issue_ref("a/y#5", HOME)


def test_issue_is_called_by_its_number_at_home_in_whatever_letter_case() -> None:
    assert IssueRef("acme", "SHOP", 5).label(HOME) == "#5"
    assert IssueRef("other", "shop", 5).label(HOME) == "other/shop#5"


def test_folded_reference_ignores_letter_case() -> None:
    assert IssueRef("Acme", "Shop", 5).folded == IssueRef("acme", "shop", 5)
    assert IssueRef("Acme", "Shop", 5).repository == ("Acme", "Shop")


def test_document_is_called_by_its_path() -> None:
    ref = DocRef("docs/plan.md")

    assert (str(ref), ref.label(HOME)) == ("docs/plan.md", "docs/plan.md")


@pytest.mark.parametrize("ref", [IssueRef("a", "b", 1), DocRef("docs/plan.md")])
def test_objective_comes_back_from_json_as_what_it_was(ref: ObjectiveRef) -> None:
    assert msgspec.json.decode(msgspec.json.encode(ref), type=ObjectiveRef) == ref
