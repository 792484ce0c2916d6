"""The environment of an agent's CLI: who it is, our own `tt` first on its PATH, and none of the town's secrets.

The keys of model providers (ANTHROPIC_API_KEY, OPENAI_API_KEY and their like) stay: the CLIs need them. So does
REDIS_URL, password and all: the agent's `tt` reports to the same server; the password is masked in what is logged.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from tinytown.runtime.signing_in import SignedOut, signed_in

RUN_MARKER = "TINYTOWN_RUN_ID"
"""Variable by which a process is known to belong to a run, whatever became of its parent and session."""

TOWN_MARKER = "TINYTOWN_TOWN"
"""Variable that holds the town's root folder; with RUN_MARKER beside it the process is part of some run of that town."""

_IDENTITY = ("TINYTOWN_AGENT_ID", "TINYTOWN_AGENT_NAME", "TINYTOWN_TASK_ID", TOWN_MARKER, RUN_MARKER)
_MISLEADING = (
    # git would work on the repository that the host was started for, say from a hook, not on the worktree
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    # claude refuses to start when it believes that it runs inside another claude
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
)
_SECRET_NAME = re.compile(r"(?:TOKEN|SECRET|PASSWORD|PASSWD|APIKEY|(?:^|_)KEY|CREDENTIALS?|_AUTH)$", re.IGNORECASE)


class RunIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a run is, for the `tt` commands that its CLI calls."""

    agent_id: str
    agent_name: str
    run_id: str
    town: Path
    """The town's root folder."""
    task_id: str | None = None


def child_environment(
    parent: Mapping[str, str], run: RunIdentity, *, signed_out: SignedOut | None = None, scripts: Path | None = None
) -> dict[str, str]:
    """The environment for an agent's CLI.

    Args:
        parent: the environment to start from.
        run: whose environment it is.
        signed_out: how the agent is kept from acting on the forge as us; None: it may.
        scripts: folder of the `tt` to be found first; by default the one this program was installed with.
    """
    own = signed_in(parent)
    allowed = own if signed_out is None else signed_out.applied_to(own)
    child = {name: value for name, value in allowed.items() if _is_passed_on(name)}
    child |= {
        "TINYTOWN_AGENT_ID": run.agent_id,
        "TINYTOWN_AGENT_NAME": run.agent_name,
        TOWN_MARKER: str(run.town),
        RUN_MARKER: run.run_id,
    }
    if run.task_id is not None:
        child["TINYTOWN_TASK_ID"] = run.task_id
    child["PATH"] = _path(parent.get("PATH", os.defpath), scripts or scripts_folder())
    child["GIT_TERMINAL_PROMPT"] = "0"  # nobody is there to answer when git asks for a password
    return child


def service_environment(parent: Mapping[str, str]) -> dict[str, str]:
    """The environment for a host or a server that an agent's `tt` starts: it outlives the run, so it is not marked as part of it."""
    return {name: value for name, value in signed_in(parent).items() if name not in _IDENTITY or name == TOWN_MARKER}


def is_secret(name: str) -> bool:
    """Whether the variable of that name is none of the business of programs that need no keys, such as checks.

    REDIS_URL is among them: with it, what an agent wrote could act on the town.
    """
    return name == "REDIS_URL" or bool(_SECRET_NAME.search(name))


def secret_values(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values in `environ` that must never be shown: those of variables named like secrets, and passwords in URLs."""
    named = [value for name, value in environ.items() if _SECRET_NAME.search(name)]
    passwords = [_password(value) for value in environ.values() if "://" in value]
    return tuple(sorted({value for value in (*named, *passwords) if value}))


def scripts_folder() -> Path:
    """The folder with the `tt` that belongs to this program."""
    # not resolved: a virtual environment's python is a link to another folder
    candidates = [Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))]
    if "posix_user" in sysconfig.get_scheme_names():
        candidates.append(Path(sysconfig.get_path("scripts", "posix_user")))
    return next((folder for folder in candidates if (folder / "tt").exists()), candidates[0])


def _is_passed_on(name: str) -> bool:
    is_ours = name.startswith("TOWNHALL_") or (name.startswith("TINYTOWN_") and _SECRET_NAME.search(name))
    return name not in _IDENTITY and name not in _MISLEADING and not is_ours


def _path(path: str, first: Path) -> str:
    rest = [folder for folder in path.split(os.pathsep) if folder != str(first)]
    return os.pathsep.join([str(first), *rest])


def _password(url: str) -> str | None:
    try:
        password = urlsplit(url).password
    except ValueError:  # not a URL after all
        return None
    return unquote(password) if password else None
