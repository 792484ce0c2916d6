"""What a failed job says of itself is asked for at once: an agent waits for it."""

from __future__ import annotations

from threading import Barrier
from typing import Any

import msgspec
import pytest
from tests.integration.forges.github.conftest import Peer
from tests.integration.forges.github.looking import TOWN, R, check
from tests.peers.exchange import Answer, Request, refused, said

from tinytown.domain.errors import ForgeUnavailableError
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.logs import Logs
from tinytown.forges.github.shapes import CheckRunShape

PLACE = {"path": "a.py", "start_line": 3, "end_line": 3, "annotation_level": "failure", "message": "boom"}
JOB, LOG, NOTES = f"{R}/actions/jobs/1", f"{R}/actions/jobs/1/logs", f"{R}/check-runs/1/annotations"


@pytest.fixture
def run() -> CheckRunShape:
    return msgspec.convert(check(1, "failure", annotations=1), CheckRunShape)


def test_job_log_and_annotations_are_asked_for_at_once(github: GitHub, peer: Peer, run: CheckRunShape) -> None:
    three = Barrier(3)

    def together(body: Any) -> Any:
        def answer(_: Request) -> Answer:
            three.wait(10)  # broken unless all three are there
            return body if isinstance(body, Answer) else said(body)

        return answer

    peer.on(
        "GET",
        JOB,
        together({"id": 1, "run_id": 5, "run_attempt": 2, "steps": [{"name": "Test", "conclusion": "failure"}]}),
    )
    peer.on("GET", LOG, together(Answer(200, b"E   1 is not 2")))
    peer.on("GET", NOTES, together([PLACE]))

    found = Logs(github, TOWN).of(run)

    assert (found.is_whole, found.attempt) == (True, 2)
    assert all(text in found.output for text in ("Failed steps: Test", "a.py:3: failure: boom", "E   1 is not 2"))


def test_evidence_that_cannot_be_read_just_now_is_read_later(github: GitHub, peer: Peer, run: CheckRunShape) -> None:
    peer.on("GET", JOB, said({"id": 1, "run_id": 5}))
    peer.on("GET", NOTES, said([PLACE]))
    peer.on("GET", LOG, refused(502, "bad"))
    with pytest.raises(ForgeUnavailableError):
        Logs(github, TOWN).of(run)
