"""A client from what is configured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from tinytown.domain.errors import ConfigError
from tinytown.forges.github.access import Access, token_access
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import PAUSES_SECS, GitHub
from tinytown.forges.github.conditional import Conditional
from tinytown.forges.github.installation import AppAccess
from tinytown.forges.github.quota import Quota
from tinytown.forges.github.session import Session
from tinytown.forges.github.transport import Transport
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.pool import ConnectionPool


class App(msgspec.Struct, frozen=True, kw_only=True):
    """A GitHub App: its id (or client id) and its private key."""

    id: str
    key_file: Path


def app_of(app_id: str | None, key_file: str | None, root: Path) -> App | None:
    """The App that is configured, None when none is.

    Args:
        app_id: `[forge] app_id`.
        key_file: `[forge] app_key_file`, relative to `root`; `~` is the home folder.
        root: the town's folder.

    Raises:
        ConfigError: one is set without the other.
    """
    if app_id is None and key_file is None:
        return None
    if app_id is None or key_file is None:
        raise ConfigError("[forge] app_id and app_key_file go together; set both, or none to use a token")
    return App(id=app_id, key_file=root / Path(key_file).expanduser())


def open_client(
    *,
    api_url: str,
    repository: Repository,
    environ: Mapping[str, str],
    app: App | None,
    connect: Callable[[], Connection] | None,
    town: Keys,
    clock: Callable[[], datetime],
    reserve: float = 0.1,
    interval_secs: float = 180.0,
    pauses_secs: tuple[float, ...] = PAUSES_SECS,
) -> GitHub:
    """A client for a repository's GitHub; nothing is opened or asked yet.

    Args:
        api_url: `[forge] api_url`.
        repository: whose installation an App uses.
        environ: where tokens are, and `gh` is found by its PATH.
        app: asks as this App; None: with a person's token.
        connect: to the store that shares quota and answers; None: nothing is shared.
        town: whose missions' requests are counted.
        clock: the time.
        reserve: `[forge] quota_reserve`.
        interval_secs: the usual time between looks.
        pauses_secs: before further tries of what only reads.
    """
    transport = Transport(api_url)
    access: Access = token_access(api_url, environ)
    if app is not None:
        access = AppAccess(transport, app_id=app.id, key_file=app.key_file, repository=repository, clock=clock)
    pool = None if connect is None else ConnectionPool(connect)
    quota = Quota(pool, town, reserve=reserve, interval_secs=interval_secs)
    return GitHub(Session(transport, access, quota, clock), Conditional(pool), pauses_secs=pauses_secs)
