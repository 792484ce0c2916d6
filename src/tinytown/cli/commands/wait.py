"""`tt wait`."""

from __future__ import annotations

import click

from tinytown.cli.render.agent_life import waited_lines, waited_record
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.domain.agent import AgentState

_STATES = click.Choice([state.value for state in AgentState])


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--state", type=_STATES, help="Wait for this state.")
@click.option(
    "--timeout", "timeout_secs", type=click.FloatRange(min=0), metavar="SECS", help="Give up then: exit code 1."
)
@json_option
@pass_session
def wait(
    session: Session, /, *, names: tuple[str, ...], state: str | None, timeout_secs: float | None, as_json: bool
) -> int:
    """Wait until agents have done what they have: all of them idle with nothing left to do, or stopped.

    Ends at once with exit code 1 when one is in error, or stopped while another state is waited for.
    """
    waited = session.town.agents.wait(
        names, state=AgentState(state) if state is not None else None, timeout_secs=timeout_secs
    )
    if as_json:
        session.show_json(waited_record(waited))
    else:
        session.show(waited_lines(waited))
    return int(waited.is_timed_out)
