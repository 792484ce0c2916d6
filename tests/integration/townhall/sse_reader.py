"""A reader of Server-Sent Events on a bare socket, which can be cut off at any byte."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self
from urllib.parse import urlencode

import msgspec


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it came."""

    id: str | None
    """The last id that was said."""
    event: str
    data: Any


class SseReader:
    """Reads in a thread what one stream sends, until it ends or is cut off."""

    def __init__(self, port: int, headers: Mapping[str, str] | None = None, **query: str | int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._connection.request("GET", f"/v1/events?{urlencode(query)}", headers=dict(headers or {}))
        assert self._connection.sock is not None
        self._socket = self._connection.sock.dup()
        self._response = self._connection.getresponse()
        self.status = self._response.status
        self.headers = self._response.headers
        self.frames: list[Frame] = []
        self.lines: list[str] = []
        self.last_id: str | None = None
        self.has_ended_well = False
        self._thread = threading.Thread(target=self._read, name="reader")
        self._thread.start()

    @property
    def ids(self) -> list[str]:
        """Ids of the events so far, without those that are none of the town's."""
        return [frame.data["id"] for frame in self.frames if frame.event != "stream.gap"]

    @property
    def types(self) -> list[str]:
        """Types of the events so far."""
        return [frame.event for frame in self.frames]

    def is_over(self) -> bool:
        """Whether the stream has ended."""
        return not self._thread.is_alive()

    def cut(self) -> None:
        """Break the connection, wherever it is."""
        with suppress(OSError):  # the other side was first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(30)
        assert self.is_over()
        self._response.close()
        self._connection.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for raw in self._response:
                line = raw.decode().rstrip("\n")
                self.lines.append(line)
                if line == "":
                    self._dispatch(fields)
                    fields = {}
                elif not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    fields[name] = value
            self.has_ended_well = True
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            return  # cut off

    def _dispatch(self, fields: Mapping[str, str]) -> None:
        self.last_id = fields.get("id", self.last_id)
        if "data" in fields:
            data = msgspec.json.decode(fields["data"])
            self.frames.append(Frame(id=self.last_id, event=fields["event"], data=data))
