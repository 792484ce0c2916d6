"""A process that receives messages as a host does: it blocks on the events, then claims what came.

For each message it prints when it was sent, when its event was seen and when it was claimed, in ns of CLOCK_MONOTONIC,
which all processes of a machine share.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import monotonic_ns

from bench.town import open_host
from tinytown.bootstrap import Town, open_town
from tinytown.domain.ids import new_id
from tinytown.store.hosts import Claim, HostLease, RunEnd

_WAIT_SECS = 5.0


def main(appendfsync: str) -> None:
    """Receive until terminated."""
    town = open_town(Path.cwd(), os.environ, {"redis.appendfsync": appendfsync})
    lease = open_host(town)
    events = town.events()
    _tell("ready")
    while True:
        for event in events.wait(_WAIT_SECS):
            if event.type == "message.sent" and event.agent_id is not None:
                line = _receive(town, lease, event.agent_id)
                town.host_store.renew(lease)
                while events.wait(0):
                    pass  # what the run itself made happen
                _tell(line)


def _receive(town: Town, lease: HostLease, agent_id: str) -> str:
    seen, run_id = monotonic_ns(), new_id()
    claim = town.host_store.claim(lease, agent_id, run_id, town.clock())
    claimed = monotonic_ns()
    assert isinstance(claim, Claim)  # noqa: S101  the message is there and the agent idle
    end = RunEnd(agent_id=agent_id, run_id=run_id, outcome="completed")
    town.host_store.finish(lease, end, town.clock())
    return f"{claim.messages[0].text} {seen} {claimed}"


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
