"""The reference of the townhall's figures: an ASGI application that asks the store for one PING, and nothing else.

It runs as the townhall does (uvicorn, uvloop, httptools); the PING is made in the loop itself, without a thread.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send

from tinytown.bootstrap import open_town
from tinytown.store.connection import Connection

_BODY = b'{"status":"ok"}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]


class BareApp:
    """Answers everything with the same."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """One PING, one answer."""
        if scope["type"] == "http":
            self._connection.execute("PING")
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": _BODY})


def main() -> None:
    """Serve on a free port, which is printed."""
    town = open_town(Path.cwd(), os.environ)
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(BareApp(town.connection), lifespan="off", log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
