"""The mission manifest: a person's corrections to what the compiler reads from issues.

[[overrides]]
issue = 2                    # or "#2", "owner/repo#2", the issue's URL
owner_role = "backend"
kind = "implement"
priority = 10                # higher goes first; 0 without it
depends_on = [1, "o/r#7"]    # replaces what the issue's text and the forge say; [] for nothing
skip = true                  # the mission does not work on it
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from tinytown.domain.errors import ConfigError, InvalidInputError
from tinytown.domain.ids import check_name
from tinytown.domain.refs import IssueRef, parse_issue_ref, require_host
from tinytown.domain.workitem import WorkKind
from tinytown.planner.places import Places, read_places

Named: TypeAlias = int | IssueRef
"""An issue as the manifest names it; a number means the mission's home repository."""

_NUMBER_END = 10**10
PRIORITY_LIMIT = 1_000_000
"""Priorities are between this and its negative."""


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """Corrections to one issue; None leaves what the compiler found."""

    issue: Named
    owner_role: str | None = None
    kind: WorkKind | None = None
    priority: int | None = None
    depends_on: tuple[Named, ...] | None = None
    """REPLACES the dependencies that the issue's text names and the forge knows."""
    skip: bool = False
    """Leave it out; what depends on it waits until the issue is closed."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A mission.toml that was found to be right."""

    overrides: tuple[Override, ...] = ()


def parse_manifest(text: str, source: str, host: str = "") -> Manifest:
    """Read the text of a mission.toml.

    Args:
        text: TOML.
        source: what to call it in errors, e.g. its path.
        host: the only one that URLs of issues may have; empty: any.

    Raises:
        ConfigError: one line for each problem, `source:line: what is wrong`; `source:line:column:` for broken TOML.
    """
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also for what tomllib passes on: absurd numbers, absurd nesting
        raise ConfigError(f"{source}:{_syntax_error(str(error), text)}", source=source) from error
    reader = _Reader(read_places(text, "overrides"), host)
    overrides = reader.read(content)
    if reader.problems:
        lines = (f"{source}:{line}: {what}" for line, what in sorted(reader.problems))
        raise ConfigError("\n".join(lines), source=source)
    return Manifest(overrides=overrides)


def named_issue(named: Named, home: tuple[str, str]) -> IssueRef:
    """The issue that a manifest means in a mission of that home repository."""
    return IssueRef(*home, named) if isinstance(named, int) else named


_POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


def _syntax_error(message: str, text: str) -> str:
    """`line:column: what is wrong` of tomllib's message, which has the position at its end."""
    match = _POSITION.search(message)
    what = message[: match.start()] if match else message
    last = text.split("\n")
    line = match["line"] if match and match["line"] else len(last)
    column = match["column"] if match and match["column"] else len(last[-1]) + 1
    return f"{line}:{column}: {what[:1].lower()}{what[1:]}"


def _issue(value: object) -> Named:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _NUMBER_END:
        return value
    if not isinstance(value, str):
        raise InvalidInputError("must be an issue's number or 'owner/repo#5'")
    ref = parse_issue_ref(value, ("", ""))
    return ref if ref.owner else ref.number


def _role(value: object) -> str:
    if isinstance(value, str) and (role := value.strip()) and role.isprintable():
        return check_name(role, "role")  # any other no agent can have
    raise InvalidInputError("must be the name of a role")


def _kind(value: object) -> WorkKind:
    kinds = {kind.value: kind for kind in WorkKind}
    if isinstance(value, str) and value in kinds:
        return kinds[value]
    raise InvalidInputError(f"must be one of {', '.join(kinds)}")


def _priority(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= PRIORITY_LIMIT:
        return value
    raise InvalidInputError(f"must be a whole number from -{PRIORITY_LIMIT} to {PRIORITY_LIMIT}")


def _issues(value: object) -> tuple[Named, ...]:
    if isinstance(value, list):
        return tuple(dict.fromkeys(_issue(entry) for entry in value))
    raise InvalidInputError("must be a list of issues, e.g. [1, 'owner/repo#5']")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidInputError("must be true or false")


_READERS: Mapping[str, Callable[[object], Any]] = {
    "issue": _issue,
    "owner_role": _role,
    "kind": _kind,
    "priority": _priority,
    "depends_on": _issues,
    "skip": _flag,
}


class _Reader:
    """Turns the parsed tables into overrides and collects what is wrong, with its line."""

    def __init__(self, places: Places, host: str) -> None:
        self.problems: list[tuple[int, str]] = []
        self._places = places
        self._host = host
        self._seen: dict[object, int] = {}

    def read(self, content: Mapping[str, object]) -> tuple[Override, ...]:
        for key in content:
            if key != "overrides":
                self._report(None, key, f"unknown key '{key}'; a manifest has [[overrides]] tables only")
        tables = content.get("overrides", [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self._report(None, "overrides", "overrides must be tables; write [[overrides]]")
            return ()
        return tuple(filter(None, (self._override(index, table) for index, table in enumerate(tables))))

    def _override(self, index: int, table: Mapping[str, object]) -> Override | None:
        values = dict(self._values(index, table))
        if "issue" not in table:
            self._report(index, None, "this override does not say which issue it is for; add 'issue = 5'")
        if "issue" not in values:
            return None
        override = Override(**values)
        line = self._places.line(index, "issue")
        identity = override.issue if isinstance(override.issue, int) else override.issue.folded
        if identity in self._seen:
            self._report(index, "issue", f"issue {table['issue']} is overridden on line {self._seen[identity]} already")
        self._seen.setdefault(identity, line)
        return override

    def _values(self, index: int, table: Mapping[str, object]) -> Iterator[tuple[str, Any]]:
        for key, value in table.items():
            if key not in _READERS:
                self._report(index, key, f"unknown key '{key}'; {_suggestion(key)}")
                continue
            try:
                for named in value if isinstance(value, list) else [value]:
                    require_host(str(named), self._host)
                yield key, _READERS[key](value)
            except InvalidInputError as error:
                self._report(index, key, f"{key}: {error.message}")

    def _report(self, index: int | None, key: str | None, what: str) -> None:
        self.problems.append((self._places.line(index, key), what))


def _suggestion(key: str) -> str:
    near = difflib.get_close_matches(key.lower(), _READERS, n=1)
    return f"did you mean '{near[0]}'?" if near else f"an override has {', '.join(_READERS)}"
