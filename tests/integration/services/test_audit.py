"""Who changed what: in the events of a real store and in a real file."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tinytown.services.audit import REFUSALS, Audit, Audited, AuditFile
from tinytown.store.connection import Connection, connect
from tinytown.store.events import EventStream
from tinytown.store.keys import Keys

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
CHANGE = Audited(
    at=NOW,
    who="key:ci",
    what="stopMission",
    target="0198",
    result="200",
    request_id="r-1",
    address="192.0.2.1",
)


def mask(text: str) -> str:
    return text.replace("hunter2", "***")


@pytest.fixture
def audit(tmp_path: Path, connection: Connection, keys: Keys) -> Audit:
    @contextmanager
    def lend() -> Iterator[Connection]:
        yield connection

    return Audit(tmp_path / "logs", lend, keys, mask)


def lines(folder: Path, name: str = "audit.log") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "logs" / name).read_text("utf-8").splitlines()]


def test_a_change_is_a_line_of_the_file_and_an_event(
    audit: Audit, tmp_path: Path, connection: Connection, keys: Keys
) -> None:
    audit.changed(CHANGE)

    assert lines(tmp_path) == [
        {
            "at": "2026-01-05T12:00:00Z",
            "who": "key:ci",
            "what": "stopMission",
            "target": "0198",
            "result": "200",
            "request_id": "r-1",
            "address": "192.0.2.1",
        }
    ]
    (event,) = EventStream(connection, keys, "0-0").wait(0)
    assert (event.type, event.text, event.at) == ("audit.change", "key:ci: stopMission 0198: 200", NOW)


def test_a_refused_attempt_is_in_the_file_only(
    audit: Audit, tmp_path: Path, connection: Connection, keys: Keys
) -> None:
    audit.refused(Audited(at=NOW, who="", what="POST /v1/missions", result="401"))

    assert [line["result"] for line in lines(tmp_path)] == ["401"]
    assert EventStream(connection, keys, "0-0").wait(0) == []


def test_of_many_refused_attempts_in_a_minute_only_the_number_is_kept(audit: Audit, tmp_path: Path) -> None:
    attempt = Audited(at=NOW, who="", what="POST /v1/missions", result="401")
    for _ in range(REFUSALS + 7):
        audit.refused(attempt)
    assert len(lines(tmp_path)) == REFUSALS

    audit.refused(Audited(at=NOW + timedelta(minutes=1), who="", what="GET /v1/status", result="403"))

    assert lines(tmp_path)[-1]["left_out"] == 7
    assert len(lines(tmp_path)) == REFUSALS + 1


def test_nobody_else_can_read_the_file(audit: Audit, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        audit.changed(CHANGE)
    finally:
        os.umask(old)

    assert stat.S_IMODE((tmp_path / "logs" / "audit.log").stat().st_mode) == 0o600


@pytest.mark.parametrize("limit_bytes", [1000, 1])
def test_files_that_others_could_read_are_closed_to_them(tmp_path: Path, limit_bytes: int) -> None:
    path = tmp_path / "audit.log"
    path.write_text('"before"\n', encoding="utf-8")
    path.chmod(0o664)

    AuditFile(tmp_path, limit_bytes=limit_bytes).append('"line"')

    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("audit.log*")} == {0o600}


def test_secrets_are_masked(audit: Audit, tmp_path: Path, connection: Connection, keys: Keys) -> None:
    audit.changed(Audited(at=NOW, who="key:ci", what="POST /hunter2", result="200"))

    assert lines(tmp_path)[0]["what"] == "POST /***"
    assert "hunter2" not in EventStream(connection, keys, "0-0").wait(0)[0].text


def test_a_file_that_is_full_gives_way_to_a_new_one_and_old_ones_go(tmp_path: Path) -> None:
    file = AuditFile(tmp_path / "logs", limit_bytes=10, kept=2)

    for number in range(5):
        file.append(f'"line {number}"')

    found = {path.name: path.read_text("utf-8") for path in (tmp_path / "logs").glob("audit.log*")}
    assert found == {"audit.log": '"line 4"\n', "audit.log.1": '"line 3"\n', "audit.log.2": '"line 2"\n'}


def test_several_writers_lose_no_line_and_mix_none(tmp_path: Path) -> None:
    files = [AuditFile(tmp_path / "logs", limit_bytes=1000, kept=100) for _ in range(4)]

    def write(number: int) -> None:
        for count in range(100):
            files[number].append(f'"{number}-{count}"')

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))

    logs = (tmp_path / "logs").glob("audit.log*")
    found = sorted(line for path in logs for line in path.read_text("utf-8").splitlines())
    assert found == sorted(f'"{number}-{count}"' for number in range(4) for count in range(100))


def test_a_file_that_cannot_be_written_is_logged_and_the_event_still_comes(
    audit: Audit, tmp_path: Path, connection: Connection, keys: Keys
) -> None:
    (tmp_path / "logs").write_text("in the way")

    with capture_logs() as logged:
        audit.changed(CHANGE)

    assert [line["action"] for line in logged] == ["audit_failed"]
    assert len(EventStream(connection, keys, "0-0").wait(0)) == 1


def test_a_store_that_is_away_is_logged_and_the_file_has_the_change(tmp_path: Path) -> None:
    @contextmanager
    def lend() -> Iterator[Connection]:
        yield connect("redis://127.0.0.1:1")

    with capture_logs() as logged:
        Audit(tmp_path / "logs", lend, Keys.of("nowhere"), mask).changed(CHANGE)

    assert [line["action"] for line in logged] == ["audit_untold"]
    assert len(lines(tmp_path)) == 1
