"""Stands between a town and its Redis and cuts connections: also when a command is done and its answer on its way."""

from __future__ import annotations

import contextlib
import random
import select
import socket
import threading
from pathlib import Path
from typing import Self
from urllib.parse import quote

from tinytown.store.socket_path import reachable

CHUNK_BYTES = 65536


class CuttingProxy:
    """A unix socket that leads to another one. Use as a context manager."""

    def __init__(self, folder: Path, upstream: Path, seed: int) -> None:
        self._path = folder / "proxy.sock"
        self._upstream = upstream
        self._random = random.Random(seed)  # noqa: S311  it is to be repeatable
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._share = 0.0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.cuts = 0

    @property
    def url(self) -> str:
        """What the town is given as REDIS_URL."""
        return f"unix://{quote(str(self._path))}"

    def __enter__(self) -> Self:
        self._listener.bind(reachable(str(self._path)))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def lose(self, share: float) -> None:
        """From now on lose this share (0 to 1) of the answers, with the connection they were to come by."""
        self._share = share

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Pass on both ways until one side ends, or an answer is lost."""
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            with self._lock:
                self._open |= {client, server}
            with contextlib.suppress(OSError):
                server.connect(reachable(str(self._upstream)))
                self._pass_on(client, server)
            with self._lock:
                self._open -= {client, server}

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        while True:
            ready, _, _ = select.select((client, server), (), ())
            for source in ready:
                chunk = source.recv(CHUNK_BYTES)
                if not chunk or (source is server and self._is_lost()):
                    return
                (server if source is client else client).sendall(chunk)

    def _is_lost(self) -> bool:
        with self._lock:
            is_lost = self._random.random() < self._share
            self.cuts += is_lost
            return is_lost
