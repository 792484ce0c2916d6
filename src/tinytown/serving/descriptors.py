"""How many connections fit into the descriptors that the system gives this process."""

from __future__ import annotations

import resource

import structlog

log = structlog.get_logger("tinytown.townhall")

OWN = 256
"""So many descriptors are for the store, files and processes, and at least half of them all."""


def room_for(connections: int) -> int:
    """As many of these connections as there may be; the system is asked for descriptors for all of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OWN
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = _raised(wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), soft, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    found = max(soft - OWN, soft // 2)
    log.warning(
        "fewer connections than max_connections allows: the system gives this process too few descriptors",
        action="few_descriptors",
        connections=found,
        descriptors=soft,
        advice=f"raise the limit (ulimit -n, LimitNOFILE) to {wanted}",
    )
    return found


def _raised(wanted: int, soft: int, hard: int) -> int:
    if wanted <= soft:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS has a lower limit of its own
        return soft
    return wanted
