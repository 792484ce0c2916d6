"""A small HTTP server for webhooks: whoever sends, it has little time, little room, and one request a connection."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import msgspec
import structlog

from tinytown.domain.errors import ConfigError, TinytownError
from tinytown.services.deliveries import LIMIT_BYTES, Taken, check_headers

log = structlog.get_logger("tinytown.webhook")

LARGE_BYTES = 1024 * 1024
"""Bodies above it are read one at a time: they are not known to be GitHub's before they are read."""
_DRAINED_BYTES = 64 * 1024
_POLL_SECS = 0.1

Take = Callable[[Mapping[str, str], bytes], Taken]


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender may take up."""

    total_secs: float = 10.0
    """How long one request may take; GitHub does not wait longer."""
    silent_secs: float = 5.0
    """How long a sender may be silent."""
    at_once: int = 32
    """Requests."""


class Receiver(ThreadingHTTPServer):
    """Listens from the start; answers between `running()`."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def __init__(self, host: str, port: int, path: str, take: Take, bounds: Bounds = Bounds()) -> None:  # noqa: B008  frozen
        """Listen.

        Args:
            host: name or address of this machine.
            port: 0 for any that is free.
            path: the only one that is answered.
            take: takes a delivery (headers with names in lower case, body).
            bounds: for each sender.

        Raises:
            ConfigError: it cannot be listened there.
        """
        self.path = path
        self.take = take
        self.bounds = bounds
        self.large = threading.Lock()
        self._slots = threading.Semaphore(bounds.at_once)
        self._begun: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"cannot listen on {host}, port {port}: {reason}; see --bind and --port") from error

    @property
    def url(self) -> str:
        """Where deliveries are taken, as seen from this machine."""
        host, port = str(self.server_address[0]), self.server_address[1]
        shown = f"[{host}]" if self.address_family == socket.AF_INET6 else host
        return f"http://{shown}:{port}{self.path}"

    @contextmanager
    def running(self) -> Iterator[Self]:
        """A context in which requests are answered; at its end those under way are finished, for as long as they may."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": _POLL_SECS}, name="webhook")
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            thread.join()
            self._finish()
            self.server_close()

    def server_bind(self) -> None:
        """Bind, without asking a name server who we are."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, unless there are too many."""
        if not self._slots.acquire(blocking=False):
            with suppress(OSError):
                request.settimeout(0)
                request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            log.warning("too many requests at once", action="delivery_refused", status=503)
            self.shutdown_request(request)
            return
        with self._lock:
            self._begun[request] = time.monotonic()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._begun.pop(request, None)
            self._slots.release()

    def service_actions(self) -> None:
        """Cut off who takes too long; called several times a second."""
        self._cut(before=time.monotonic() - self.bounds.total_secs)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a sender that went away; what is a bug is logged where it is met."""

    def _finish(self) -> None:
        """Wait for the requests under way."""
        until = time.monotonic() + self.bounds.total_secs
        while self._begun and time.monotonic() < until:
            self.service_actions()
            time.sleep(_POLL_SECS)
        self._cut(before=time.monotonic())

    def _cut(self, before: float) -> None:
        with self._lock:
            late = [connection for connection, begun in self._begun.items() if begun <= before]
        for connection in late:
            with suppress(OSError):  # it may have been closed meanwhile
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"
    server_version = "tinytown"
    sys_version = ""
    wbufsize = -1

    def setup(self) -> None:
        """Have the connection ready."""
        super().setup()
        self.connection.settimeout(self.server.bounds.silent_secs)

    def handle(self) -> None:
        """One request, then the connection is closed."""
        self.close_connection = True
        with suppress(ConnectionError, TimeoutError):
            self.handle_one_request()
            self.close_connection = True

    def do_POST(self) -> None:
        """Take a delivery."""
        started = time.monotonic()
        try:
            status, text = self._taken(started)
        except TinytownError as error:
            status = error.http_status
            text = error.message if status < HTTPStatus.INTERNAL_SERVER_ERROR else "not just now; deliver it again"
            self._refused(status, error.message)
        except TimeoutError:
            status, text = 408, "the delivery did not come in time"
            self._refused(status, text)
        except ConnectionError:
            return
        except Exception as error:
            status, text = 500, "a bug of the receiver"
            log.exception("a bug", action="delivery_bug", exc_info=error)
        self._answer(status, text)

    def do_GET(self) -> None:
        """Say that deliveries are posted."""
        if self._is_here():
            self._answer(405, "deliveries are sent by POST", {"Allow": "POST"})
        else:
            self._answer(404, "there is nothing here")

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  as above

    def handle_expect_100(self) -> bool:
        """Have the body wait until it is wanted."""
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer what http.server itself refuses."""
        self.request_version = self.protocol_version  # else what is not HTTP/1 is answered without a status
        self._refused(int(code), message or HTTPStatus(code).phrase)
        self._answer(int(code), HTTPStatus(code).phrase)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the signature is given
        """Say nothing: each delivery has a line of its own."""

    def _taken(self, started: float) -> tuple[int, str]:
        if not self._is_here():
            return 404, "there is nothing here"
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = self._length()
        if isinstance(length, tuple):
            self._refused(*length)
            return length
        check_headers(headers)
        body = self._body(length)
        if len(body) != length:
            self._refused(400, "the delivery is cut short")
            return 400, "the delivery is cut short"
        taken = self.server.take(headers, body)
        log.info(
            "delivery repeated" if taken.is_repeated else "delivery taken",
            action="delivery",
            kind=taken.event,
            delivery=taken.delivery,
            signalled=taken.signalled,
            ms=round((time.monotonic() - started) * 1000, 1),
        )
        return 202, "taken before" if taken.is_repeated else "taken"

    def _length(self) -> int | tuple[int, str]:
        """Bytes of the body, or what is wrong with them."""
        text = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not text:
            return 411, "say the length of the delivery"
        if not (text.isascii() and text.isdecimal()):
            return 400, "the length of the delivery is no number"
        if len(text) > len(str(LIMIT_BYTES)) or int(text) > LIMIT_BYTES:
            return 413, f"a delivery has at most {LIMIT_BYTES:,} bytes"
        return int(text)

    def _body(self, length: int) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
            self.wfile.flush()
        if length <= LARGE_BYTES:
            return self.rfile.read(length)
        if not self.server.large.acquire(timeout=self.server.bounds.silent_secs):
            raise TimeoutError
        try:
            return self.rfile.read(length)
        finally:
            self.server.large.release()

    def _is_here(self) -> bool:
        return self.path.partition("?")[0] == self.server.path

    def _refused(self, status: int, reason: str) -> None:
        log.warning(
            "delivery refused", action="delivery_refused", status=status, sender=self.client_address[0], reason=reason
        )

    def _answer(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        body = f"{text}\n".encode()
        with suppress(ConnectionError, TimeoutError):
            self.send_response_only(status)
            for name, value in {
                "Content-Type": "text/plain; charset=utf-8",
                "Content-Length": str(len(body)),
                "Connection": "close",
                **(headers or {}),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            self.wfile.flush()
            self._drain()

    def _drain(self) -> None:
        """Read a little of what still comes: closing on it would take our answer away from the sender."""
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(_POLL_SECS)
        left = _DRAINED_BYTES
        while left > 0 and (chunk := self.connection.recv(min(left, 8192))):
            left -= len(chunk)
