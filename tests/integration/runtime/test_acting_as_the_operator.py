"""What an agent's `gh` and `git` find of the person who started the host."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.repository.remotes import with_origin
from tests.integration.runtime.hosted_town import HostedTown
from tests.repositories import commit, isolate, make_repository
from tests.waiting import wait_until

from tinytown.domain.task import TaskState
from tinytown.repository.git import Git
from tinytown.services.towns import init_town
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

LOOKING = """#!/bin/sh
env -0 > "$SEEN/environment"
for host in github.com gitlab.example; do
  printf 'protocol=https\\nhost=%s\\n\\n' $host | git credential fill > "$SEEN/$host" 2> "$SEEN/$host.err"
done
git config --get-urlmatch http.extraheader https://github.com/octo/town.git > "$SEEN/header"
ls -lad "$GH_CONFIG_DIR" > "$SEEN/folder"
ls -A "$GH_CONFIG_DIR" > "$SEEN/gh"
git commit --quiet --allow-empty -m Work
"""
HELPER = "!f() { test $1 = get && echo username=ada && echo password=operators; }; f"

Look = Callable[[str], dict[str, str]]
"""Has an agent look around in a town with these settings of [agent]: what it saw, by the name of what it looked at."""


@pytest.fixture
def seen(
    tmp_path: Path, redis_url: str, connection: Connection, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Look]:
    isolate(monkeypatch)
    found = tmp_path / "seen"
    found.mkdir()
    monkeypatch.setenv("SEEN", str(found))
    git = make_repository(tmp_path / "repo")
    with_origin(git)
    made: list[HostedTown] = []

    def look(agent: str) -> dict[str, str]:
        _town(git, keys, agent)
        _sign_in(git, tmp_path / "of-the-operator", monkeypatch)
        made.append(hosted := HostedTown(git.folder, redis_url))
        task = hosted.assign(hosted.spawn("backend", "looking"))
        hosted.start()
        wait_until(lambda: hosted.task(task).state is TaskState.COMPLETED, "the run is over")
        return {file.name: file.read_text() for file in found.iterdir()}

    yield look
    for hosted in made:
        hosted.stop()
        for opened in hosted.town.opened:
            opened.close()


def _town(git: Git, keys: Keys, agent: str) -> None:
    program = git.folder.parent / "looking"
    program.write_text(LOOKING)
    program.chmod(0o755)
    init_town(git.folder, keys.prefix.removeprefix("tt:"))
    name = keys.prefix.removeprefix("tt:")
    (git.folder / "tinytown.toml").write_text(
        f'[town]\nname = "{name}"\n[forge]\nkind = "github"\nrepository = "octo/town"\n[agent]\n{agent}\n'
        f'[agent_clis.looking]\ncommand = ["{program}"]\n'
    )
    commit(git, {})


def _sign_in(git: Git, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator has logged in everywhere."""
    folder.mkdir()
    (folder / "hosts.yml").write_text("github.com: {oauth_token: operators}\n")
    asking = folder / "askpass"
    asking.write_text("#!/bin/sh\necho operators\n")
    asking.chmod(0o755)
    for variable, value in (("GH_CONFIG_DIR", folder), ("GIT_ASKPASS", asking), ("GH_TOKEN", "operators")):
        monkeypatch.setenv(variable, str(value))
    git.run("config", "credential.helper", HELPER)
    git.run("config", "credential.https://github.com.helper", HELPER)
    git.run("config", "http.https://github.com/.extraheader", "Authorization: Basic operators")


def _variables(text: str) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in text.split("\0") if entry)


def test_without_forge_token_they_find_nothing_to_sign_in_to_the_forge_with(seen: Look) -> None:
    found = seen("")
    environ = _variables(found["environment"])
    assert found["github.com"] == ""
    assert "terminal prompts disabled" in found["github.com.err"]
    assert found["header"].strip() == ""
    assert found["gh"] == ""
    assert found["folder"].startswith("drwx------")
    assert not {"GH_TOKEN", "GITHUB_TOKEN"} & set(environ)
    assert environ["HOME"] == os.environ["HOME"]


def test_without_forge_token_git_still_signs_in_to_other_hosts(seen: Look) -> None:
    assert "password=operators" in seen("")["gitlab.example"]


def test_with_forge_token_they_act_as_the_operator(seen: Look, tmp_path: Path) -> None:
    found = seen("forge_token = true")
    environ = _variables(found["environment"])
    assert "password=operators" in found["github.com"]
    assert "Basic operators" in found["header"]
    assert "hosts.yml" in found["gh"]
    assert (environ["GH_TOKEN"], environ["GH_CONFIG_DIR"]) == ("operators", str(tmp_path / "of-the-operator"))
