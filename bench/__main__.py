"""`python -m bench [NAME …]`: measure everything, or what is named, and print one table.

The exit code says whether it could be measured (0) or not (1), not whether targets are met: figures depend on the
machine and on what else runs there. Usage errors are 2.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from subprocess import SubprocessError

from bench import commands, dispatching, github, host, messages, steps, townhall
from bench.figure import Row, table
from tinytown.domain.errors import TinytownError

_MEASUREMENTS: Mapping[str, Callable[[], Iterable[Row]]] = {
    "commands": commands.rows,
    "messages": messages.rows,
    "dispatching": dispatching.rows,
    "steps": steps.rows,
    "host": host.rows,
    "github": github.rows,
    "townhall": townhall.rows,
}


def main(names: Sequence[str]) -> int:
    """Measure and print; returns the exit code."""
    if unknown := [name for name in names if name not in _MEASUREMENTS]:
        print(f"error: nothing is measured as '{unknown[0]}'; there are: {', '.join(_MEASUREMENTS)}", file=sys.stderr)  # noqa: T201  a program for people
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whatever ends it, nothing of it is left
    found: list[Row] = []
    failed = False
    for name in names or _MEASUREMENTS:
        print(f"measuring {name} …", file=sys.stderr)  # noqa: T201  as above
        try:
            found += _MEASUREMENTS[name]()
        except (TinytownError, OSError, SubprocessError, RuntimeError) as error:
            print(f"error: {name} cannot be measured: {error}", file=sys.stderr)  # noqa: T201  as above
            failed = True
    print(table(found))  # noqa: T201  as above
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
