"""What holds for every command: help, versions, narrow encodings, readers that go away."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests.acceptance.conftest import TT, TownCalls
from tests.waiting import wait_until

from tinytown import __version__
from tinytown.store.connection import connect
from tinytown.store.server import server_url


def test_version_is_told(repository: TownCalls) -> None:
    assert repository.ok("--version") == f"tt {__version__}\n"


def test_tt_alone_shows_the_commands(repository: TownCalls) -> None:
    shown = repository.ok()
    assert "mission" in shown
    assert "  host " not in shown
    assert shown == repository.ok("--help")


def test_every_command_has_help(repository: TownCalls) -> None:
    for group in ((), ("task",), ("mission",)):
        listed = repository.ok(*group, "--help").split("Commands:\n")[1].splitlines()
        for name in (line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "):
            assert repository.ok(*group, name, "--help").startswith(f"Usage: tt {' '.join((*group, name))} ")


def test_output_without_emoji_shows_question_marks(town: TownCalls) -> None:
    shown = town.ok("status", PYTHONIOENCODING="ascii")
    assert "?  Town: shop-main" in shown


def test_reader_that_goes_away_is_no_bug(town: TownCalls) -> None:
    call = subprocess.Popen(
        [TT, "status", "--deep"], cwd=town.root, env=town.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert call.stdout is not None
    call.stdout.close()
    assert call.wait(timeout=30) == 141
    assert call.stderr is not None
    assert call.stderr.read() == b""
    call.stderr.close()


@pytest.mark.parametrize(("closed", "out"), [("<&-", "Town: shop-main"), (">&-", ""), ("2>&-", "Town: shop-main")])
def test_closed_streams_are_no_trouble(town: TownCalls, closed: str, out: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" status {closed}', TT],
        cwd=town.root,
        env=town.env,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert out in done.stdout


def test_what_is_started_without_streams_works(town: TownCalls) -> None:
    script = 'exec "$0" spawn backend --cli demo <&- >&- 2>&-'
    assert subprocess.run(["/bin/sh", "-c", script, TT], cwd=town.root, env=town.env, check=False).returncode == 0
    wait_until(lambda: town.agent("backend")["state"] == "idle", "backend is idle")


def test_bug_is_told_in_one_line_with_a_report_that_hides_secrets(town: TownCalls) -> None:
    town.ok("send", "conductor", "hello")
    connection = connect(server_url(town.root))
    connection.execute("HSET", "tt:shop-main:agents", "odd", "1")
    connection.execute("HSET", "tt:shop-main:agent:1", "spec", "not a record")
    connection.close()
    done = town.tt("list", MY_TOKEN="sesame-open-up", PATH=f"{town.env['PATH']}:/sesame-open-up")
    assert (done.returncode, done.stdout) == (3, "")
    assert len(done.stderr.splitlines()) == 1
    told = re.fullmatch(r"error: this is a bug in tt: (.+); please report it with the file (.+)\n", done.stderr)
    assert told is not None
    report = Path(told[2])
    assert report.parent == town.root / ".tt" / "reports"
    text = report.read_text()
    assert "Traceback" in text
    assert "arguments: ['list']" in text
    assert "sesame" not in text


def test_folder_that_is_gone_is_told_in_one_line(repository: TownCalls) -> None:
    done = repository.tt("--town", "/dev/null/nowhere", "status")
    assert done.returncode in {1, 2}
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_init_names_the_next_steps(repository: TownCalls) -> None:
    shown = repository.ok("init", "--name", "corner-shop")
    assert "Town corner-shop is founded" in shown
    assert "tt mission dispatch" in shown
    assert 'name = "corner-shop"' in (repository.root / "tinytown.toml").read_text()
    assert ".tt/" in (repository.root / ".gitignore").read_text()
