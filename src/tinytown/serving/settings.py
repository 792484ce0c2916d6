"""The server's settings as they are now, as far as a server that runs can take new ones."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import msgspec
import structlog

from tinytown.config import Settings
from tinytown.config.townhall import TownhallSettings

log = structlog.get_logger("tinytown.townhall")


class LiveTownhall:
    """Thread-safe. Where it listens, and with what certificates, stays as it was at the start.

    Authentication is not turned off meanwhile: a proxy may let others reach a loopback address, and a table that is
    missing, as in a file that is being written or a branch without it, must not open what was closed.

    Args:
        started: the settings of the start.
        now: the town's settings as its files say now; the same object for as long as nothing changed.
    """

    def __init__(self, started: TownhallSettings, now: Callable[[], Settings]) -> None:
        self._now = now
        self._lock = Lock()
        self._read: Settings | None = None
        self._taken = started

    def __call__(self) -> TownhallSettings:
        """The settings that count."""
        read = self._now()
        with self._lock:
            if read is not self._read:
                self._read = read
                self._take(read.townhall)
            return self._taken

    def _take(self, found: TownhallSettings) -> None:
        if found.auth.mode == "none" and self._taken.auth.mode != "none":
            log.warning(
                "authentication is not turned off while the server runs",
                action="settings_kept",
                advice="to do without it, start townhall anew",
            )
            found = msgspec.structs.replace(found, auth=self._taken.auth)
        old = self._taken
        self._taken = msgspec.structs.replace(found, bind=old.bind, rest_port=old.rest_port, tls=old.tls, mtls=old.mtls)
