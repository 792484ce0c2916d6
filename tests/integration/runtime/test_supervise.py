"""Supervision of one real child process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
from tests.integration.runtime.conftest import PATIENT, QUICK, Bench, is_gone

from tinytown.domain.errors import AgentCliError
from tinytown.runtime.ladder import Ladder
from tinytown.runtime.output import PIECE_SIZE, READ_SIZE, TAIL_LINES
from tinytown.runtime.process import Ending, Limits

DEAF = """
    import signal, sys, time
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready", flush=True)
    time.sleep(600)
"""


def test_a_child_runs_to_its_end_and_everything_it_prints_is_kept(bench: Bench) -> None:
    result = bench.run("import sys; print('one'); print('two', file=sys.stderr, flush=True); sys.exit(3)")

    assert (result.ending, result.exit_code, result.signal) == (Ending.EXITED, 3, None)
    assert sorted(bench.lines) == [b"one", b"two"]
    assert sorted(bench.log.read_bytes().splitlines()) == [b"one", b"two"]
    assert sorted(result.tail) == ["one", "two"]
    assert not result.is_success
    assert 0 < result.duration_secs < 60


def test_a_log_is_appended_to(bench: Bench) -> None:
    bench.run("print('first')")
    bench.run("print('second')")

    assert bench.log.read_bytes() == b"first\nsecond\n"


def test_a_child_that_a_signal_ends_tells_which(bench: Bench) -> None:
    result = bench.run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    assert (result.ending, result.exit_code, result.signal) == (Ending.EXITED, None, signal.SIGKILL)


def test_the_child_leads_its_own_session_and_is_put_on_record(bench: Bench) -> None:
    bench.run("import os; print('child', os.getpid(), os.getsid(0), flush=True)")

    identity = bench.started[0]
    assert bench.lines == [b"child %d %d" % (identity.pid, identity.session_id)]
    assert identity.run_id == bench.run_id
    assert identity.session_id != os.getsid(0)


def test_a_prompt_of_five_megabytes_is_echoed_while_it_is_read(bench: Bench) -> None:
    prompt = b"0123456789 abcdef\n" * 300_000

    result = bench.run("import sys\nfor line in sys.stdin.buffer: sys.stdout.buffer.write(line)", stdin=prompt)

    assert result.is_success
    assert len(bench.lines) == 300_000
    assert bench.log.stat().st_size == len(prompt)


def test_a_child_that_does_not_read_its_prompt_is_no_trouble(bench: Bench) -> None:
    result = bench.run("import os; os.close(0); print('no thanks')", stdin=b"x" * 5_000_000)

    assert result.is_success
    assert bench.lines == [b"no thanks"]


def test_without_a_prompt_the_input_is_empty(bench: Bench) -> None:
    assert bench.run("import sys; assert sys.stdin.read() == ''").is_success


def test_a_last_line_without_an_end_and_bytes_that_are_no_text_come_through(bench: Bench) -> None:
    result = bench.run(r"import sys; sys.stdout.buffer.write(b'a\r\n\n\xff\xfe end')")

    assert bench.lines == [b"a", b"", b"\xff\xfe end"]
    assert result.tail == ("a", "", "\ufffd\ufffd end")


def test_a_huge_line_comes_in_pieces_and_whole_into_the_log(bench: Bench) -> None:
    result = bench.run("import sys; sys.stdout.write('0123456789' * 500_000 + '\\n')")

    assert result.is_success
    assert b"".join(bench.lines) == b"0123456789" * 500_000
    assert len(bench.lines) > 1
    assert max(map(len, bench.lines)) <= PIECE_SIZE + READ_SIZE
    assert bench.log.read_bytes() == b"0123456789" * 500_000 + b"\n"


def test_endless_output_is_ended_by_the_time_limit(bench: Bench) -> None:
    result = bench.run(
        "while True: print('again and again')",
        limits=Limits(run_timeout_secs=0.5, stall_timeout_secs=60, ladder=PATIENT),
    )

    assert result.ending is Ending.TIMED_OUT
    assert len(result.tail) == TAIL_LINES


def test_secrets_are_masked_wherever_output_goes_even_in_huge_lines(bench: Bench) -> None:
    secret = "sesame-" + "open" * 5
    filler = PIECE_SIZE - 10
    program = f"""
        import sys
        print("key {secret} and ghp_{"a1" * 18}")
        sys.stdout.write("x" * {filler} + "{secret}" + "y" * {PIECE_SIZE} + "\\n")
    """

    result = bench.run(program, redact=(secret,))

    assert bench.lines[0] == b"key [redacted] and [redacted]"
    assert result.tail[0] == "key [redacted] and [redacted]"
    assert secret.encode() not in bench.log.read_bytes()
    assert secret.encode() not in b"".join(bench.lines)


def test_silence_is_a_stall_whatever_was_printed_before(bench: Bench) -> None:
    result = bench.run(
        "import time; print('thinking', flush=True); time.sleep(600)",
        limits=Limits(run_timeout_secs=60, stall_timeout_secs=0.5, ladder=PATIENT),
    )

    assert result.ending is Ending.STALLED
    assert bench.lines[0] == b"thinking"


def test_a_child_that_keeps_talking_is_not_stalled(bench: Bench) -> None:
    result = bench.run(
        "import time\nfor n in range(12): print(n, flush=True); time.sleep(0.2)",
        limits=Limits(run_timeout_secs=60, stall_timeout_secs=2.0, ladder=PATIENT),
    )

    assert result.is_success
    assert result.duration_secs > 2.0


def test_a_child_that_obeys_the_interrupt_ends_in_its_own_way(bench: Bench) -> None:
    program = """
        import signal, sys, time
        def leave(*_):
            print("tidied up", flush=True)
            sys.exit(0)
        signal.signal(signal.SIGINT, leave)
        print("ready", flush=True)
        time.sleep(600)
    """

    result = bench.run(program, stop_at=b"ready", limits=Limits(ladder=PATIENT))

    assert (result.ending, result.exit_code) == (Ending.STOPPED, 0)
    assert bench.lines[-1] == b"tidied up"


def test_a_child_that_ignores_interrupt_and_terminate_is_killed(bench: Bench) -> None:
    result = bench.run(DEAF, stop_at=b"ready", limits=Limits(ladder=QUICK))

    assert (result.ending, result.exit_code, result.signal) == (Ending.STOPPED, None, signal.SIGKILL)
    assert result.duration_secs >= QUICK.int_secs + QUICK.term_secs
    assert result.survivors == ()


def test_grandchildren_that_outlive_the_child_are_stopped_without_waiting_for_the_interrupt(bench: Bench) -> None:
    program = f"""
        import subprocess, sys
        grandchild = subprocess.Popen([sys.executable, "-c", {textwrap.dedent(DEAF)!r}], stdout=subprocess.PIPE)
        grandchild.stdout.readline()
        print("grandchild", grandchild.pid, flush=True)
    """

    result = bench.run(program, limits=Limits(ladder=Ladder(int_secs=60, term_secs=0.5, kill_secs=10)))

    assert result.ending is Ending.EXITED
    assert is_gone(bench.pid_of(b"grandchild"))
    assert result.duration_secs < 30


def test_a_grandchild_in_a_session_of_its_own_is_found_by_the_mark_of_the_run(bench: Bench) -> None:
    program = """
        import subprocess, sys
        sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        print("sleeper", sleeper.pid, flush=True)
    """

    result = bench.run(program)

    assert result.is_success
    assert is_gone(bench.pid_of(b"sleeper"))


def test_a_daemon_that_holds_the_output_open_is_not_waited_for(bench: Bench, to_be_killed: list[int]) -> None:
    program = """
        import subprocess, sys
        daemon = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True, env={}
        )
        print("daemon", daemon.pid, flush=True)
        print("last words")
    """

    result = bench.run(program, stdin=b"x" * 1_000_000)

    to_be_killed.append(bench.pid_of(b"daemon"))
    assert result.is_success
    assert bench.lines[-1] == b"last words"
    assert result.duration_secs < 30
    assert not is_gone(bench.pid_of(b"daemon"))


def test_cancelling_the_supervision_stops_the_child_first(bench: Bench) -> None:
    async def cancelled() -> None:
        ready = asyncio.Event()
        launch = bench.launch(DEAF)
        run = asyncio.create_task(bench.supervised(launch, limits=Limits(ladder=QUICK), on_line=lambda _: ready.set()))
        await ready.wait()
        run.cancel()
        await asyncio.wait({run}, timeout=0.1)
        run.cancel()  # impatience does not cut the ladder short
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(cancelled())

    assert is_gone(bench.started[0].pid)


@pytest.mark.parametrize("line", [b"ready", None])
def test_an_error_of_whoever_listens_ends_the_run_and_is_raised(bench: Bench, line: bytes | None) -> None:
    def fail(_: object) -> None:
        raise AgentCliError("the store is gone")

    async def run() -> None:
        if line is None:
            bench.started = _Failing()
        await bench.supervised(bench.launch(DEAF), limits=Limits(ladder=QUICK), on_line=fail)

    with pytest.raises(AgentCliError, match="the store is gone"):
        asyncio.run(run())


class _Failing(list):  # type: ignore[type-arg]  # a list whose append fails
    def append(self, _: object) -> None:
        raise AgentCliError("the store is gone")


def test_runs_leave_no_open_files_behind(bench: Bench) -> None:
    async def runs() -> list[int]:
        counts = []
        for _ in range(4):
            await bench.supervised(bench.launch("import os; os.close(0); print('x' * 9)", stdin=b"x" * 500_000))
            with pytest.raises(AgentCliError):
                await bench.supervised(bench.launch("", argv=("no-such-program",), stdin=b"x"))
            counts.append(psutil.Process().num_fds())
        return counts

    counts = asyncio.run(runs())

    assert counts[1:] == counts[:1] * 3


def test_a_program_that_cannot_be_started_is_a_one_line_error(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("not a program")
    (tmp_path / "file").write_text("")
    cases = (
        ({"argv": ("no-such-program",)}, "cannot start no-such-program: no such program; install it or put it on PATH"),
        ({"argv": (str(tmp_path / "plain"),)}, "it is not executable"),
        ({"cwd": tmp_path / "nowhere"}, "its folder .*nowhere does not exist"),
        ({"argv": (sys.executable, "a\0b")}, "cannot start .*: embedded null byte"),
        ({"log_path": tmp_path / "file" / "log"}, "cannot write the log .*file/log: "),
    )
    for changes, complaint in cases:
        with pytest.raises(AgentCliError, match=complaint) as raised:
            bench.run("", **changes)
        assert "\n" not in str(raised.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_costs_the_log_and_not_the_run(bench: Bench) -> None:
    result = bench.run("print('one'); print('two')", log_path=Path("/dev/full"))

    assert result.is_success
    assert bench.lines == [b"one", b"two"]
    assert result.log_error == "the log is incomplete: No space left on device"


def test_a_launch_shows_neither_prompt_nor_environment_nor_secrets(bench: Bench) -> None:
    launch = bench.launch(
        "", argv=("cli", "--key=topsecret-1", "y" * 500), stdin=b"the prompt", redact=("topsecret-1",)
    )

    shown = f"{launch!r} {launch.__rich_repr__()}"

    assert "cli --key=[redacted]" in shown
    assert not [secret for secret in ("topsecret-1", "the prompt", bench.run_id, "y" * 100) if secret in shown]
