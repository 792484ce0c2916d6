"""The entry point of `tt`, and the one place where errors become messages and exit codes.

0 done, 1 expected failure, 2 usage, 3 a bug (with a report file), 130 interrupted, 141 nobody reads the output any more
(what shells say of a program that SIGPIPE ended). A closed stdin, stdout or stderr is taken for /dev/null.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
from collections.abc import Sequence

import click

from tinytown.cli.app import tt
from tinytown.domain.errors import ProblemsError, TinytownError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BUG = 3
EXIT_INTERRUPTED = 130
EXIT_UNREAD = 141


_GARBAGE_THRESHOLD = 20_000
"""Objects made before garbage is looked for; most commands are over before, and 10 ms sooner for it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `tt` with these arguments (by default the process's) and return its exit code."""
    gc.set_threshold(_GARBAGE_THRESHOLD)
    try:
        return _guarded(list(sys.argv[1:] if argv is None else argv))
    finally:
        gc.freeze()  # the interpreter need not look through everything once more as it ends


def _guarded(arguments: list[str]) -> int:
    """Run `tt`; every error becomes a message and an exit code."""
    _replace_closed_streams()
    _tolerate_narrow_encodings()
    try:
        return _run(arguments)
    except BrokenPipeError:
        _close_stdout()
        return EXIT_UNREAD
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001  the boundary
        messages, code = _failure(error, arguments)
        _tell(messages)
        return code


def _failure(error: Exception, arguments: Sequence[str]) -> tuple[Sequence[str], int]:
    """What to say of an error, a line for each problem, and the exit code."""
    match error:
        case ProblemsError():
            return error.problems, error.exit_code
        case TinytownError():
            return (error.message,), error.exit_code
        case click.ClickException():
            return (_usage_message(error),), EXIT_USAGE
        case OSError(strerror=str(reason)):  # the file system or the network said no; that is no bug
            place = f"{error.filename}: " if error.filename else ""
            return (f"{place}{reason.lower()}; see to it and try again",), EXIT_FAILED
    from tinytown.cli.report import report_bug  # only when there is something to report

    return (report_bug(error, arguments),), EXIT_BUG


def _run(arguments: list[str]) -> int:
    for argument in arguments:
        if not argument.isprintable() and not _is_text(argument):
            raise click.UsageError(f"the argument {argument!r} is not valid UTF-8")
    output = sys.stdout
    try:
        result = tt.main(arguments, prog_name="tt", standalone_mode=False)
    except SystemExit:
        if sys.stdout is not output:  # so click ends when nobody reads any more, with a code of its own
            raise BrokenPipeError from None
        raise
    sys.stdout.flush()  # a reader that has gone is noticed here, not when the interpreter ends
    return result if isinstance(result, int) else 0


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _usage_message(error: click.ClickException) -> str:
    message = error.format_message().replace("\n", " ").rstrip(".")
    path = getattr(getattr(error, "ctx", None), "command_path", None)
    return f"{message[:1].lower()}{message[1:]}" + (f" (see: {path} --help)" if path else "")


def _tell(messages: Sequence[str]) -> None:
    """One line for each problem; an error that cannot even be told is told by the exit code alone."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        for message in messages:
            print("error: " + " ".join(message.split("\n")), file=sys.stderr)  # noqa: T201  the boundary speaks for itself


def _replace_closed_streams() -> None:
    """Have all three streams: else what is opened next, a socket or a lock, would be one of them."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)  # takes the lowest number, which is the one that is missing
            setattr(sys, name, os.fdopen(nowhere, "r" if number == 0 else "w", encoding="utf-8"))


def _tolerate_narrow_encodings() -> None:
    """An output that has no emoji shows `?` for them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _close_stdout() -> None:
    """Nobody reads any more: what is still buffered goes nowhere, quietly."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
