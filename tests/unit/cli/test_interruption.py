"""Being asked to end while working, and while waiting."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from tinytown.cli.interruption import Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_work_is_not_cut_short(number: signal.Signals) -> None:
    interruption, done = Interruption(), []
    with interruption.listen():
        os.kill(os.getpid(), number)
        done.append("work")
    assert done == ["work"]
    assert interruption.is_asked


def test_a_wait_is_ended_and_what_follows_it_runs() -> None:
    interruption, after = Interruption(), []
    with interruption.listen():
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with interruption:
            threading.Event().wait(60)
        after.append("wait")
        timer.join()
    assert after == ["wait"]
    assert interruption.is_asked


def test_a_wait_that_begins_after_the_signal_is_no_wait() -> None:
    interruption = Interruption()
    with interruption.listen():
        os.kill(os.getpid(), signal.SIGINT)
        with interruption:
            threading.Event().wait(60)
    assert interruption.is_asked


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interruption().listen():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
