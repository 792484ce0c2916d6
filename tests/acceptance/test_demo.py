"""`tt demo`, the real program: real host, real agent processes, real checks, real merges."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from tests.waiting import wait_until

TT = str(Path(sys.executable).parent / "tt")
LIMIT_SECS = 90


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """A demo that ran to its end."""

    root: Path
    picture: Path
    code: int
    out: str
    err: str


def environment(home: Path) -> dict[str, str]:
    """An empty home, and nothing that points at another town."""
    ours = ("TINYTOWN_", "REDIS_URL", "GIT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "HOME": str(home), "TMPDIR": str(home), "TERM": "xterm-256color"}


def git(root: Path, *args: str) -> list[str]:
    done = subprocess.run(("git", "-C", str(root), *args), capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def processes_of(folder: Path) -> list[str]:
    """Processes that belong to a town below the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            text = " ".join([*process.cmdline(), process.environ().get("TINYTOWN_TOWN", ""), process.cwd()])
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if str(folder) in text and process.pid != os.getpid():
            found.append(f"{process.pid} {text}")
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo, piped, whose repository stays."""
    home = tmp_path_factory.mktemp("demo")
    root, picture = home / "shop", home / "board.svg"
    done = subprocess.run(
        (TT, "demo", "--keep", str(root), "--svg", str(picture), "--pace", "0.05"),
        env=environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECS,
    )
    try:
        yield Demo(root=root, picture=picture, code=done.returncode, out=done.stdout, err=done.stderr)
    finally:
        subprocess.run((TT, "--town", str(root), "stop"), env=environment(home), capture_output=True, check=False)


def test_demo_succeeds_and_tells_each_event_on_a_line_of_its_own(kept: Demo) -> None:
    assert (kept.code, kept.err) == (0, "")
    assert "\x1b" not in kept.out
    told = [line[10:] for line in kept.out.splitlines() if re.match(r"\d\d:\d\d:\d\d  ", line)]
    assert told[0] == "#1 is ready"
    assert told[-1] == "mission is completed"


def test_demo_leaves_no_process_behind(kept: Demo) -> None:
    assert processes_of(kept.root) == []


def test_main_holds_three_merges_in_the_order_of_their_dependencies(kept: Demo) -> None:
    subjects = git(kept.root, "log", "--first-parent", "--merges", "--reverse", "--format=%s", "main")
    assert subjects == [
        "Merge pull request #1: Design auth API",
        "Merge pull request #2: Implement auth endpoints",
        "Merge pull request #3: Write auth tests",
    ]


def test_repository_of_the_demo_passes_its_own_tests_in_a_fresh_clone(kept: Demo, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--branch", "main", str(kept.root), "clone")
    ran = subprocess.run(
        (sys.executable, "-B", "-m", "unittest"), cwd=tmp_path / "clone", capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "Ran 18 tests" in ran.stderr


def test_first_attempt_fails_the_suite_and_is_mended_in_a_fix_task(kept: Demo) -> None:
    assert kept.out.count("checks of #2 failed") == 1
    assert "#2 goes to backend (fix)" in kept.out
    commits = git(kept.root, "log", "--first-parent", "--format=%s", "main^^1..main^^2")
    assert commits == ["Fix checks: Implement auth endpoints (#2)", "Implement auth endpoints (#2)"]


def test_one_review_rejects_once_and_approves_after_the_fix(kept: Demo) -> None:
    assert kept.out.count("reviewer rejected") == kept.out.count("reviewer rejected #3") == 1
    verdicts = [line[10:].split(" at ")[0] for line in kept.out.splitlines() if "reviewer " in line[10:]]
    judged = [verdict for verdict in verdicts if "approved" in verdict or "rejected" in verdict]
    assert judged == ["reviewer approved #2", "reviewer rejected #3", "reviewer approved #3"]


def test_issues_are_closed_on_main_and_the_checkout_is_clean(kept: Demo) -> None:
    paths = git(kept.root, "ls-tree", "--name-only", "main", "issues/")
    states = [line for path in paths for line in git(kept.root, "show", f"main:{path}") if line.startswith("state:")]
    assert states == ["state: closed"] * 3
    assert git(kept.root, "status", "--porcelain") == []
    assert git(kept.root, "rev-parse", "HEAD") == git(kept.root, "rev-parse", "main")


def test_summary_names_the_commits_the_runs_and_the_tests(kept: Demo) -> None:
    summary = kept.out[kept.out.index("🏁") :]
    for sha in git(kept.root, "log", "--first-parent", "--merges", "--format=%H", "main"):
        assert sha[:10] in summary
    assert "designer 1, backend 2, tester 2, reviewer 3" in summary
    assert "#2 by a failed check; #3 by the reviewer" in summary
    assert "18 pass on main" in summary
    assert str(kept.root) in summary


def test_kept_town_can_be_looked_at_afterwards(kept: Demo) -> None:
    asked = (TT, "--town", str(kept.root), "mission", "status", "--json")
    done = subprocess.run(asked, env=environment(kept.root.parent), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"completed"' in json.dumps(json.loads(done.stdout))


def test_picture_shows_the_board_while_a_failed_check_is_mended(kept: Demo) -> None:
    text = "".join(ET.fromstring(kept.picture.read_text("utf-8")).itertext()).replace("\xa0", " ")  # noqa: S314  ours
    assert "mending" in text
    assert "backend mends #2" in re.sub(r" +", " ", text)


class Terminal:
    """A program under a pseudo-terminal of 80 columns and 30 lines."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 80, 0, 0))
        self.process = subprocess.Popen(
            (TT, *arguments), env=environment(home), cwd=home, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self._chunks: list[bytes] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._ours, 65536)
            except OSError:  # Linux tells the end of a terminal this way
                return
            if not chunk:
                return
            self._chunks.append(chunk)

    @property
    def text(self) -> str:
        """All that was written so far, colours left out; moves of the cursor are still there."""
        return re.sub(r"\x1b\[[0-9;]*m", "", b"".join(self._chunks).decode("utf-8", "replace"))

    def end(self) -> int:
        """Wait for the program's end; its exit code."""
        code = self.process.wait(LIMIT_SECS)
        self._reader.join()
        os.close(self._ours)
        return code


def test_terminal_shows_a_live_board_and_the_temporary_folder_is_removed(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "demo", "--pace", "0.05")
    assert terminal.end() == 0
    frames = terminal.text.split("╭─ Mission ")[1:]
    assert len(frames) > 10
    assert "\x1b[1A" in terminal.text  # drawn in its place
    assert any("mending" in frame and "✗" in frame for frame in frames)
    assert any("running" in frame and "reviewer reviews #3" in frame for frame in frames)
    assert "3 of 3 done" in frames[-1]
    assert list(tmp_path.glob("tinytown-demo-*")) == []
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_demo_stops_everything_and_removes_its_folder(tmp_path: Path, number: signal.Signals) -> None:
    terminal = Terminal(tmp_path, "demo", "--pace", "0.2")
    wait_until(lambda: "reviews #2" in terminal.text or terminal.process.poll() is not None, "the first review", 60)
    terminal.process.send_signal(number)
    assert terminal.end() == 130
    assert list(tmp_path.glob("tinytown-demo-*")) == []
    assert processes_of(tmp_path) == []


def test_running_demo_can_be_followed_from_another_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "demo", "--pace", "0.2", "--keep", "shop")
    wait_until(lambda: "╭─ Mission" in terminal.text or terminal.process.poll() is not None, "the board", 60)
    watching = (TT, "--town", str(tmp_path / "shop"), "mission", "status", "--work", "--dispatcher")
    watched = subprocess.run(watching, env=environment(tmp_path), capture_output=True, text=True, check=False)
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert watched.returncode == 0, watched.stderr
    assert "Design auth API" in watched.stdout
    assert (tmp_path / "shop" / "tinytown.toml").is_file()
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("what", ["full folder", "file"])
def test_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path, what: str) -> None:
    place = tmp_path / "mine"
    if what == "file":
        place.write_text("precious")
    else:
        (place / "precious").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        (TT, "demo", "--keep", str(place)), env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "empty" in done.stderr
    assert sorted(tmp_path.rglob("*")) == before
