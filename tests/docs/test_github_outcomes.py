"""What docs/github.md says of failures is what the tests of them have seen."""

from __future__ import annotations

from tests.docs.pages import ROOT
from tests.integration.forges.github_failures.outcomes import page


def test_page_says_what_becomes_of_each_trouble_with_github() -> None:
    assert page() in (ROOT / "docs" / "github.md").read_text(), f"put this into docs/github.md:\n{page()}"
