from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from tests.integration.forges.github.conftest import Peer
from tests.peers.exchange import said

from tinytown.domain.errors import ForgeUnavailableError
from tinytown.forges.github.client import GitHub
from tinytown.repository.time_limit import within

ISSUE = "/repos/octo/town/issues/3"


class Issue(msgspec.Struct, frozen=True):
    number: int


@pytest.fixture
def _time_is_over() -> Iterator[None]:
    with within(0):
        yield


@pytest.mark.usefixtures("_time_is_over")
def test_nothing_is_asked_or_changed_once_the_time_of_whoever_waits_is_over(github: GitHub, peer: Peer) -> None:
    peer.on("GET", ISSUE, said({"number": 3}))
    peer.on("PATCH", ISSUE, said({"number": 3}))

    with pytest.raises(ForgeUnavailableError, match="no time left to ask"):
        github.get(ISSUE, Issue)
    with pytest.raises(ForgeUnavailableError, match="no time left to ask"):
        github.send("PATCH", ISSUE, Issue, {"state": "closed"})

    assert peer.asked == []
