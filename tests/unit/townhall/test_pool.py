"""Towns that are lent."""

from __future__ import annotations

from pathlib import Path

from tinytown.bootstrap import Town
from tinytown.config import load_settings
from tinytown.townhall.pool import TownPool


class ClosableTown(Town):
    """A town that tells whether it was closed."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True


def pool_of(folder: Path, version: list[int]) -> TownPool:
    (folder / "tinytown.toml").write_text('[town]\nname = "shop"\n', encoding="utf-8")
    settings = load_settings(folder, environ={})
    return TownPool(lambda: ClosableTown(settings, {}), version=lambda: version[0])


def was_closed(town: Town) -> bool:
    return isinstance(town, ClosableTown) and town.is_closed


def test_a_town_that_comes_back_is_lent_again(tmp_path: Path) -> None:
    pool = pool_of(tmp_path, [1])
    with pool.lend() as first:
        pass
    with pool.lend() as second, pool.lend() as third:
        assert second is first
        assert third is not first


def test_a_town_of_other_settings_is_closed_and_lent_no_more(tmp_path: Path) -> None:
    version = [1]
    pool = pool_of(tmp_path, version)
    with pool.lend() as first:
        pass
    version[0] = 2
    with pool.lend() as second:
        assert second is not first
        assert was_closed(first)


def test_a_town_that_comes_back_when_the_pool_is_closed_is_closed(tmp_path: Path) -> None:
    pool = pool_of(tmp_path, [1])
    with pool.lend() as late:
        with pool.lend() as early:
            pass
        pool.close()
        assert (was_closed(early), was_closed(late)) == (True, False)
    assert was_closed(late)
