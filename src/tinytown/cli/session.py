"""What every command gets: the town it is called in, and where its output goes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tinytown.bootstrap import Town


class Session:
    """One call of `tt`."""

    def __init__(self, folder: Path | None, environ: Mapping[str, str]) -> None:
        self.folder = folder
        """What `--town` said."""
        self.environ = environ

    @cached_property
    def town(self) -> Town:
        """The town, opened when it is first needed.

        Raises:
            ConfigError: there is none, or its settings are not valid.
        """
        from tinytown.bootstrap import open_town  # `tt --version` and `tt --help` need no town

        return open_town(Path.cwd(), self.environ, town=self.folder)

    def show(self, lines: Iterable[str]) -> None:
        """Print lines for people."""
        sys.stdout.writelines(f"{line}\n" for line in lines)
        sys.stdout.flush()  # whoever reads a pipe sees it now

    def show_json(self, value: object) -> None:
        """Print a value as JSON."""
        import msgspec  # only with --json

        self.show([msgspec.json.format(msgspec.json.encode(value), indent=2).decode()])

    def warn(self, lines: Iterable[str]) -> None:
        """Print lines that are not the answer."""
        sys.stderr.writelines(f"{line}\n" for line in lines)


pass_session = click.make_pass_decorator(Session)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
