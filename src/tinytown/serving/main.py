"""`townhall`: serves the town over HTTP, on the loopback address only (there is no authentication yet)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from tinytown import __version__
from tinytown.domain.errors import TinytownError

LOOPBACK = "127.0.0.1"


@click.command()
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--town", type=click.Path(path_type=Path), help="The town's folder; by default the one you are in.")
@click.version_option(__version__, prog_name="townhall")
def serve(port: int, town: Path | None) -> None:
    """Serve a town on the loopback address."""
    import uvicorn  # heavy, and not needed for --help

    from tinytown.bootstrap import open_town
    from tinytown.serving.rest import rest_app

    opened = open_town(Path.cwd(), os.environ, town=town)
    uvicorn.run(rest_app(opened), host=LOOPBACK, port=port, log_level="info")


def main() -> None:
    """Run the command; an expected failure is one line on stderr."""
    try:
        serve()
    except TinytownError as error:
        print(f"error: {error.message}", file=sys.stderr)  # noqa: T201  the error boundary
        sys.exit(error.exit_code)
