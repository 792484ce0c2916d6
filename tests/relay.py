"""Stands between a client and a server on a unix socket, and counts how often the client speaks: its round trips."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self
from urllib.parse import quote

from tinytown.store.socket_path import reachable

_CHUNK_BYTES = 1 << 20


class Relay:
    """A unix socket that leads to another one. Use as a context manager."""

    def __init__(self, folder: Path, upstream: str | Path) -> None:
        self._path = folder / "relay.sock"
        self._upstream = str(upstream)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._threads: list[threading.Thread] = []
        self._ends: set[socket.socket] = set()
        self.sent = 0
        """How often a client spoke after the server had, or at first."""

    @property
    def url(self) -> str:
        """What to connect to."""
        return f"unix://{quote(str(self._path))}"

    def __enter__(self) -> Self:
        self._listener.bind(reachable(str(self._path)))
        self._listener.listen(64)
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in list(self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _run(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._run(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            self._ends |= {client, server}
            with contextlib.suppress(OSError):
                server.connect(reachable(self._upstream))
                self._pass_on(client, server)
            self._ends -= {client, server}

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        is_asking = False
        while True:
            ready, _, _ = select.select((client, server), (), ())
            for source in ready:
                chunk = source.recv(_CHUNK_BYTES)
                if not chunk:
                    return
                self.sent += source is client and not is_asking
                is_asking = source is client
                (server if source is client else client).sendall(chunk)
