from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tinytown.repository.time_limit import left_secs, within


def test_without_a_limit_each_conversation_has_its_own() -> None:
    assert left_secs(60) == 60


def test_limit_is_shared_by_all_that_is_asked_within_it_and_ends_with_it() -> None:
    with within(5):
        assert (0 < left_secs(60) <= 5, left_secs(2)) == (True, 2)
    assert left_secs(60) == 60


def test_limit_within_a_limit_is_no_longer_than_that() -> None:
    with within(5), within(60):
        assert left_secs(100) <= 5


def test_limit_that_is_over_leaves_nothing() -> None:
    with within(0):
        assert left_secs(60) == 0


def test_limit_is_of_one_thread() -> None:
    with within(5), ThreadPoolExecutor(1) as pool:
        assert pool.submit(left_secs, 60).result() == 60
