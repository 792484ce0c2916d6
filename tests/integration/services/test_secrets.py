"""Secrets in what people and agents say are not stored, and so reach no event and no prompt."""

from __future__ import annotations

from functools import partial

from tests.integration.store.stores import NOW, Stores

from tinytown.runtime.redaction import MASK, redact
from tinytown.services.caller import Caller
from tinytown.services.messages import Messages
from tinytown.services.tasks import Tasks

KNOWN = "correct-horse"
LOOKS_LIKE_ONE = "ghp_" + "a1B2" * 9
TEXT = f"use {KNOWN} or {LOOKS_LIKE_ONE}"
MASKED = f"use {MASK} or {MASK}"

mask = partial(redact, secrets=(KNOWN,))


def test_secrets_in_messages_are_masked(town: Stores) -> None:
    ann = town.agent("ann")

    Messages(town.inbox, town.agents, Caller(), lambda: NOW, mask).send("ann", TEXT)

    assert [message.text for message in town.inbox.waiting(ann)] == [MASKED]
    assert KNOWN not in str(town.dump())


def test_secrets_in_tasks_and_reports_are_masked(town: Stores) -> None:
    town.agent("ann")
    tasks = Tasks(town.tasks, town.agents, town.inbox, Caller(), lambda: NOW, mask)

    done, failed = tasks.assign("ann", TEXT), tasks.assign("ann", TEXT)
    tasks.complete(done.id, TEXT)
    tasks.fail(failed.id, TEXT)

    assert (done.spec.title, done.spec.instructions) == (MASKED, MASKED)
    assert town.tasks.get(done.id).result == MASKED
    assert town.tasks.get(failed.id).reason == MASKED
    assert KNOWN not in str(town.dump())
