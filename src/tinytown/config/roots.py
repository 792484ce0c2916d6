"""Which folder is the town's: the one with tinytown.toml, from here upwards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tinytown.domain.errors import ConfigError

TOWN_FILE = "tinytown.toml"
TOWN_VARIABLE = "TINYTOWN_TOWN"
STATE_FOLDER = ".tt"


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
