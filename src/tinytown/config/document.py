"""A TOML file as a value that knows in which line each key is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec

from tinytown.domain.errors import ConfigError

_TABLE = re.compile(r"\s*\[\[?([^\]]+)\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\"' -]+?)\s*=")
_POSITION = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


class Document(msgspec.Struct, frozen=True):
    """What a file says."""

    path: Path
    text: str
    tables: dict[str, object]

    def where(self, *names: str) -> str:
        """`file:line` of that key or table, the file alone when the line cannot be told."""
        line = _find(self.text, names)
        return f"{self.path}:{line}" if line else str(self.path)


def read_document(path: Path) -> Document | None:
    """The file, None when there is none.

    Raises:
        ConfigError: it cannot be read or is not TOML; names file, line and column.
    """
    try:
        # Not every editor leaves out the byte order mark.
        text = path.read_text("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    try:
        return Document(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_broken(path, text, str(error))) from error
    except (ValueError, RecursionError) as error:  # what tomllib passes on: absurd numbers, absurd nesting
        what = "a number is too long" if isinstance(error, ValueError) else "it is nested too deeply"
        raise ConfigError(f"{path}: not valid TOML: {what}") from error


def _broken(path: Path, text: str, message: str) -> str:
    found = _POSITION.search(message)
    lines = text.splitlines() or [""]
    line, column = (len(lines), len(lines[-1]) + 1)
    if found and found[1]:
        line, column = int(found[1]), int(found[2])
    return f"{path}:{line}:{column}: not valid TOML: {_POSITION.sub('', message).lower()}"


def _find(text: str, names: tuple[str, ...]) -> int | None:
    """Line number of the dotted key or table; good enough for a message, no second parser."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if found := _TABLE.match(line):
            table = _parts(found[1])
            if table[: len(names)] == names:
                return number
        elif found := _KEY.match(line):
            full = (*table, *_parts(found[1]))
            if full[: len(names)] == names:
                return number
    return None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
