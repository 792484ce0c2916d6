"""Secrets stay out of what a run is told and of what is stored of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.runtime.hosted_town import HostedTown
from tests.repositories import commit, isolate, make_repository
from tests.waiting import wait_until

from tinytown.domain.task import TaskState
from tinytown.runtime.redaction import MASK
from tinytown.services.towns import init_town
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

SECRET = "correct-horse"
SETTINGS = """
[agent_clis.telling]
command = ["sh", "-c", "cat > heard; echo '{\\"result\\": \\"it is \\\\u0063orrect-horse\\"}'"]
output = "jsonl"
[agent_clis.failing]
command = ["sh", "-c", "echo '{\\"error\\": \\"it is \\\\u0063orrect-horse\\"}'; exit 1"]
output = "jsonl"
[agent]
max_nudges = 0
"""


@pytest.fixture
def hosted(
    tmp_path: Path, redis_url: str, connection: Connection, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HostedTown]:
    """A town with a secret in its environment, and agents that tell it in disguise."""
    isolate(monkeypatch)
    monkeypatch.setenv("SHOP_TOKEN", SECRET)
    git = make_repository(tmp_path / "repo")
    init_town(git.folder, keys.prefix.removeprefix("tt:"))
    file = git.folder / "tinytown.toml"
    file.write_text(file.read_text().replace("[agent]\n", "") + SETTINGS)
    commit(git, {})
    made = HostedTown(git.folder, redis_url)
    yield made
    made.stop()
    assert connection.execute("SMEMBERS", keys("hosts")) == []
    for opened in made.town.opened:
        opened.close()


def test_prompt_has_no_secrets_in_its_file_and_when_it_is_read(hosted: HostedTown) -> None:
    task = hosted.assign(hosted.spawn("backend", "telling"), instructions=f"log in with {SECRET}")

    hosted.start()

    wait_until(lambda: hosted.task(task).state is TaskState.FAILED, "the run is over")
    prompts = [file.read_text() for file in (hosted.town.state / "runs").glob("*.prompt.md")]
    heard = [file.read_text() for file in (hosted.town.state / "worktrees").glob("*/heard")]
    assert heard == prompts
    assert len(prompts) == 1
    assert f"log in with {MASK}" in prompts[0]
    assert SECRET not in prompts[0]


def test_words_of_a_cli_are_stored_without_secrets(hosted: HostedTown) -> None:
    task = hosted.assign(hosted.spawn("backend", "failing"))

    hosted.start()

    wait_until(lambda: hosted.task(task).state is TaskState.FAILED, "the run is over")
    assert f"(it is {MASK})" in hosted.task(task).reason


def test_prompt_is_for_its_owner_alone(hosted: HostedTown) -> None:
    before = os.umask(0o022)
    try:
        task = hosted.assign(hosted.spawn("backend", "telling"))
        hosted.start()
        wait_until(lambda: hosted.task(task).state is TaskState.FAILED, "the run is over")
    finally:
        os.umask(before)

    (prompt,) = (hosted.town.state / "runs").glob("*.prompt.md")
    assert (prompt.stat().st_mode & 0o777, prompt.parent.stat().st_mode & 0o777) == (0o600, 0o700)
