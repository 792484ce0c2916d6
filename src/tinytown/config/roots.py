"""Which folder is the town's: the one with tinytown.toml, from here upwards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tinytown.domain.errors import ConfigError

TOWN_FILE = "tinytown.toml"
TOWN_VARIABLE = "TINYTOWN_TOWN"
STATE_FOLDER = ".tt"
_MADE_FIRST = "machine"
"""A file in a town's `.tt`, and not in that of a home folder, which holds a person's settings."""


def find_root(start: Path, environ: Mapping[str, str]) -> Path:
    """The root of the town that `start` is in, absolute; TINYTOWN_TOWN names it regardless of `start`.

    Agents' worktrees lie under `.tt` and hold a copy of tinytown.toml: they belong to the town around them.

    Raises:
        ConfigError: there is no town.
    """
    if named := environ.get(TOWN_VARIABLE):
        root = Path(named).resolve()
        if not (root / TOWN_FILE).is_file():
            raise ConfigError(f"{TOWN_VARIABLE} is {named}, but there is no {TOWN_FILE}; unset it or correct it")
        return root
    here = start.resolve()
    for folder in (here, *here.parents):
        if STATE_FOLDER not in folder.parts and (folder / TOWN_FILE).is_file():
            return folder
    raise ConfigError("no town here: run `tt init` in the git repository that is to become one")


def find_any_root(start: Path, environ: Mapping[str, str], town: Path | None = None) -> Path:
    """The root of a town that `start` is in, or of the one in the folder `town`, even when its tinytown.toml is gone.

    Raises:
        ConfigError: there is no town.
    """
    try:
        return find_root(start, environ) if town is None else named_root(town)
    except ConfigError:
        named = town or (Path(found) if (found := environ.get(TOWN_VARIABLE)) else None)
        here = (named or start).resolve()
        for folder in (here,) if named else (here, *here.parents):
            if STATE_FOLDER not in folder.parts and (folder / STATE_FOLDER / _MADE_FIRST).is_file():
                return folder
        raise


def named_root(folder: Path) -> Path:
    """The root of the town in that folder, absolute.

    Raises:
        ConfigError: there is no such folder, or no town in it.
    """
    root = folder.resolve()
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise ConfigError(f"{root} {what}: --town takes the folder that {TOWN_FILE} is in")
    if not (root / TOWN_FILE).is_file():
        raise ConfigError(f"no {TOWN_FILE} in {root}: run `tt init` there")
    return root
