"""The agent CLIs that this town uses: on PATH, and not broken."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tinytown.domain.errors import TinytownError
from tinytown.domain.finding import Finding, fine, problem, warning
from tinytown.runtime.clis import Adapter
from tinytown.runtime.environment import scripts_folder

AREA = "agents"
VERSION_SECS = 5.0
_SHOWN_CHARS = 80


def look(used: Mapping[str, str], adapter: Callable[[str], Adapter], environ: Mapping[str, str]) -> Iterator[Finding]:
    """Each CLI.

    Args:
        used: name of a CLI -> who uses it, for people.
        adapter: finds one by its name.
        environ: in which agents are started.
    """
    with TemporaryDirectory(prefix="tinytown-") as nowhere, ThreadPoolExecutor(max_workers=max(1, len(used))) as pool:
        # what takes no notice of `--version` finds nothing there to work on
        yield from pool.map(lambda one: _look(one[0], one[1], adapter, environ, Path(nowhere)), used.items())


def _look(name: str, who: str, adapter: Callable[[str], Adapter], environ: Mapping[str, str], folder: Path) -> Finding:
    try:
        program = adapter(name).program
    except TinytownError as error:
        return problem(AREA, f"{error.message} ({who})", "correct it in tinytown.toml")
    path = f"{scripts_folder()}:{environ.get('PATH', os.defpath)}"
    found = shutil.which(program, path=path)
    if found is None:
        return problem(AREA, f"{name} ({who}): the program {program} is not on PATH", "install it, or use another CLI")
    return _asked(f"{name} ({who})", found, environ, folder)


def _asked(what: str, program: str, environ: Mapping[str, str], folder: Path) -> Finding:
    advice = f"see what `{program} --version` does, and whether it is signed in"
    try:
        process = subprocess.Popen(
            [program, "--version"],
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    except OSError as error:
        return problem(AREA, f"{what}: cannot be started: {(error.strerror or str(error)).lower()}", advice)
    with process:
        try:
            out, _ = process.communicate(timeout=VERSION_SECS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return warning(AREA, f"{what}: says no version within {VERSION_SECS:g} s", advice)
    line = next((text for text in out.decode("utf-8", "replace").splitlines() if text.strip()), "").strip()
    if process.returncode != 0:
        return warning(AREA, f"{what}: `--version` ends with {process.returncode}: {line[:_SHOWN_CHARS]}", advice)
    return fine(AREA, f"{what}: {line[:_SHOWN_CHARS] or program}")
