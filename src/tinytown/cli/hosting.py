"""Being this machine's host, until told to stop."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinytown.bootstrap import Town


def serve(town: Town) -> None:
    """Run the town's agents of this machine; SIGINT and SIGTERM end it in order. The caller holds the host's lock."""
    asyncio.run(_serve(town))


async def _serve(town: Town) -> None:
    host = town.host()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, host.stop)
    await host.serve()
