"""An HTTP server in the test's process, whose answers a function gives."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable
from urllib.parse import parse_qsl

from tests.peers.exchange import Answer, Request


class Server:
    """Listens on a free port of the loopback from the start until `stop()`."""

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self.answer = answer
        self.connections: list[int] = []
        """The ports of the clients that ever connected."""
        self._over = threading.Event()
        self._http = _Listener(("127.0.0.1", 0), _handler(self))
        self.port = int(self._http.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def pause(self, secs: float) -> None:
        """Wait, but not past the end of the test."""
        self._over.wait(secs)

    def release(self) -> None:
        """Let everything go on that waits now."""
        self._over.set()
        self._over = threading.Event()

    def stop(self) -> None:
        self._over.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True  # kept connections of clients that are not closed would hold the end up
    block_on_close = False
    request_queue_size = 64


def _handler(server: Server) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # with it, and unbuffered, a request takes 45 ms instead of 4
        wbufsize = -1
        timeout = 60

        def handle(self) -> None:
            server.connections.append(int(self.client_address[1]))
            try:
                super().handle()
            except (ConnectionError, TimeoutError):
                self.close_connection = True  # a client that went away, killed by the test

        def serve(self) -> None:
            path, _, query = self.path.partition("?")
            self.send(
                server.answer(
                    Request(
                        method=self.command,
                        path=path,
                        query=dict(parse_qsl(query, keep_blank_values=True)),
                        headers={name.lower(): value for name, value in self.headers.items()},
                        body=self.rfile.read(int(self.headers.get("content-length") or 0)),
                    )
                )
            )

        def send(self, answer: Answer) -> None:
            if answer.wait_secs:
                server.pause(answer.wait_secs)
            if answer.cut_after is None or answer.cut_after >= 0:
                self.send_response_only(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.status not in {204, 304}:
                    self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body[: answer.cut_after])
                self.wfile.flush()
            self.close_connection = self.close_connection or answer.cut_after is not None

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = serve  # noqa: N815  the names that http.server looks for

        def log_message(self, *args: object) -> None:
            """Say nothing: the tests look at what was asked."""

    return Handler
