"""The part of the composition root that is about GitHub: made when first asked for, once a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from tinytown.config import Settings
from tinytown.domain.errors import ConfigError, ForgeError
from tinytown.once import cached_property
from tinytown.repository.git import Git
from tinytown.repository.remote import Access, Remote
from tinytown.repository.upstream import Upstream
from tinytown.services.machine import STATE_FOLDER
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

if TYPE_CHECKING:
    from tinytown.forges.base import Forge
    from tinytown.forges.github.address import Repository
    from tinytown.forges.github.client import GitHub
    from tinytown.forges.github.identity import Identity
    from tinytown.forges.github.turns import Turns

log = structlog.get_logger("tinytown.github")

_LOOK_SECS = 15.0
"""How long git may speak with the remote while a mission's step waits for it: its lease is short."""
_RUN_SECS = 300.0
"""The same around a run, for which nobody waits."""


class GitHubParts:
    """What a town on GitHub is made of. Not thread-safe while parts are made; they themselves are."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        connect: Callable[[], Connection],
        keys: Keys,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._connect = connect
        self._keys = keys
        self._clock = clock

    @cached_property
    def repository(self) -> Repository:
        """The repository on GitHub. ConfigError when neither settings nor origin name one."""
        from tinytown.forges.github.address import origin_urls, repository_of  # only what is on GitHub needs it

        forge = self._settings.forge
        return repository_of(origin_urls(Git(self._settings.root)), forge.api_url, forge.repository)

    @cached_property
    def client(self) -> GitHub:
        """The one client of this process; nothing is asked before it is used."""
        from tinytown.forges.github.opening import app_of, open_client  # loads an HTTP client

        forge = self._settings.forge
        return open_client(
            api_url=forge.api_url,
            repository=self.repository,
            environ=self._environ,
            app=app_of(forge.app_id, forge.app_key_file, self._settings.root),
            connect=self._connect,
            town=self._keys,
            clock=self._clock,
            reserve=forge.quota_reserve,
            interval_secs=self._settings.mission.watch_interval_secs,
        )

    @cached_property
    def turns(self) -> Turns:
        """Who merges next."""
        from tinytown.forges.github.turns import Turns  # only merging needs it

        return Turns(self._connect, self._keys)

    @cached_property
    def identity(self) -> Identity:
        """Whether the repository is still the same."""
        from tinytown.forges.github.identity import Identity  # with an HTTP client
        from tinytown.store.pool import ConnectionPool

        pool, meant = ConnectionPool(self._connect), self._settings.forge.repository_id
        return Identity(self.repository, pool, self._keys, meant=meant, now=self._clock)

    @cached_property
    def forge(self) -> Forge:
        """GitHub as missions use it."""
        from tinytown.forges.github.forge import GitHubForge, Place  # dozens of modules
        from tinytown.forges.github.looks import Choices

        forge = self._settings.forge
        place = Place(
            repository=self.repository,
            remote=self._remote(_LOOK_SECS),
            state_folder=self._settings.root / STATE_FOLDER,
        )
        choices = Choices(
            default_branch=forge.default_branch,
            trusted=forge.trusted_authors,
            bots=forge.bots,
            bots_pattern=forge.bots_pattern,
            fail_on=forge.fail_on,
            flaky=forge.flaky,
            grace_secs=forge.no_checks_grace_secs,
            merge_method=forge.merge_method,
        )
        client = self.client.guarded_by(self.identity.check)
        return GitHubForge(client, place, choices, turn=self.turns.at, now=self._clock)

    @cached_property
    def upstream(self) -> Upstream:
        """Where worktrees start and their work is pushed to."""
        return Upstream(self._remote(_RUN_SECS), self._settings.root / STATE_FOLDER)

    @cached_property
    def git_hosts(self) -> tuple[str, ...]:
        """Where git reaches the repository over https, or would: GitHub's own host, and that of `origin`."""
        from tinytown.forges.github.address import https_hosts, origin_urls, web_host

        host = web_host(self._settings.forge.api_url)
        return tuple(dict.fromkeys((host, f"gist.{host}", *https_hosts(origin_urls(Git(self._settings.root))))))

    def close(self) -> None:
        """Close the connections of what was made."""
        for name in ("client", "turns", "identity"):
            if (part := self.__dict__.get(name)) is not None:
                part.close()

    def _remote(self, timeout_secs: float) -> Remote:
        from tinytown.forges.github.address import web_host

        access = Access(web_host(self._settings.forge.api_url), self._git_token)
        return Remote(Git(self._settings.root), access, timeout_secs=timeout_secs)

    def _git_token(self) -> str | None:
        """The token for git over https; without one, git has to have credentials of its own."""
        try:
            return self.client.token()
        except (ConfigError, ForgeError) as error:
            log.warning("git goes without a token", action="no_git_token", reason=error.message)
            return None
