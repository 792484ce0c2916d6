"""The Redis server that holds the town: there, of a version that will do, taking writes, with the right time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tinytown.config import Settings
from tinytown.domain.errors import StoreUnavailableError, TinytownError
from tinytown.domain.finding import Finding, fine, problem, warning
from tinytown.store.address import redacted
from tinytown.store.connection import Connection, connect
from tinytown.store.keys import Keys
from tinytown.store.schema import check_schema
from tinytown.store.server import server_pid, server_url

AREA = "server"
LEAST_VERSION = (7, 0)
SKEW_SECS = 5.0
_PATIENCE_SECS = 3.0
_PROBE_MS = 5_000


def reach(root: Path, settings: Settings) -> tuple[Connection | None, Finding]:
    """A connection to the town's server when it answers, without starting it; and how that went."""
    url = settings.redis.url
    shown = redacted(url) if url is not None else "the town's own server"
    try:
        return connect(url or server_url(root), timeout_secs=_PATIENCE_SECS), fine(AREA, f"{shown} answers")
    except StoreUnavailableError as error:
        if url is None and server_pid(root) is None:
            return None, _startable(root)
        advice = (
            "start it there, or correct REDIS_URL" if url is not None else "tt stop; the next command starts it anew"
        )
        return None, problem(AREA, error.message, advice)
    except TinytownError as error:
        return None, problem(AREA, error.message, "correct REDIS_URL or [redis] url")


def look(connection: Connection, settings: Settings, now: datetime) -> Iterator[Finding]:
    """A server that answers."""
    said = _info(connection)
    yield _version(said)
    yield from _writes(connection, Keys.of(settings.town.name), said)
    yield from _keeping(said, is_ours=settings.redis.url is None)
    secs, micros = (int(part) for part in connection.execute("TIME"))
    off = abs((datetime.fromtimestamp(secs + micros / 1e6, UTC) - now).total_seconds())
    if off > SKEW_SECS:
        yield warning(
            AREA, f"its clock is {off:.0f} s off this machine's", "set both by NTP: leases and waits go by it"
        )


def _startable(root: Path) -> Finding:
    from tinytown.store.server_binary import find_binary  # not for a server that answers

    try:
        find_binary()
    except TinytownError as error:
        return problem(AREA, error.message, "install valkey or redis 7 or newer, or set REDIS_URL")
    return fine(AREA, f"the town's own server does not run; the next command in {root} starts it")


def _info(connection: Connection) -> Mapping[str, str]:
    lines = connection.execute("INFO").decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _version(said: Mapping[str, str]) -> Finding:
    name, text = (
        ("Valkey", said["valkey_version"]) if "valkey_version" in said else ("Redis", said.get("redis_version", ""))
    )
    with suppress(ValueError):
        if tuple(int(part) for part in text.split(".")[:2]) >= LEAST_VERSION:
            return fine(AREA, f"{name} {text}")
    return problem(AREA, f"{name} {text or 'of an unknown version'} is too old", "use valkey or redis 7 or newer")


def _writes(connection: Connection, keys: Keys, said: Mapping[str, str]) -> Iterator[Finding]:
    if said.get("role") == "slave":
        yield problem(AREA, "it is a replica, which takes no writes", "use the URL of its primary")
        return
    try:
        check_schema(connection, keys)
        connection.execute("SET", keys("doctor"), "1", "PX", _PROBE_MS)
        connection.execute("DEL", keys("doctor"))
    except TinytownError as error:
        yield problem(AREA, error.message, "see docs/troubleshooting.md")
        return
    yield fine(AREA, "it takes writes")


def _keeping(said: Mapping[str, str], *, is_ours: bool) -> Iterator[Finding]:
    """Whether it forgets nothing."""
    if said.get("aof_last_write_status", "ok") != "ok":
        yield problem(AREA, "its last write to disk failed", "free some space there")
    if is_ours:
        return
    if said.get("maxmemory_policy", "noeviction") != "noeviction":
        policy = said["maxmemory_policy"]
        yield problem(AREA, f"it may throw keys away (maxmemory-policy {policy})", "set maxmemory-policy noeviction")
    if said.get("aof_enabled") == "0":
        yield warning(AREA, "it keeps no append-only file: a crash loses what happened last", "set appendonly yes")
