"""What a server logs: its own lines, and what the libraries below it have to say."""

from __future__ import annotations

import logging

import structlog

from tinytown.cli.logs import configure_logs

log = structlog.get_logger("tinytown.townhall")


def configure_server_logs() -> None:
    """As daemons log; warnings of libraries too."""
    configure_logs()
    root = logging.getLogger()
    root.handlers = [_ToStructlog(logging.WARNING)]
    root.setLevel(logging.WARNING)


class _ToStructlog(logging.Handler):
    """Has records of the standard library logged like ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log it."""
        try:
            log.log(record.levelno, record.getMessage(), action="library", source=record.name, exc_info=record.exc_info)
        except (ValueError, TypeError, OSError):
            self.handleError(record)
