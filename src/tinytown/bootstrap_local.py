"""The part of the composition root that is about the local forge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tinytown.config import ForgeSettings
from tinytown.services.machine import STATE_FOLDER
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

if TYPE_CHECKING:
    import threading

    from tinytown.forges.base import Forge
    from tinytown.forges.local.checks import CheckRunner
    from tinytown.store.checks import CheckStore
    from tinytown.store.hosts import HostLease


class LocalParts:
    """What a town whose repository is its own forge is made of."""

    def __init__(
        self, root: Path, keys: Keys, clock: Callable[[], datetime], settings: Callable[[], ForgeSettings]
    ) -> None:
        """Args: settings are the forge's as they are now."""
        self._root = root
        self._keys = keys
        self._clock = clock
        self._settings = settings

    def forge(self, connection: Connection) -> Forge:
        """The forge, for one thread."""
        from tinytown.forges.local.forge import LocalForge  # reads YAML; only missions need it
        from tinytown.store.checks import CheckStore
        from tinytown.store.pulls import PullStore

        forge = self._settings()
        return LocalForge(
            root=self._root,
            name=self._root.name,
            pulls=PullStore(connection, self._keys),
            checks=CheckStore(connection, self._keys),
            now=self._clock,
            has_checks=lambda: bool(self._settings().local.checks),
            base=forge.default_branch,
            issues_folder=forge.local.issues_dir,
        )

    def queued_checks(self, connection: Connection) -> int:
        """How many checks wait for a host."""
        from tinytown.store.checks import CheckStore

        return CheckStore(connection, self._keys).queued()

    def do_check(
        self, connect: Callable[[], Connection], redact: Callable[[str], str]
    ) -> Callable[[HostLease, threading.Event], bool]:
        """Claims and runs one check; made for the one thread that calls it."""
        from tinytown.forges.local.checking import Checking
        from tinytown.store.checks import CheckStore

        begun: list[CheckStore] = []

        def do_check(lease: HostLease, stop: threading.Event) -> bool:
            runner = self._runner(redact)
            if not begun:
                runner.sweep()  # what a check left behind when its host was killed
                begun.append(CheckStore(connect(), self._keys))
            return Checking(begun[0], runner, self._clock).turn(lease.host_id, stop)

        return do_check

    def _runner(self, redact: Callable[[str], str]) -> CheckRunner:
        """The checks as they are configured now: who mends one does not want the old one run again."""
        from tinytown.forges.local.checks import CheckCommand, CheckRunner
        from tinytown.repository.git import Git
        from tinytown.runtime.environment import is_secret

        local = self._settings().local
        commands = tuple(
            CheckCommand(name=c.name, argv=c.argv, timeout_secs=c.timeout_secs or local.check_timeout_secs)
            for c in local.checks
        )
        return CheckRunner(Git(self._root), self._root / STATE_FOLDER, commands, is_hidden=is_secret, redact=redact)
