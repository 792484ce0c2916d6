"""What is said to be ticked for a webhook is what deliveries are read of."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

from tinytown.forges.github.deliveries import READ
from tinytown.services.webhook_secret import EVENTS

LABELS = {
    "create": "branch or tag creation",
    "delete": "branch or tag deletion",
    "issues": "issues",
    "push": "pushes",
    "repository_ruleset": "repository rulesets",
    "status": "statuses",
}
"""How GitHub names them where they are ticked, as far as that is not the event's name with an s."""


def test_the_error_names_every_event_that_is_read() -> None:
    assert sorted(EVENTS.split(", ")) == sorted(LABELS.get(event, f"{event.replace('_', ' ')}s") for event in READ)


def test_the_page_names_the_same() -> None:
    page = " ".join((ROOT / "docs/github.md").read_text("utf-8").split())
    found = re.search(r"- Events: (.+?) The secret may be", page)
    assert found is not None
    assert found[1] == EVENTS
