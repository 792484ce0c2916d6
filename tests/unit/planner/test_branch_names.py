from __future__ import annotations

import pytest

from tinytown.domain.refs import DocRef, IssueRef, ObjectiveRef
from tinytown.planner.branch import branch_of, slugify

HOME = ("octo", "town")


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Design auth API", "design-auth-api"),
        ("  --Fix: the `x`/y..z.lock~^:?*[@{\\  ", "fix-the-x-y-z-lock"),
        ("Café crème", "cafe-creme"),
        ("Don't\N{RIGHT SINGLE QUOTATION MARK}s", "donts"),
        ("\N{CJK UNIFIED IDEOGRAPH-767B}", ""),
        ("", ""),
        ("a" * 50, "a" * 40),
        ("Implement the authentication endpoints for everyone", "implement-the-authentication-endpoints"),
        ("a" * 39 + " b", "a" * 39),
        ("a" * 38 + " b", "a" * 38 + "-b"),
    ],
)
def test_slug_is_short_plain_and_cut_at_a_word(text: str, slug: str) -> None:
    assert slugify(text) == slug


@pytest.mark.parametrize(
    ("ref", "title", "branch"),
    [
        (IssueRef("octo", "town", 2), "Implement auth", "tt/2-implement-auth"),
        (IssueRef("Octo", "TOWN", 2), "Implement auth", "tt/2-implement-auth"),
        (IssueRef("octo", "town", 2), "\N{CJK UNIFIED IDEOGRAPH-767B}", "tt/2"),
        (IssueRef("a", "My.Repo", 2), "Implement auth", "tt/my-repo-2-implement-auth"),
        (DocRef("docs/Auth Design.md"), "ignored", "tt/doc-auth-design"),
        (DocRef("docs\\notes"), "ignored", "tt/doc-notes"),
        (DocRef(".md"), "ignored", "tt/doc-md"),
        (DocRef("v1.2.md"), "ignored", "tt/doc-v1-2"),
    ],
)
def test_branch_names_its_objective(ref: ObjectiveRef, title: str, branch: str) -> None:
    assert branch_of(ref, title, HOME) == branch
