"""Processes that could not be stopped, remembered until they are gone: one small file each, under `.tt/survivors`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec
import psutil

from tinytown.domain.ids import CONDUCTOR, new_id
from tinytown.domain.message import Message, MessageKind
from tinytown.repository.durable import replace_file
from tinytown.runtime.ladder import is_living
from tinytown.runtime.orphans import START_TOLERANCE_SECS, ChildIdentity

NO_SESSION = -1


class Survivor(msgspec.Struct, frozen=True, kw_only=True):
    """A process that lives on although its run is over."""

    pid: int
    start_time: float
    """Seconds since the epoch, as the system tells."""
    name: str
    """Of its program."""
    folder: str
    """The worktree it was started in, or that it is in; empty when neither is known."""
    is_ours: bool
    """Whether it is proven to be left of a run; what only stands in a worktree may be anybody's."""
    is_told: bool = False

    @classmethod
    def of(cls, process: psutil.Process, *, folder: Path | None, is_ours: bool) -> Survivor:
        """A living process as it is remembered. psutil.NoSuchProcess when it is gone."""
        with process.oneshot():
            return cls(
                pid=process.pid,
                start_time=process.create_time(),
                name=process.name(),
                folder=str(folder) if folder else "",
                is_ours=is_ours,
            )

    @property
    def words(self) -> str:
        """How it is called when a person is told."""
        return f"process {self.pid} ({self.name})"

    @property
    def identity(self) -> ChildIdentity:
        """It alone: of its session nothing is known."""
        return ChildIdentity(pid=self.pid, start_time=self.start_time, session_id=NO_SESSION, run_id="")

    @property
    def is_alive(self) -> bool:
        """Whether it is still there; another process that got its number is not it."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.start_time) <= START_TOLERANCE_SECS and is_living(process)
        except psutil.Error:
            return False


def told_of(survivors: Iterable[Survivor], root: Path, at: datetime) -> Message:
    """What a person is told of processes that do not end, in the town in `root`."""
    found = tuple(survivors)
    who = ", ".join(f"{one.words}{f' in {one.folder}' if one.folder else ''}" for one in found)
    pids = " ".join(str(one.pid) for one in found)
    text = (
        f"on the machine of {root} an agent's run is over, but {who} did not end with it; nobody works in its worktree"
        f" until it has. See what it is and end it: kill -9 {pids}"
    )
    return Message(id=new_id(), to=CONDUCTOR, sender="supervisor", kind=MessageKind.QUERY, text=text, sent_at=at)


class Survivors:
    """The record of one town folder; kept by its host."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def note(self, survivor: Survivor) -> None:
        """Remember a process, unless it is known.

        Raises:
            GitError: it cannot be written down.
        """
        if not self._file(survivor).exists():
            self._write(survivor)

    def note_left(self, pid: int, folder: Path | None) -> None:
        """Remember a process of a run that could not be stopped, unless it has ended after all. GitError as above."""
        try:
            survivor = Survivor.of(psutil.Process(pid), folder=folder.resolve() if folder else None, is_ours=True)
        except psutil.NoSuchProcess:
            return
        self.note(survivor)

    def to_be_told(self) -> list[Survivor]:
        """Those a person should hear of now; says each once. GitError when that cannot be written down."""
        found = [survivor for survivor in self.living() if not survivor.is_told]
        for survivor in found:
            self._write(msgspec.structs.replace(survivor, is_told=True))
        return found

    def living(self) -> list[Survivor]:
        """Those that are still there; the others are forgotten. A file that a crash cut short says nothing."""
        found = []
        for file in sorted(self._folder.glob("*.json")):
            survivor = _read(file)
            if survivor is not None and survivor.is_alive:
                found.append(survivor)
            else:
                file.unlink(missing_ok=True)
        return found

    def _write(self, survivor: Survivor) -> None:
        replace_file(self._file(survivor), msgspec.json.encode(survivor))

    def _file(self, survivor: Survivor) -> Path:
        return self._folder / f"{survivor.pid}-{survivor.start_time:.0f}.json"


def _read(file: Path) -> Survivor | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Survivor)
    except (msgspec.DecodeError, FileNotFoundError):
        return None
