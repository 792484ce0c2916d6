"""One agent in the terminal: its output is shown until Ctrl-C."""

from __future__ import annotations

import threading

from tinytown.cli.hosting import serve
from tinytown.cli.logs import configure_logs
from tinytown.cli.render.agents import spawned_lines
from tinytown.cli.session import Session
from tinytown.cli.tail import POLL_SECS, Tail, show, show_until_interrupted
from tinytown.runtime.launcher import host_lock
from tinytown.runtime.workshop import log_file


def run_in_foreground(session: Session, name: str, wishes: dict[str, object]) -> None:
    """Register the agent and show its output.

    When no host runs on this machine, this process is the host until Ctrl-C; else the host that runs has the agent,
    and Ctrl-C only ends the showing.
    """
    town = session.town
    configure_logs()
    with host_lock(town.state) as is_ours:
        spec = town.agents.register(name, **wishes)  # type: ignore[arg-type]
        session.warn(spawned_lines(spec.name, spec.id, spec.cli, spec.role))
        tail = Tail(log_file(town.agent_logs, spec.name), from_end=True)
        if is_ours:
            session.warn(["this process is the machine's host; Ctrl-C ends it and the runs of its agents"])
            _serve(session, tail)
            session.warn(
                [f"stopped; {spec.name} is cold and goes on with the next host (tt spawn, tt mission dispatch)"]
            )
        else:
            session.warn(["a host runs already; Ctrl-C ends the showing, the agent goes on"])
            show_until_interrupted(tail)
            session.warn([f"{spec.name} goes on; look: tt logs -f {spec.name}"])


def _serve(session: Session, tail: Tail) -> None:
    is_over = threading.Event()
    mirror = threading.Thread(target=_mirror, args=(tail, is_over), name="mirror", daemon=True)
    mirror.start()
    try:
        serve(session.town)
    finally:
        is_over.set()
        mirror.join()


def _mirror(tail: Tail, is_over: threading.Event) -> None:
    while True:
        was_over = is_over.wait(POLL_SECS)
        show(tail.read())
        if was_over:
            return
