"""A check-up of a town: what keeps it from working, and what to do about it. Works when hardly anything else does."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from tinytown import __version__
from tinytown.config import TOWN_FILE, Settings
from tinytown.domain.agent import GONE
from tinytown.domain.errors import TinytownError
from tinytown.domain.finding import Finding, fine, problem, warning
from tinytown.runtime.cleanup import Cleaner
from tinytown.runtime.clis import Adapter
from tinytown.services.checkup import clis, folders, git, leftovers, server
from tinytown.services.machine import machine_id
from tinytown.services.webhook_secret import find_secret
from tinytown.store.agents import AgentStore
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.missions import MissionStore

SHORT_SECRET = 16


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What a town with readable settings is looked at by."""

    settings: Settings
    adapter: Callable[[str], Adapter]
    cleaner: Callable[[], Cleaner]
    forge: Callable[[], Iterable[Finding]]
    """What there is to say of the forge."""


class Doctor:
    """Looks at one town."""

    def __init__(
        self,
        root: Path,
        tools: Tools | TinytownError,
        *,
        environ: Mapping[str, str],
        clock: Callable[[], datetime],
        is_mending: bool,
    ) -> None:
        """Look at nothing yet.

        Args:
            root: the town's folder.
            tools: or why its settings cannot be used.
            environ: of this process.
            clock: the time.
            is_mending: whether what is safe to mend is mended.
        """
        self._root = root
        self._tools = tools
        self._environ = environ
        self._clock = clock
        self._is_mending = is_mending
        self._connection: Connection | None = None

    def examine(self) -> Iterator[Finding]:
        """Everything there is to say, as it is found."""
        try:
            for area, look in self._looks().items():
                yield from _guarded(area, look)
        finally:
            if self._connection is not None:
                self._connection.close()

    def _looks(self) -> dict[str, Callable[[], Iterable[Finding]]]:
        looks: dict[str, Callable[[], Iterable[Finding]]] = {"settings": self._settings}
        tools = self._tools if isinstance(self._tools, Tools) else None
        if tools is not None:
            looks |= {server.AREA: lambda: self._server(tools)}
        looks |= {git.AREA: lambda: git.look(self._root)}
        if tools is not None:
            looks |= {"forge": tools.forge, clis.AREA: lambda: self._clis(tools)}
        settings = None if tools is None else tools.settings
        return looks | {
            folders.AREA: lambda: folders.look(self._root, settings, is_mending=self._is_mending),
            leftovers.AREA: lambda: leftovers.look(self._root, is_mending=self._is_mending),
            "work": lambda: () if tools is None else self._work(tools),
        }

    def _settings(self) -> Iterator[Finding]:
        if not isinstance(self._tools, Tools):
            advice = f"correct {self._root / TOWN_FILE}; what depends on it was not looked at"
            yield problem("settings", self._tools.message, advice)
            return
        settings = self._tools.settings
        yield fine("settings", f"town {settings.town.name} in {self._root}, forge {settings.forge.kind}")
        yield fine("settings", f"tt {__version__}, Python {platform.python_version()}")
        if settings.forge.kind == "github":
            yield self._webhook(settings)

    def _webhook(self, settings: Settings) -> Finding:
        secret = find_secret(settings.forge, self._root, self._environ)
        if secret is None:
            return fine("settings", "no secret for webhooks: changes on GitHub are noticed by polling alone")
        if len(secret) < SHORT_SECRET:
            return warning("settings", "the secret for webhooks is short", "use that of `openssl rand -hex 32`")
        return fine("settings", "there is a secret for webhooks")

    def _server(self, tools: Tools) -> Iterator[Finding]:
        self._connection, finding = server.reach(self._root, tools.settings)
        yield finding
        if self._connection is not None:
            yield from server.look(self._connection, tools.settings, self._clock())

    def _clis(self, tools: Tools) -> Iterator[Finding]:
        agent = tools.settings.agent
        used = {agent.default_cli: "the default"}
        used |= {cli: f"role {role}" for role, cli in agent.roles.items() if cli not in used}
        if self._connection is not None and (self._root / ".tt").is_dir():
            keys, here = Keys.of(tools.settings.town.name), machine_id(self._root)
            living = [one.spec for one in AgentStore(self._connection, keys).all() if one.state not in GONE]
            used |= {spec.cli: f"agent {spec.name}" for spec in living if spec.machine == here and spec.cli not in used}
        return clis.look(used, tools.adapter, self._environ)

    def _work(self, tools: Tools) -> Iterator[Finding]:
        keys = Keys.of(tools.settings.town.name)
        missions = None if self._connection is None else MissionStore(self._connection, keys)
        return leftovers.look_at_work(tools.cleaner(), missions, is_mending=self._is_mending)


def _guarded(area: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What a look finds; what keeps it from looking is a finding as well."""
    try:
        yield from look()
    except TinytownError as error:
        yield problem(area, error.message, "mend that, then look again")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        yield problem(area, f"{place}{(error.strerror or str(error)).lower()}", "see to it, then look again")
