"""The town's settings: frozen, read once, each value with its origin.

Later layers win: defaults, `~/.tt/config.toml`, the town's `tinytown.toml`, environment, flags. But a
person's `[townhall.auth]` is all there is of it in the files: the town's is passed over then.
"""

from __future__ import annotations

from tinytown.config.load import USER_FILE, load_settings
from tinytown.config.roots import TOWN_FILE, find_any_root, find_root, named_root
from tinytown.config.settings import (
    AgentSettings,
    Check,
    DispatcherSettings,
    ForgeSettings,
    LocalForgeSettings,
    RedisSettings,
    Settings,
    TownSettings,
    WorktreeSettings,
)

__all__ = [
    "TOWN_FILE",
    "USER_FILE",
    "AgentSettings",
    "Check",
    "DispatcherSettings",
    "ForgeSettings",
    "LocalForgeSettings",
    "RedisSettings",
    "Settings",
    "TownSettings",
    "WorktreeSettings",
    "find_any_root",
    "find_root",
    "load_settings",
    "named_root",
]
