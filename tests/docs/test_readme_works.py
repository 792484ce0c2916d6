"""The README's commands work as printed: they are run as printed, in a repository of its own, with stand-ins for the CLIs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from tests.docs.pages import ROOT

USE, FOLLOW = "With real agents, in your repository", "Follow along, step in, stop"
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
        self._environ = environ

    def type(self, script: str) -> str:
        """What the lines print; AssertionError when one of them fails."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self._environ,
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


def _blocks(title: str) -> list[str]:
    """The shell blocks of one section of the README."""
    found: list[str] = []
    heading = ""
    tokens = MarkdownIt().parse((ROOT / "README.md").read_text("utf-8"))
    for token, before in zip(tokens[1:], tokens[:-1], strict=True):
        if before.type == "heading_open":
            heading = token.content
        elif token.type == "fence" and heading == title:
            found.append(token.content)
    return found
