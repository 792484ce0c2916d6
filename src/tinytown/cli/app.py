"""The root command, with all the others by name."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tinytown import __version__
from tinytown.cli.lazy import LazyGroup
from tinytown.cli.session import Session

_COMMANDS = "tinytown.cli.commands"


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    places={
        "init": f"{_COMMANDS}.init:init",
        "demo": f"{_COMMANDS}.demo:demo",
        "stop": f"{_COMMANDS}.stop:stop",
        "doctor": f"{_COMMANDS}.doctor:doctor",
        "status": f"{_COMMANDS}.status:status",
        "spawn": f"{_COMMANDS}.spawn:spawn",
        "list": f"{_COMMANDS}.list:list_agents",
        "wait": f"{_COMMANDS}.wait:wait",
        "interrupt": f"{_COMMANDS}.interrupt:interrupt",
        "resume": f"{_COMMANDS}.resume:resume",
        "close": f"{_COMMANDS}.close:close",
        "kill": f"{_COMMANDS}.kill:kill",
        "restart": f"{_COMMANDS}.restart:restart",
        "recover": f"{_COMMANDS}.recover:recover",
        "reclaim": f"{_COMMANDS}.reclaim:reclaim",
        "prune": f"{_COMMANDS}.prune:prune",
        "logs": f"{_COMMANDS}.logs:logs",
        "events": f"{_COMMANDS}.events:events",
        "history": f"{_COMMANDS}.history:history",
        "assign": f"{_COMMANDS}.assign:assign",
        "send": f"{_COMMANDS}.send:send",
        "inbox": f"{_COMMANDS}.inbox:inbox",
        "task": f"{_COMMANDS}.task:task",
        "backlog": f"{_COMMANDS}.backlog:backlog",
        "mission": f"{_COMMANDS}.mission:mission",
        "github": f"{_COMMANDS}.github:github",
        "auth": f"{_COMMANDS}.auth:auth",
        "host": f"{_COMMANDS}.host:host",
    },
)
@click.option("--town", type=click.Path(path_type=Path), help="The town's folder; by default the one you are in.")
@click.version_option(__version__, prog_name="tt", message="%(prog)s %(version)s")
@click.pass_context
def tt(ctx: click.Context, town: Path | None) -> None:
    """A town of coding agents that turns issues into merged pull requests."""
    ctx.obj = Session(folder=town, environ=os.environ)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
