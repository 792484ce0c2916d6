"""Records of running children on this machine, so that a later host finds what a dead one left."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tinytown.runtime.orphans import ChildIdentity


class RunRecords:
    """One small file a run, under `.tt/runs`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prompt_file(self, run_id: str) -> Path:
        """Where the run's prompt is; kept after the run for whoever wants to know what was asked."""
        return self._folder / f"{run_id}.prompt.md"

    def add(self, child: ChildIdentity) -> None:
        """Remember a child that runs."""
        part = self._file(child.run_id).with_suffix(".part")
        part.write_bytes(msgspec.json.encode(child))
        part.replace(self._file(child.run_id))

    def remove(self, run_id: str) -> None:
        """Forget a child of which nothing is left."""
        self._file(run_id).unlink(missing_ok=True)

    def all(self) -> list[ChildIdentity]:
        """The children on record; files that say nothing, as a crash cut them short, are passed over."""
        found = []
        for file in sorted(self._folder.glob("*.json")):
            try:
                found.append(msgspec.json.decode(file.read_bytes(), type=ChildIdentity))
            except (msgspec.DecodeError, OSError):
                continue
        return found

    def _file(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.json"
