"""`tt init`."""

from __future__ import annotations

from pathlib import Path

import click

from tinytown.cli.session import Session, json_option, pass_session
from tinytown.services.towns import InitResult, init_town


@click.command()
@click.option("--name", metavar="N", help="The town's name; by default the repository's and the branch's.")
@json_option
@pass_session
def init(session: Session, /, *, name: str | None, as_json: bool) -> None:
    """Make the git repository you are in a town."""
    made = init_town(session.folder or Path.cwd(), name)
    if as_json:
        session.show_json({"name": made.name, "root": str(made.root), "forge": made.forge})
    else:
        session.show(_lines(made))


def _lines(made: InitResult) -> list[str]:
    ignored = "added to" if made.is_ignore_changed else "in"
    issues = "GitHub issues" if made.forge == "github" else "issue files: issues/0001-what-to-do.md"
    return [
        f"🏘️  Town {made.name} is founded in {made.root}",
        "   tinytown.toml   its settings; commit it",
        f"   .tt/            its server, worktrees and logs; {ignored} .gitignore",
        f"   forge: {made.forge} ({issues})",
        "next:",
        "   tt spawn backend --cli claude     # an agent; also: --role reviewer",
        "   tt mission start --issue 1        # issues become a mission",
        "   tt mission dispatch               # the loop that moves it on",
    ]
