"""`tt send`."""

from __future__ import annotations

import click

from tinytown.cli.session import Session, json_option, pass_session
from tinytown.cli.text import read_text
from tinytown.domain.agent import GONE, AgentState
from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.message import MessageKind

_LEAVING = GONE | {AgentState.DRAINING}
_KINDS = (MessageKind.QUERY, MessageKind.INFO, MessageKind.ACK)


@click.command()
@click.argument("to")
@click.argument("text")
@click.option("kinds", "--query", flag_value=MessageKind.QUERY.value, multiple=True, help="A question.")
@click.option("kinds", "--info", flag_value=MessageKind.INFO.value, multiple=True, help="Something to know.")
@click.option("kinds", "--ack", flag_value=MessageKind.ACK.value, multiple=True, help="A receipt.")
@click.option("--urgent", is_flag=True, help="Before everything else that waits.")
@json_option
@pass_session
def send(session: Session, /, *, to: str, text: str, kinds: tuple[str, ...], urgent: bool, as_json: bool) -> None:
    """Send a message to an agent or to the conductor; - reads it from standard input.

    Without --query, --info or --ack it is something to do.
    """
    if len(set(kinds)) > 1:
        raise click.UsageError("a message is one of --query, --info and --ack")
    town = session.town
    kind = MessageKind(kinds[0]) if kinds else MessageKind.TASK
    message = town.messages.send(to, read_text(text), kind, is_urgent=urgent)
    town.ensure_host()
    if as_json:
        session.show_json({"message_id": message.id, "to_agent": to, "kind": kind.value, "urgent": urgent})
    else:
        session.show([f"✉️  Sent to {to} as {kind.value}{', urgent' if urgent else ''}"])
    if message.to != CONDUCTOR and (agent := town.agents.find(message.to)).state in _LEAVING:
        what = f"{agent.name} is {agent.state.phrase}: what it does not read before waits until tt restart {agent.name}"
        session.warn([f"note: {what}"])
