"""What another host answers that GitHub sends us on to: its logs are there, and it is not GitHub."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.integration.forges.github.conftest import Peer
from tests.peers.exchange import Answer, refused, said
from tests.peers.server import Server

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, NotFoundError, TinytownError
from tinytown.forges.github.client import GitHub

R = "/repos/octo/town"
LOG = f"{R}/actions/jobs/1/logs"
Elsewhere = Callable[[Answer], Server]


@pytest.fixture
def elsewhere(peer: Peer) -> Iterator[Elsewhere]:
    """Another host with the log, which answers as told."""
    servers: list[Server] = []

    def start(answer: Answer) -> Server:
        servers.append(Server(lambda _: answer))
        for path in (LOG, f"{R}/x"):
            peer.on("GET", path, Answer(302, headers={"location": f"{servers[-1].url}/log?sig=secret"}))
        peer.on("GET", R, said({"full_name": "octo/town"}))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(401, "signature expired"), NotFoundError),
        (refused(403, "login attempts"), NotFoundError),
        (Answer(403, b"no", {"x-ratelimit-remaining": "0"}), NotFoundError),
        (Answer(404, b""), NotFoundError),
        (Answer(410, b""), NotFoundError),
        (Answer(304, b""), NotFoundError),
        (Answer(429, b"slow down", {"retry-after": "3600"}), ForgeUnavailableError),
        (Answer(503, b"x", {"retry-after": "3600"}), ForgeUnavailableError),
    ],
)
def test_refusal_elsewhere_is_of_that_file_alone(
    github: GitHub, elsewhere: Elsewhere, answer: Answer, kind: type[TinytownError]
) -> None:
    host = elsewhere(answer).url.removeprefix("http://")
    for _ in range(2):
        with pytest.raises(kind) as caught:
            github.tail(LOG)
        assert type(caught.value) is kind
        assert host in str(caught.value)
        assert "secret" not in str(caught.value)
        assert caught.value.evidence.get("status") != 410, "GitHub itself would mean: never again"
    assert github.get(R, dict[str, str]) == {"full_name": "octo/town"}


def test_quota_told_elsewhere_is_not_githubs(github: GitHub, elsewhere: Elsewhere) -> None:
    quota = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "4102444800"}
    elsewhere(Answer(200, b"log\n", quota))
    assert github.tail(LOG).body == b"log\n"
    assert github.quota().limit is None


def test_only_files_are_read_elsewhere(github: GitHub, elsewhere: Elsewhere) -> None:
    elsewhere(said({"full_name": "mallory/town"}))
    with pytest.raises(ForgeError, match="has moved"):
        github.get(f"{R}/x", dict[str, str])


def test_way_back_from_elsewhere_does_not_lead_to_the_token(github: GitHub, peer: Peer, elsewhere: Elsewhere) -> None:
    elsewhere(Answer(302, headers={"location": f"{peer.url}/private"}))
    peer.on("GET", "/private", refused(401, "Requires authentication"))
    with pytest.raises(NotFoundError):
        github.tail(LOG)
    assert peer.asked[-1].token == ""
    assert github.get(R, dict[str, str])
