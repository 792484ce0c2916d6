"""The part of the composition root that is about `tt doctor`: it works where no town can be opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tinytown.bootstrap import Town, utc_now
from tinytown.bootstrap_host import cleaner_of
from tinytown.config import find_any_root, load_settings
from tinytown.domain.errors import ConfigError, ForgeError, TinytownError
from tinytown.domain.finding import Finding, fine
from tinytown.repository.git import Git
from tinytown.services.checkup import git
from tinytown.services.doctor import Doctor, Tools

if TYPE_CHECKING:
    from tinytown.forges.github.client import GitHub
    from tinytown.repository.remote import Remote

_GIT_SECS = 20.0


def open_doctor(start: Path, environ: Mapping[str, str], town: Path | None, *, is_mending: bool) -> Doctor:
    """What looks at the town that `start` is in, or at the one in the folder `town`.

    Raises:
        ConfigError: there is no town.
    """
    root = find_any_root(start, environ, town)
    tools: Tools | TinytownError
    try:
        tools = _tools(Town(load_settings(root, environ=environ), environ))
    except ConfigError as error:
        tools = error
    return Doctor(root, tools, environ=environ, clock=utc_now, is_mending=is_mending)


def _tools(town: Town) -> Tools:
    forge = _github if town.is_on_github else _local
    return Tools(
        settings=town.settings, adapter=town.adapter, cleaner=lambda: cleaner_of(town), forge=lambda: forge(town)
    )


def _local(town: Town) -> Iterator[Finding]:
    forge = town.settings.forge
    yield git.look_at_base(town.root, forge.default_branch)
    folder = town.root / forge.local.issues_dir
    count = len(list(folder.glob("*.md"))) if folder.is_dir() else 0
    yield fine("forge", f"the local forge: {count} issue files in {folder}, {len(forge.local.checks)} checks")


def _github(town: Town) -> Iterator[Finding]:
    """GitHub is asked by a client that shares nothing: the store may be away, and a refused token is to be tried."""
    from tinytown.forges.github.access import Access, token_access  # with an HTTP client; not for local towns
    from tinytown.forges.github.client import GitHub
    from tinytown.forges.github.conditional import Conditional
    from tinytown.forges.github.health import Subject, examine
    from tinytown.forges.github.installation import AppAccess
    from tinytown.forges.github.opening import app_of
    from tinytown.forges.github.quota import Quota
    from tinytown.forges.github.session import Session
    from tinytown.forges.github.transport import Transport

    forge, repository = town.settings.forge, town.github.repository
    transport = Transport(forge.api_url)
    app = app_of(forge.app_id, forge.app_key_file, town.root)
    access: Access = token_access(forge.api_url, town.environ)
    if app is not None:
        access = AppAccess(transport, app_id=app.id, key_file=app.key_file, repository=repository, clock=town.clock)
    client = GitHub(Session(transport, access, Quota(None, town.keys), town.clock), Conditional(None))
    subject = Subject(
        api_url=forge.api_url,
        repository=repository,
        environ=town.environ,
        base=forge.default_branch,
        merge_method=forge.merge_method,
    )
    try:
        yield from examine(client, access, subject, town.clock)
        yield from git.look_at_remote(_remote(town, client), forge.default_branch or "main")
    finally:
        client.close()


def _remote(town: Town, client: GitHub) -> Remote:
    """The remote as missions use it: with the token, where that is for its host."""
    from tinytown.forges.github.address import web_host  # as above
    from tinytown.repository.remote import Access, Remote

    def token() -> str | None:
        with suppress(ForgeError):  # it has been told
            return client.token()
        return None

    return Remote(Git(town.root), Access(web_host(town.settings.forge.api_url), token), timeout_secs=_GIT_SECS)
