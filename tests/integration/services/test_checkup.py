"""Parts of a check-up that need a certain server or certain worktrees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.integration.store.stores import Stores, make_item
from tests.repositories import commit, isolate, make_repository

from tinytown.config import RedisSettings, Settings, TownSettings
from tinytown.domain.finding import Finding, Health
from tinytown.domain.workitem import PullState, WorkStatus
from tinytown.repository.worktree import Worktrees
from tinytown.runtime.cleanup import Cleaner
from tinytown.services.checkup import git, leftovers, server
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys


def bad(found: Iterator[Finding]) -> list[tuple[Health, str]]:
    return [(one.health, one.text) for one in found if one.health is not Health.OK]


@pytest.fixture
def settings(redis_url: str, keys: Keys, tmp_path: Path) -> Settings:
    """Of a town whose data is in the tests' server, as one of its own would not be."""
    name = keys.prefix.removeprefix("tt:")
    return Settings(root=tmp_path, origins={}, town=TownSettings(name=name), redis=RedisSettings(url=redis_url))


@pytest.fixture
def configured(connection: Connection) -> Iterator[Connection]:
    """A connection whose server gets its settings back."""
    names = ("maxmemory-policy", "min-replicas-to-write")
    before = {name: connection.execute("CONFIG", "GET", name)[1] for name in names}
    yield connection
    for name, value in before.items():
        connection.execute("CONFIG", "SET", name, value)


def test_a_server_that_answers_is_looked_at(settings: Settings, connection: Connection, keys: Keys) -> None:
    found = list(server.look(connection, settings, datetime.now(UTC)))

    assert bad(iter(found)) == []
    assert "it takes writes" in [one.text for one in found]
    assert connection.execute("EXISTS", keys("doctor")) == 0


def test_a_server_that_may_forget_is_a_problem(settings: Settings, configured: Connection) -> None:
    configured.execute("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")

    text = "it may throw keys away (maxmemory-policy allkeys-lru)"
    assert bad(server.look(configured, settings, datetime.now(UTC))) == [(Health.PROBLEM, text)]


def test_a_server_that_takes_no_writes_is_a_problem(settings: Settings, configured: Connection) -> None:
    configured.execute("CONFIG", "SET", "min-replicas-to-write", "3")

    ((health, text),) = bad(server.look(configured, settings, datetime.now(UTC)))

    assert health is Health.PROBLEM
    assert "NOREPLICAS" in text


def test_a_town_of_another_layout_is_a_problem(settings: Settings, connection: Connection, keys: Keys) -> None:
    connection.execute("SET", keys("schema"), "999")

    ((health, text),) = bad(server.look(connection, settings, datetime.now(UTC)))

    assert (health, text[:34]) == (Health.PROBLEM, "the town's data has layout 999, th")


def test_a_server_whose_clock_is_off_is_told(settings: Settings, connection: Connection) -> None:
    ahead = datetime.now(UTC) + timedelta(minutes=2)

    ((health, text),) = bad(server.look(connection, settings, ahead))

    assert health is Health.WARNING
    assert text.startswith("its clock is 1")


def test_worktrees_of_merged_work_go_and_what_holds_more_is_kept(
    town: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch)
    root = make_repository(tmp_path / "shop").folder
    worktrees = Worktrees(root, root / ".tt" / "worktrees")
    cleaner = Cleaner(worktrees, root / ".tt" / "runs", root / ".tt" / "logs")
    pull = PullState(number=1, url="u", head="a" * 40, merged_as="b" * 40)
    items = [make_item(f"0000000{n}-item", status=WorkStatus.DONE, branch=f"tt/{n}", pull=pull) for n in (1, 2)]
    items.append(make_item("00000003-item", branch="tt/3"))
    town.mission(*items)
    for item in items:
        worktrees.prepare(item.id, branch=item.branch, base="main", owner=item.id)
    (worktrees.folder / items[1].id / "notes.txt").write_text("not merged\n")

    told = bad(leftovers.look_at_work(cleaner, town.missions, is_mending=False))
    assert told == [(Health.WARNING, "2 items are merged, and have worktrees still")]
    assert len(cleaner.owners()) == 3

    found = list(leftovers.look_at_work(cleaner, town.missions, is_mending=True))
    assert [one.mended for one in found if one.mended] == ["removed 1"]
    assert bad(iter(found)) == [(Health.WARNING, "1 worktrees of merged work hold more than was merged")]
    assert cleaner.owners() == {items[1].id, items[2].id}

    assert list(leftovers.look_at_work(cleaner, None, is_mending=True)) == []


def test_the_base_that_is_not_there_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch)
    repository = make_repository(tmp_path / "shop")

    assert git.look_at_base(repository.folder, None).text == "pull requests go into main"
    assert git.look_at_base(repository.folder, "trunk").text == "there is no branch trunk"


def test_a_shallow_clone_and_an_author_without_a_name_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch)
    repository = make_repository(tmp_path / "shop")
    commit(repository, {"more.txt": "1\n"})
    clone = tmp_path / "clone"
    repository.run("clone", "--quiet", "--depth", "1", f"file://{repository.folder}", str(clone))
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{name}_NAME")
        monkeypatch.delenv(f"GIT_{name}_EMAIL")

    told = [text for _, text in bad(git.look(clone))]

    assert any("shallow clone" in text for text in told)
    assert "nobody is named as author: commits are made as Tinytown <tinytown@localhost>" in told
