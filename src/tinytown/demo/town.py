"""The repository that `tt demo` works on: a small web API with tests of its own, and three issues to be done."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from tinytown.config import TOWN_FILE
from tinytown.domain.errors import AlreadyExistsError, ConfigError
from tinytown.repository.git import Git
from tinytown.services.towns import init_town

AGENTS = ("designer", "backend", "tester", "reviewer")
ISSUES = ("1", "2", "3")
CHECK = "tests"
"""Name of the check that each pull request must pass."""

# A suffix of their own keeps our tools from taking them for modules and tests of this package.
_SUFFIX = ".txt"
_RENAMED = {"gitignore": ".gitignore"}
_AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@tinytown.invalid")


def make_town(folder: Path, python: str) -> None:
    """Make a repository with issues in `folder`, and a town of it.

    Args:
        folder: empty or not there yet.
        python: the interpreter that runs the repository's tests.

    Raises:
        AlreadyExistsError: there is something in it. ConfigError: it cannot be written. GitError: git cannot be used.
    """
    with ExitStack() as undo:
        try:
            _take(folder, undo)
            _write_files(files("tinytown.demo") / "files", folder)
            _make_repository(folder)
            init_town(folder)
            _configure_check(folder / TOWN_FILE, python)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"cannot write {error.filename or folder}: {reason}; choose another folder") from error
        _commit(Git(folder), "Make it a town")
        undo.pop_all()


def test_command(python: str) -> tuple[str, ...]:
    """How the repository's own tests are run."""
    return (python, "-B", "-m", "unittest")


def _take(folder: Path, undo: ExitStack) -> None:
    """Make the folder unless it is there and empty; what is undone leaves it as it was."""
    if folder.is_symlink() or folder.exists():
        if not folder.is_dir():
            raise AlreadyExistsError(f"{folder} is not a folder; give one that is empty or does not exist")
        if any(folder.iterdir()):
            raise AlreadyExistsError(f"{folder} is not empty; give a folder that is empty or does not exist")
        undo.callback(_clear, folder)
    else:
        folder.mkdir(parents=True)
        undo.callback(shutil.rmtree, folder)


def _clear(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _write_files(source: Traversable, target: Path) -> None:
    for entry in source.iterdir():
        if entry.is_dir():
            (target / entry.name).mkdir()
            _write_files(entry, target / entry.name)
        elif entry.name.endswith(_SUFFIX):
            name = PurePosixPath(entry.name).stem
            (target / _RENAMED.get(name, name)).write_text(entry.read_text("utf-8"), "utf-8")


def _make_repository(folder: Path) -> None:
    git = Git(folder)
    git.run("init", "--quiet", "--initial-branch=main")
    _commit(git, "Sell books")


def _configure_check(path: Path, python: str) -> None:
    argv = json.dumps(test_command(python), ensure_ascii=False)  # strings of JSON are strings of TOML
    settings = path.read_text("utf-8").replace("checks = []", f'checks = [{{ name = "{CHECK}", run = {argv} }}]')
    path.write_text(settings, "utf-8")


def _commit(git: Git, message: str) -> None:
    git.run("add", "--all")
    git.run(*_AUTHOR, "commit", "--quiet", "-m", message)
