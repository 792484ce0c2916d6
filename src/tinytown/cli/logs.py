"""The logs of daemons, on stderr."""

from __future__ import annotations

import logging
import os
import sys

import structlog

from tinytown.runtime.environment import secret_values
from tinytown.runtime.redaction import redact


def configure_logs(*, is_quiet: bool = False) -> None:
    """Log to stderr: for people when it is a terminal, else as `key=value` lines with times in UTC; secrets are masked.

    Args:
        is_quiet: warnings and errors only.
    """
    is_terminal = sys.stderr.isatty()
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=is_terminal)
        if is_terminal
        else structlog.processors.LogfmtRenderer(
            key_order=["timestamp", "level", "action", "event"], bool_as_flag=False
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if is_terminal else "iso", utc=not is_terminal),
            *([] if is_terminal else [structlog.processors.format_exc_info]),
            _Masking(renderer, secret_values(os.environ)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if is_quiet else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


class _Masking:
    """A renderer of lines without secrets: a reason may be the words of a forge, of git or of a server."""

    def __init__(self, renderer: structlog.typing.Processor, secrets: tuple[str, ...]) -> None:
        self._renderer = renderer
        self._secrets = secrets

    def __call__(self, logger: structlog.typing.WrappedLogger, name: str, event: structlog.typing.EventDict) -> str:
        return redact(str(self._renderer(logger, name, event)), self._secrets)
