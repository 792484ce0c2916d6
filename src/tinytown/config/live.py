"""Settings for a process that lives long: read anew when a file says something else, the old ones while it is broken."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec
import structlog

from tinytown.config.load import USER_FILE, load_settings
from tinytown.config.roots import TOWN_FILE
from tinytown.config.settings import Settings
from tinytown.domain.errors import ConfigError

log = structlog.get_logger("tinytown.settings")

_FIXED = ("town", "redis")
"""Tables that a process keeps: its connections and keys depend on them."""

_Seen: TypeAlias = tuple[tuple[int, int, int] | None, ...]


class LiveSettings:
    """A town's settings as its files say now. Thread-safe."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        home = environ.get("HOME")
        self._files = (settings.root / TOWN_FILE, *((Path(home) / USER_FILE,) if home else ()))
        self._seen: _Seen | None = None
        """None: not looked at yet; the files may have changed since the settings were read."""
        self._lock = threading.Lock()

    def now(self) -> Settings:
        """The settings; the same object for as long as nothing changed."""
        with self._lock:
            seen = tuple(_seen(file) for file in self._files)
            if seen != self._seen:
                self._seen = seen
                self._read()
            return self._settings

    def _read(self) -> None:
        try:
            found = load_settings(self._settings.root, environ=self._environ)
        except ConfigError as error:
            log.warning("settings not taken, the old ones are kept", action="settings_broken", reason=error.message)
            return
        changed = [name for name in _tables() if getattr(found, name) != getattr(self._settings, name)]
        kept = [name for name in changed if name in _FIXED]
        if kept:
            advice = "to take them: tt stop; what is needed is started again"
            log.warning("settings need a restart", action="settings_kept", tables=kept, advice=advice)
        if len(changed) > len(kept):
            taken = [name for name in changed if name not in _FIXED]
            log.info("new settings taken", action="settings_taken", tables=taken)
            fixed = {name: getattr(self._settings, name) for name in _FIXED}
            self._settings = msgspec.structs.replace(found, **fixed)


def _tables() -> tuple[str, ...]:
    return tuple(name for name in Settings.__struct_fields__ if name not in {"root", "origins"})


def _seen(file: Path) -> tuple[int, int, int] | None:
    """What changes when a file is written: by any editor, be it in place or by a new file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
