"""A process that receives messages as a host does: it blocks on the events, then claims what came.

For each message it prints when it was sent (which only the message's text says), when the message was here and when it
was claimed, in ns of CLOCK_MONOTONIC, which all processes of a machine share.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import monotonic_ns

from bench.town import open_host
from tinytown.bootstrap import Town, open_town
from tinytown.domain.ids import new_id
from tinytown.domain.message import Message
from tinytown.store.codec import decode
from tinytown.store.hosts import Claim, HostLease, RunEnd

_WAIT_SECS = 5.0


def main() -> None:
    """Receive until terminated."""
    town = open_town(Path.cwd(), os.environ)
    lease = open_host(town)
    events = town.events()
    _tell("ready")
    while True:
        for event in events.wait(_WAIT_SECS):
            if event.message is not None:
                message, here = decode(event.message.encode(), Message), monotonic_ns()
                line = f"{message.text} {here} {_claim(town, lease, message)}"
                town.host_store.renew(lease)
                while events.wait(0):
                    pass  # what the run itself made happen
                _tell(line)


def _claim(town: Town, lease: HostLease, message: Message) -> int:
    run_id = new_id()
    claim = town.host_store.claim(lease, message.to, run_id, town.clock())
    claimed = monotonic_ns()
    assert isinstance(claim, Claim)  # noqa: S101  the message is there and the agent idle
    assert claim.messages == (message,)  # noqa: S101  it is the same
    end = RunEnd(agent_id=message.to, run_id=run_id, outcome="completed")
    town.host_store.finish(lease, end, town.clock())
    return claimed


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
