"""The text of an issue file: YAML front matter between `---` lines, then Markdown."""

from __future__ import annotations

import json
import re

import msgspec
import yaml

from tinytown.domain.errors import ForgeError

_FENCE = re.compile(r"---[ \t]*")
_FIELD = re.compile(r"[A-Za-z_][\w-]*[ \t]*:")
_TITLE = re.compile(
    r"""(title[ \t]*:[ \t]+)([^\s"'|>\[{&*!%@`#\x00-\x1f][^\x00-\x1f]*?)[ \t]*([\r\n]*)""", re.IGNORECASE
)
_HEADING = re.compile(r"#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*")
_STATE = re.compile(r"""(state[ \t]*:[ \t]*)("[^"]*"|'[^']*'|[^\s#]*)(.*)""", re.DOTALL)


class IssueText(msgspec.Struct, frozen=True, kw_only=True):
    """What an issue file says."""

    title: str
    body: str
    is_open: bool
    labels: tuple[str, ...]
    author: str


class _Parts(msgspec.Struct, frozen=True):
    front: tuple[str, ...]
    """Lines between the fences, with their ends."""
    body: str
    has_front: bool


def read_issue_text(text: str, file: str) -> IssueText:
    """Read an issue file. Without a title in its front matter, the first heading is it, else the file's name.

    Args:
        text: the whole file.
        file: its path, for messages and as a last resort for the title.

    Raises:
        ForgeError: its front matter is not valid; the message names file and line.
    """
    parts = _split(text, file)
    fields = _fields(parts, file)
    return IssueText(
        title=_one_line(fields.get("title")) or _heading(parts.body) or _title_of_name(file),
        body=parts.body.lstrip("\n"),
        is_open=_is_open(fields, parts, file),
        labels=_labels(fields.get("labels")),
        author=_one_line(fields.get("author")),
    )


def closed_text(text: str, file: str) -> str:
    """The same file with `state: closed`; nothing else of it changes, comments included.

    Raises:
        ForgeError: its front matter is not valid, or not written one field a line.
    """
    if not read_issue_text(text, file).is_open:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    parts = _split(text, file)
    if not parts.has_front:
        return f"---{newline}state: closed{newline}---{newline}{newline}{text}"
    lines = text.splitlines(keepends=True)
    for number in range(1, len(parts.front) + 1):
        if match := _STATE.fullmatch(lines[number]):
            lines[number] = f"{match[1] if match[1].endswith((' ', chr(9))) else match[1] + ' '}closed{match[3]}"
            break
    else:
        lines.insert(len(parts.front) + 1, f"state: closed{newline}")
    changed = "".join(lines)
    try:
        is_still_open = read_issue_text(changed, file).is_open
    except ForgeError:
        is_still_open = True
    if is_still_open:
        raise ForgeError(f"{file}: cannot be closed, its front matter has no line `state: open`; write one")
    return changed


def _split(text: str, file: str) -> _Parts:
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    if not lines or not _FENCE.fullmatch(lines[0].rstrip("\r\n")):
        return _Parts((), text.removeprefix("\ufeff"), has_front=False)
    for number, line in enumerate(lines[1:], start=1):
        if _FENCE.fullmatch(line.rstrip("\r\n")):
            return _Parts(tuple(lines[1:number]), "".join(lines[number + 1 :]), has_front=True)
    if len(lines) > 1 and _FIELD.match(lines[1]):
        raise ForgeError(f"{file}:1: the front matter has no end; put a line `---` after it")
    return _Parts((), text, has_front=False)


def _fields(parts: _Parts, file: str) -> dict[str, object]:
    try:
        loaded = yaml.safe_load("".join(_with_plain_title(parts.front)))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise ForgeError(f"{file}:{line}: the front matter is not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ForgeError(f"{file}:1: the front matter is not valid YAML: {_one_line(error)}") from error
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ForgeError(f"{file}:2: the front matter must be fields such as `title: …`")
    return {str(name).lower(): value for name, value in loaded.items()}


def _with_plain_title(front: tuple[str, ...]) -> list[str]:
    """The lines with an unquoted title put in quotation marks: people write `title: Fix #12: crash` and mean it."""
    lines = list(front)
    for number, line in enumerate(lines):
        goes_on = number + 1 < len(lines) and lines[number + 1][:1].isspace() and lines[number + 1].strip() != ""
        if (match := _TITLE.fullmatch(line)) and not goes_on:
            lines[number] = f"{match[1]}{json.dumps(match[2])}{match[3]}"
    return lines


def _is_open(fields: dict[str, object], parts: _Parts, file: str) -> bool:
    state = _one_line(fields.get("state")).lower() or "open"
    if state not in {"open", "closed"}:
        line = next((n for n, text in enumerate(parts.front, start=2) if text.lower().startswith("state")), 1)
        raise ForgeError(f"{file}:{line}: the state is '{state}'; it must be open or closed")
    return state == "open"


def _labels(value: object) -> tuple[str, ...]:
    given = value if isinstance(value, list) else _one_line(value).split(",")
    return tuple(label for label in (_one_line(one) for one in given) if label)


def _one_line(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())


def _heading(body: str) -> str:
    matches = (_HEADING.fullmatch(line) for line in body.splitlines())
    return next((match[1].strip() for match in matches if match), "")


def _title_of_name(file: str) -> str:
    stem = file.rpartition("/")[2].removesuffix(".md")
    words = re.sub(r"^\d+[-_. ]*", "", stem)
    return re.sub(r"[-_]+", " ", words).strip() or stem
