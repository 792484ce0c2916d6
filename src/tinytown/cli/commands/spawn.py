"""`tt spawn`."""

from __future__ import annotations

import click

from tinytown.cli.render.agents import spawned_lines
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@click.argument("name")
@click.option("--cli", metavar="C", help="Agent CLI that it runs, e.g. claude, codex, auggie, demo.")
@click.option("--role", metavar="R", help="What it is good at; by default what its name says.")
@click.option("--nickname", metavar="N", help="Shown beside its name.")
@click.option("--parent", metavar="A", help="Agent it works for; by default the one that calls.")
@click.option("--max-rounds", type=click.IntRange(min=1), metavar="N", help="Runs after which it stops.")
@click.option("--foreground", is_flag=True, help="Show its output in this terminal until Ctrl-C.")
@json_option
@pass_session
def spawn(session: Session, /, *, name: str, foreground: bool, as_json: bool, **wishes: object) -> None:
    """Start an agent."""
    if foreground and as_json:
        raise click.UsageError("--json and --foreground exclude each other: an agent's output is no JSON")
    town = session.town
    if foreground:
        from tinytown.cli.foreground import run_in_foreground  # the host is heavy

        run_in_foreground(session, name, wishes)
        return
    spec = town.agents.spawn(name, **wishes)
    if as_json:
        session.show_json({"agent_id": spec.id, "name": spec.name, "cli": spec.cli, "role": spec.role})
    else:
        session.show(spawned_lines(spec.name, spec.id, spec.cli, spec.role))
