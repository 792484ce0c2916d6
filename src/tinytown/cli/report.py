"""A bug report: a file with the traceback, secrets masked, and one line that says where it is."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tinytown import __version__
from tinytown.config import find_root
from tinytown.domain.errors import TinytownError
from tinytown.runtime.environment import secret_values
from tinytown.runtime.redaction import redact


def report_bug(bug: BaseException, arguments: Sequence[str]) -> str:
    """Write the report into the town's `.tt/reports`, else into the temporary folder.

    Returns:
        The line to be shown: what went wrong and where the report is.
    """
    what = redact(f"{type(bug).__name__}: {bug}".splitlines()[0], secret_values(os.environ))
    text = redact(_report(bug, arguments), secret_values(os.environ))
    for folder in _folders():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=folder, prefix="tt-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
            ) as file:
                file.write(text)
        except OSError:
            continue
        return f"this is a bug in tt: {what}; please report it with the file {file.name}"
    return f"this is a bug in tt: {what}; no report could be written"


def _folders() -> tuple[Path, ...]:
    temporary = Path(tempfile.gettempdir())
    try:
        return find_root(Path.cwd(), os.environ) / ".tt" / "reports", temporary
    except (TinytownError, OSError):
        return (temporary,)


def _report(bug: BaseException, arguments: Sequence[str]) -> str:
    return "\n".join(
        (
            f"tt {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"at {datetime.now(UTC).isoformat(timespec='seconds')}",
            f"arguments: {list(arguments)!r}",
            f"executable: {sys.executable}",
            "",
            *traceback.format_exception(bug),
        )
    )
