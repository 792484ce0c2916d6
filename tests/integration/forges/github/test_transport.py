"""Time and size limits, and connections that break, against a real server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from tests.integration.forges.github.conftest import Peer
from tests.peers.exchange import CUT, Answer, said

from tinytown.domain.errors import ForgeError, ForgeUnavailableError
from tinytown.forges.github.transport import Request, Transport


@pytest.fixture
def transport(peer: Peer) -> Iterator[Transport]:
    opened = Transport(peer.url, timeout_secs=0.3, total_secs=0.6)
    yield opened
    opened.close()


def get(url: str) -> Request:
    return Request(method="GET", url=url, headers={"authorization": "Bearer s3cret"})


def test_silent_server_is_given_up(transport: Transport, peer: Peer) -> None:
    peer.on("GET", "/slow", Answer(200, b"{}", wait_secs=5))
    with pytest.raises(ForgeUnavailableError, match="no answer in time"):
        transport.exchange(get(f"{peer.url}/slow"))


def test_server_that_drips_is_given_up_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()
        thread = threading.Thread(target=_drip, args=(listening, over))
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        slow = Transport(url, timeout_secs=0.3, total_secs=0.5)
        try:
            with pytest.raises(ForgeUnavailableError, match="in time"):
                slow.exchange(get(f"{url}/x"))
        finally:
            over.set()
            slow.close()
            thread.join()


def _drip(listening: socket.socket, over: threading.Event) -> None:
    served, _ = listening.accept()
    with served:
        served.recv(65536)
        served.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while not over.wait(0.05):
            try:
                served.sendall(b"x")
            except OSError:
                return


@pytest.mark.parametrize("answer", [CUT, Answer(200, b"abcdef", cut_after=3), Answer(200, b"abcdef", cut_after=0)])
def test_cut_connection_is_an_outage(transport: Transport, peer: Peer, answer: Answer) -> None:
    peer.on("GET", "/x", answer)
    with pytest.raises(ForgeUnavailableError, match="the connection broke"):
        transport.exchange(get(f"{peer.url}/x"))


def test_what_is_no_http_is_an_outage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=_babble, args=(listening,))
        thread.start()
        transport = Transport(url)
        try:
            with pytest.raises(ForgeUnavailableError, match="the connection broke"):
                transport.exchange(get(url))
        finally:
            transport.close()
            thread.join()


def _babble(listening: socket.socket) -> None:
    served, _ = listening.accept()
    with served:
        served.recv(65536)
        served.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")


def test_garbled_body_is_an_outage(transport: Transport, peer: Peer) -> None:
    peer.on("GET", "/x", Answer(200, b"not gzip", {"content-encoding": "gzip"}))
    with pytest.raises(ForgeUnavailableError, match="garbled"):
        transport.exchange(get(f"{peer.url}/x"))


def test_answer_without_end_is_refused(transport: Transport, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinytown.forges.github.transport._MAX_BYTES", 1000)
    peer.on("GET", "/x", Answer(200, b"x" * 2000))
    with pytest.raises(ForgeUnavailableError, match="more than 1,000 bytes"):
        transport.exchange(get(f"{peer.url}/x"))
    assert len(transport.exchange(get(f"{peer.url}/x"), keep_last=10).body) == 10


def test_token_is_for_the_apis_own_origin(transport: Transport, peer: Peer) -> None:
    for url in ("http://localhost:1/x", peer.url.replace("http:", "https:"), "http://127.0.0.1:1/"):
        with pytest.raises(ForgeError, match="not its own"):
            transport.exchange(get(url))


def test_request_does_not_show_its_headers() -> None:
    assert "s3cret" not in repr(get("http://x.example/"))
    assert "s3cret" not in repr(get("http://x.example/").__rich_repr__())


def test_closed_transport_opens_itself_again(transport: Transport, peer: Peer) -> None:
    peer.on("GET", "/x", said({}))
    assert transport.exchange(get(f"{peer.url}/x")).status == 200
    transport.close()
    transport.close()
    assert transport.exchange(get(f"{peer.url}/x")).status == 200


def test_idle_connection_that_the_server_dropped_is_no_trouble() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        dropped = threading.Event()
        thread = threading.Thread(target=_answer_once_each, args=(listening, 3, dropped))
        thread.start()
        transport = Transport(url)
        try:
            for _ in range(3):
                request = Request(method="POST", url=f"{url}/x", headers={}, body=b"{}")
                assert transport.exchange(request).body == b"ok"
                assert dropped.wait(5)
                dropped.clear()
        finally:
            transport.close()
            thread.join()


def _answer_once_each(listening: socket.socket, times: int, dropped: threading.Event) -> None:
    """One answer a connection, which looks as if the connection stayed."""
    for _ in range(times):
        served, _ = listening.accept()
        with served:
            served.recv(65536)
            served.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nkeep-alive: timeout=5\r\n\r\nok")
        dropped.set()
