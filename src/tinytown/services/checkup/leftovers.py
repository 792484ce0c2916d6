"""What crashes and finished work leave on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from tinytown.domain.errors import TinytownError
from tinytown.domain.finding import Finding, fine, warning
from tinytown.repository.checkout import checkouts
from tinytown.repository.git import Git
from tinytown.repository.lock import is_free
from tinytown.repository.stale_lock import remove_stale
from tinytown.repository.worktree_folder import discard
from tinytown.runtime.cleanup import Cleaner
from tinytown.runtime.launcher import is_host_running
from tinytown.runtime.orphans import find_orphans
from tinytown.runtime.run_records import RunRecords
from tinytown.runtime.survivors import Survivors
from tinytown.services.machine import STATE_FOLDER
from tinytown.services.presence import DISPATCHERS, Presence
from tinytown.services.shutdown import stop_leftovers
from tinytown.store.missions import MissionStore
from tinytown.store.server import server_data

AREA = "leftovers"
LOCK_SECS = 10.0
"""A lock of git's that is younger may be somebody's at work."""
_FIX = "tt doctor --fix"
_LOCKS = ("index.lock", "HEAD.lock", "config.lock", "packed-refs.lock", "refs/heads/**/*.lock")


def look(root: Path, *, is_mending: bool) -> Iterator[Finding]:
    """What can be found by the town's folder alone."""
    state = root / STATE_FOLDER
    found = [
        *_socket(root, is_mending=is_mending),
        *_locks(root, is_mending=is_mending),
        *_gone(root, is_mending=is_mending),
        *(_processes(root, is_mending=is_mending) if state.is_dir() else ()),
    ]
    yield from found or (fine(AREA, "nothing is left of crashes"),)


def look_at_work(cleaner: Cleaner, missions: MissionStore | None, *, is_mending: bool) -> Iterator[Finding]:
    """Worktrees of work that is merged, old prompts and large logs."""
    merged = [i for i in missions.find_items(cleaner.owners()) if i.is_merged] if missions is not None else []
    if merged and is_mending:
        for item in merged:
            cleaner.finished(item)
        kept = cleaner.owners() & {item.id for item in merged}
        gone = len(merged) - len(kept)
        if gone:
            yield fine(AREA, "worktrees of merged work are gone", mended=f"removed {gone}")
        if kept:
            yield warning(
                AREA, f"{len(kept)} worktrees of merged work hold more than was merged", "see git worktree list"
            )
    elif merged:
        yield warning(AREA, f"{len(merged)} items are merged, and have worktrees still", _FIX)
    if (old := cleaner.count_old()) and is_mending:
        cleaner.old_files()
        yield fine(AREA, "old prompts and large logs are cleared away", mended=f"removed or put aside {old}")
    elif old:
        yield warning(AREA, f"{old} prompts of long ago or large logs", _FIX)


def _socket(root: Path, *, is_mending: bool) -> Iterator[Finding]:
    socket = root / STATE_FOLDER / "redis.sock"
    running = server_data(root) / "running.lock"
    if not socket.is_socket() or (running.exists() and not is_free(running)):
        return
    if is_mending:
        socket.unlink(missing_ok=True)
        yield fine(AREA, "no socket of a dead server", mended=f"removed {socket}")
    else:
        yield warning(AREA, f"{socket} is of a server that is dead", _FIX)


def _locks(root: Path, *, is_mending: bool) -> Iterator[Finding]:
    git = Git(root, timeout_secs=20)
    try:
        trees = [found.path for found in checkouts(git) if found.is_there]
        folders = {Path(git.at(tree).line("rev-parse", "--path-format=absolute", "--git-dir")) for tree in trees}
    except TinytownError:
        return  # the look at git says why
    for lock in sorted({file for folder in folders for pattern in _LOCKS for file in folder.glob(pattern)}):
        if time.time() - _made(lock) < LOCK_SECS:
            continue
        if is_mending and remove_stale(lock, trees):
            yield fine(AREA, "no lock that a killed git left", mended=f"removed {lock}")
        else:
            advice = "end the git that has it" if is_mending else f"{_FIX}, when no git works there"
            yield warning(AREA, f"git's lock {lock} keeps every other git waiting", advice)


def _made(lock: Path) -> float:
    try:
        return lock.stat().st_mtime
    except OSError:
        return time.time()  # it is gone


def _gone(root: Path, *, is_mending: bool) -> Iterator[Finding]:
    """Worktrees of ours that git still lists, and whose folder is gone."""
    git = Git(root, timeout_secs=20)
    try:
        found = [one.path for one in checkouts(git) if STATE_FOLDER in one.path.parts and not one.path.exists()]
    except TinytownError:
        return
    if found and is_mending:
        for path in found:
            discard(git, path, force=True)
        yield fine(AREA, "git lists no worktrees that are gone", mended=f"had git forget {len(found)}")
    elif found:
        yield warning(AREA, f"git lists {len(found)} worktrees whose folders are gone", _FIX)


def _processes(root: Path, *, is_mending: bool) -> Iterator[Finding]:
    state = root / STATE_FOLDER
    if dead := Presence(state / DISPATCHERS).dead():
        yield warning(AREA, f"{len(dead)} dispatchers were killed", "tt mission dispatch takes their missions over")
    if not is_host_running(state):
        yield from _orphans(root, is_mending=is_mending)
    for one in Survivors(state / "survivors").living():
        place = f" in {one.folder}" if one.folder else ""
        yield warning(AREA, f"{one.words}{place} outlived its run, whose worktree waits for it", f"kill -9 {one.pid}")


def _orphans(root: Path, *, is_mending: bool) -> Iterator[Finding]:
    """Processes of agents that no host minds any more."""
    count = len(find_orphans(RunRecords(root / STATE_FOLDER / "runs").all(), town=root))
    if not count:
        return
    if is_mending:
        stopped = stop_leftovers(root / STATE_FOLDER)
        yield fine(AREA, "no processes that a dead host left", mended=f"stopped {stopped}")
    else:
        yield warning(AREA, f"{count} processes that a dead host left still run", _FIX)
