"""The README's commands work as printed: they are run as printed, in a repository of its own, with stand-ins for the CLIs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from tests.docs.pages import ROOT
from tests.townhall_process import serving
from tests.waiting import wait_until

USE, FOLLOW = "With real agents, in your repository", "Follow along, step in, stop"
SERVE = "Over HTTP, and from your coding CLI"
README = ROOT / "README.md"
SCRIPTS = Path(sys.executable).parent

# An agent CLI that does what every prompt asks for: look at a review, else commit something, and report.
STAND_IN = """\
#!/bin/sh
if grep -q '^Task kind: review'; then
  exec tt task approve --comment 'read it'
fi
echo "$TINYTOWN_AGENT_NAME" > "$TINYTOWN_TASK_ID.txt"
git add .
git commit --quiet -m "Do it"
exec tt task complete --result 'wrote a file'
"""


class Reader:
    """Somebody who types what a section of the README says."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self.environ = environ

    def type(self, script: str) -> str:
        """What the lines print; AssertionError when one of them fails."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """In a folder with the repository `bookshop`, and with `tt`, `claude` and `codex` on the PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("claude", "codex"):
        (programs / name).write_text(STAND_IN)
        (programs / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TINYTOWN_", "GIT_", "REDIS_"))}
    who = {f"GIT_{role}_{what}": "ada@invalid" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    path = os.pathsep.join((str(programs), str(SCRIPTS), kept["PATH"]))
    opened = Reader(tmp_path, {**kept, **who, "HOME": str(tmp_path), "PATH": path})
    opened.type("git init --quiet -b main bookshop && cd bookshop && git commit --quiet --allow-empty -m 'Sell books'")
    yield opened
    opened.type("cd bookshop && tt stop")


def test_issues_become_merged_pull_requests_as_the_readme_says(reader: Reader) -> None:
    printed = reader.type("\n".join(_blocks(USE)))
    assert "is completed" in printed
    subjects = reader.type("cd bookshop && git log --first-parent --format=%s").splitlines()
    assert subjects[:3] == [
        "Merge pull request #3: Write auth tests",
        "Merge pull request #2: Implement auth endpoints",
        "Merge pull request #1: Design auth API",
    ]
    following, stopping = _blocks(FOLLOW)
    for line in following.splitlines():
        assert reader.type(f"cd bookshop && {line.replace('-f ', '')}") != "", line
    assert "host: stopped" in reader.type(f"cd bookshop && {stopping}")


def test_the_town_is_served_as_the_readme_says(reader: Reader) -> None:
    reader.type("cd bookshop && tt init")
    serve, ask = _blocks(SERVE)
    with serving(reader.folder / "bookshop", reader.environ, *shlex.split(serve, comments=True)[1:]) as process:
        for address in re.findall(r"http://127\.0\.0\.1:8080(/[^\s\"]*)", f"{ask} http://127.0.0.1:8080/docs"):
            with process.client.stream("GET", address) as answer:
                assert answer.status_code == 200, address
        wait_until(lambda: process.client.get("/ready").json()["dispatcher"] == "running", "the dispatcher runs")
        key = re.search(r"`(tt auth gen-key [^`]*)`", README.read_text("utf-8"))
        assert key is not None
        reader.type(f"cd bookshop && {' '.join(key[1].split())}")
        wait_until(lambda: process.client.get("/v1/status").status_code == 401, "a key is asked for")


def _blocks(title: str) -> list[str]:
    """The shell blocks of one section of the README."""
    found: list[str] = []
    heading = ""
    tokens = MarkdownIt().parse(README.read_text("utf-8"))
    for token, before in zip(tokens[1:], tokens[:-1], strict=True):
        if before.type == "heading_open":
            heading = token.content
        elif token.type == "fence" and heading == title:
            found.append(token.content)
    return found
