"""`townhall`: serves the town over HTTP."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import click

from tinytown import __version__
from tinytown.domain.errors import TinytownError


class _DefaultGroup(click.Group):
    """A group whose first command is meant when none is named."""

    default = "rest"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As a group, with the default put in front of what belongs to no command."""
        asks_the_group = bool(args) and (args[0] in self.commands or args[0] in {"--help", "-h", "--version"})
        return super().parse_args(ctx, args if asks_the_group else [self.default, *args])


_bind = click.option("--bind", metavar="HOST", help="Address to listen on; else [townhall] bind, or 127.0.0.1.")
_port = partial(click.option, "--port", type=click.IntRange(0, 65535))
_town = click.option(
    "--town", type=click.Path(path_type=Path), help="The town's folder; by default the one you are in."
)


@click.group(cls=_DefaultGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="townhall", message="%(prog)s %(version)s")
def townhall() -> None:
    """Serve a town to programs and people elsewhere. Without a command: rest."""


@townhall.command()
@_bind
@_port(help="Port to listen on, 0: any that is free; else [townhall] rest_port, or 8080.")
@_town
@click.option("--with-dispatcher", is_flag=True, help="Move missions on as well, as tt mission dispatch does.")
def rest(bind: str | None, port: int | None, town: Path | None, *, with_dispatcher: bool) -> None:
    """Serve the REST interface until Ctrl-C or SIGTERM."""
    from tinytown.bootstrap import open_town  # with the store and the web server; --help needs neither
    from tinytown.serving.run import serve_rest

    opened = open_town(Path.cwd(), os.environ, town=town)
    serve_rest(opened, bind=bind, port=port, has_dispatcher=with_dispatcher)


@townhall.command("mcp-http")
@_bind
@_port(help="Port to listen on, 0: any that is free; else the one after [townhall] rest_port, or 8081.")
@_town
def mcp_http(bind: str | None, port: int | None, town: Path | None) -> None:
    """Serve MCP over HTTP until Ctrl-C or SIGTERM; rest does so as well, at /mcp."""
    from tinytown.bootstrap import open_town  # as above
    from tinytown.serving.run import serve_mcp_http

    serve_mcp_http(open_town(Path.cwd(), os.environ, town=town), bind=bind, port=port)


@townhall.command("mcp-stdio")
@_town
def mcp_stdio(town: Path | None) -> None:
    """Serve MCP over standard input and output, for the program that starts this."""
    from tinytown.bootstrap import open_town  # as above
    from tinytown.serving.mcp import serve_mcp_stdio

    serve_mcp_stdio(open_town(Path.cwd(), os.environ, town=town))


def main() -> None:
    """Run the command; an expected failure is one line on stderr."""
    try:
        townhall()
    except TinytownError as error:
        print(f"error: {error.message}", file=sys.stderr)  # noqa: T201  the error boundary
        sys.exit(error.exit_code)
