"""Being this machine's host, until told to stop."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING

from tinytown.runtime.host_failures import HostFailures

if TYPE_CHECKING:
    from tinytown.bootstrap import Town


def serve(town: Town) -> None:
    """Run the town's agents of this machine; SIGINT and SIGTERM end it in order. The caller holds the host's lock.

    What it dies of is noted for those who would start the next one.
    """
    failures, started = HostFailures(town.state), time.monotonic()
    try:
        asyncio.run(_serve(town))
    except Exception as error:  # noted, not handled: it ends this process
        reason = " ".join(str(_first(error)).split()) or type(error).__name__
        failures.note(reason, lived_secs=time.monotonic() - started, at=town.clock())
        raise
    failures.clear()


def _first(error: BaseException) -> BaseException:
    """The cause among those of a group."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def _serve(town: Town) -> None:
    from tinytown.bootstrap_host import host_of  # with all that a host is made of

    host = host_of(town)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, host.stop)
    await host.serve()
