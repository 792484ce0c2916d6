"""What is configured reaches the looks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from tests.integration.forges.github_writing.writing import drafted
from tests.peers.actor import Actor
from tests.peers.github import GitHub
from tests.repositories import branch_with

from tinytown.bootstrap import Town
from tinytown.config import load_settings
from tinytown.domain.pull import Known
from tinytown.domain.workitem import Verdict
from tinytown.forges.base import Forge
from tinytown.repository.git import Git
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

Open = Callable[[str], Forge]


@pytest.fixture
def open_forge(
    github: GitHub, checkout: Git, redis_url: str, keys: Keys, connection: Connection
) -> Iterator[Callable[[str], Forge]]:
    """Makes the forge of a town with more settings."""
    opened: list[Town] = []
    environ = {"REDIS_URL": redis_url, "GITHUB_TOKEN": "tok-octo", "PATH": os.environ["PATH"]}

    def make(more: str) -> Forge:
        forge = f'[forge]\nkind = "github"\napi_url = "{github.url}"\nrepository = "octo/town"\n{more}\n'
        text = f'[town]\nname = "{keys.prefix.removeprefix("tt:")}"\n{forge}'
        (checkout.folder / "tinytown.toml").write_text(text)
        opened.append(Town(load_settings(checkout.folder, environ=environ), environ))
        return opened[-1].forge

    yield make
    for town in opened:
        town.github.close()
    for key in connection.execute("KEYS", "tt:github:*"):
        connection.execute("DEL", key)


@pytest.mark.parametrize(
    ("setting", "verdict"),
    [("", Verdict.PASSED), ('fail_on = "required"', Verdict.PASSED), ('fail_on = "all"', Verdict.FAILED)],
)
def test_which_failing_checks_count_is_configured(
    open_forge: Open, github: GitHub, checkout: Git, octo: Actor, setting: str, verdict: Verdict
) -> None:
    github.rules.require("main", "ci")
    forge = open_forge(setting)
    head = branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")
    pull = forge.open_pull(drafted(head))
    octo.check(head, "success")
    github.jobs.logs["spelling"] = "worng"
    octo.check(head, "failure", name="spelling")
    assert forge.checks(pull.url, Known(head=head, branch="tt/1", base="main")).verdict is verdict


def test_bots_summaries_count_where_a_pattern_says_so(
    open_forge: Open, checkout: Git, octo: Actor, actor: Callable[[str], Actor]
) -> None:
    quiet, strict = open_forge(""), open_forge('bots_pattern = "Gate failed|\\\\berrors?\\\\b"')
    head = branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")
    pull = quiet.open_pull(drafted(head))
    octo.comment(pull.number, "Quality Gate failed, says a person")
    known = Known(head=head, branch="tt/1", base="main")
    assert strict.comments(pull.url, known).verdict is Verdict.UNKNOWN
    actor("bot").comment(pull.number, "Quality Gate failed: 3 new issues")
    assert quiet.comments(pull.url, known).verdict is Verdict.UNKNOWN
    seen = strict.comments(pull.url, known)
    assert (seen.verdict, "3 new issues" in seen.text) == (Verdict.FAILED, True)
