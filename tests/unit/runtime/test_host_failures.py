from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tinytown.runtime.host_failures import FILE, SOUND_SECS, TELL_AFTER, HostFailures

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(("times", "secs"), [(1, 10), (2, 20), (3, 40), (6, 300), (99, 300)])
def test_the_pause_before_the_next_host_grows(tmp_path: Path, times: int, secs: int) -> None:
    failures = HostFailures(tmp_path)
    for _ in range(times):
        failures.note("boom", lived_secs=0.1, at=NOW)

    found = failures.read()

    assert found is not None
    assert (found.count, found.reason, found.start_at) == (times, "boom", NOW + timedelta(seconds=secs))


def test_a_host_that_had_lived_well_is_the_first_failure_again(tmp_path: Path) -> None:
    failures = HostFailures(tmp_path)
    for lived_secs in (1, 1, SOUND_SECS):
        failures.note("boom", lived_secs=lived_secs, at=NOW)

    found = failures.read()

    assert found is not None
    assert found.count == 1


def test_a_person_is_told_once(tmp_path: Path) -> None:
    failures = HostFailures(tmp_path)
    told = []
    for _ in range(TELL_AFTER + 3):
        failures.note("boom", lived_secs=0.1, at=NOW)
        told.append(failures.to_be_told())

    assert [found.count for found in told if found] == [TELL_AFTER]


def test_a_host_that_ended_in_order_leaves_nothing(tmp_path: Path) -> None:
    failures = HostFailures(tmp_path)
    failures.note("boom", lived_secs=0.1, at=NOW)

    failures.clear()
    failures.clear()

    assert failures.read() is None
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_cannot_be_kept_or_read_is_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    assert HostFailures(tmp_path).read() is None

    gone = HostFailures(tmp_path / "gone")
    gone.note("boom", lived_secs=0.1, at=NOW)
    assert gone.read() is None
