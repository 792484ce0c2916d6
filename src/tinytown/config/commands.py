"""Commands in tinytown.toml: checks and hooks. They run without a shell, so what only a shell knows is refused."""

from __future__ import annotations

import re
import shlex
from collections import Counter

from tinytown.config.settings import Argv, Check

_OPERATORS = frozenset("();<>|&")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_CHECK_KEYS = frozenset({"name", "run", "timeout_secs"})


def read_argv(value: object) -> Argv:
    """Program and arguments from a string or an array of strings; an empty one is none.

    Raises:
        ValueError: it is neither, or needs a shell.
    """
    if isinstance(value, str):
        return _split(value)
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return tuple(value)
    raise ValueError('expected a command: a string, or an array of strings as in ["pytest", "-q"]')


def read_checks(value: object) -> tuple[Check, ...]:
    """Checks from an array of commands and of tables `{name, run, timeout_secs}`.

    Raises:
        ValueError: one of them is not valid, or two have the same name.
    """
    if not isinstance(value, (list, tuple)):
        raise ValueError('expected an array of commands, as in ["ruff check", "pytest -q"]')  # noqa: TRY004  one class to catch
    checks = tuple(_read_check(entry) for entry in value)
    twice = [name for name, count in Counter(check.name for check in checks).items() if count > 1]
    if twice:
        raise ValueError(f"two checks are called '{twice[0]}'; give them different names")
    return checks


def _read_check(entry: object) -> Check:
    if not isinstance(entry, dict):
        return _check(entry, None, None)
    if unknown := sorted(entry.keys() - _CHECK_KEYS):
        raise ValueError(f"unknown key '{unknown[0]}' of a check; known are {', '.join(sorted(_CHECK_KEYS))}")
    if "run" not in entry:
        raise ValueError('a check needs its command, as in {name = "tests", run = "pytest -q"}')
    name, timeout_secs = entry.get("name"), entry.get("timeout_secs")
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise ValueError("the name of a check must be a text")
    if timeout_secs is not None and not _is_duration(timeout_secs):
        raise ValueError("timeout_secs of a check must be a number of seconds above 0")
    return _check(entry["run"], name, timeout_secs)


def _check(command: object, name: str | None, timeout_secs: float | None) -> Check:
    argv = read_argv(command)
    if not argv:
        raise ValueError("a check has an empty command")
    return Check(name=name or shlex.join(argv), argv=argv, timeout_secs=timeout_secs)


def _is_duration(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def _split(line: str) -> Argv:
    try:
        argv = tuple(shlex.split(line))
    except ValueError as error:
        raise ValueError(f"cannot split '{line}' into arguments: {str(error).lower()}") from error
    if operator := _operator(line):
        raise ValueError(f"commands run without a shell: '{operator}' means nothing; use two commands or a script")
    if argv and _ASSIGNMENT.match(argv[0]):
        raise ValueError(f"commands run without a shell: write `env {line}` to set a variable")
    return argv


def _operator(line: str) -> str | None:
    """The first word that only a shell understands; quoted ones are arguments like any other."""
    lexer = shlex.shlex(line, posix=False, punctuation_chars=True)
    lexer.commenters = ""
    lexer.whitespace_split = True
    try:
        return next((token for token in lexer if set(token) <= _OPERATORS), None)
    except ValueError:
        return None  # this mode knows no backslashes; the line itself has been split already
