"""The end of a file, and what is added to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinytown.cli.tail import Tail


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "agent.log"


@pytest.mark.parametrize(("lines", "shown"), [(0, ""), (1, "c\n"), (2, "b\nc\n"), (3, "a\nb\nc\n"), (99, "a\nb\nc\n")])
def test_last_lines_are_shown(log: Path, lines: int, shown: str) -> None:
    log.write_text("a\nb\nc\n")
    assert Tail(log).last(lines) == shown


def test_an_unfinished_last_line_counts(log: Path) -> None:
    log.write_text("a\nb\nc")
    assert Tail(log).last(2) == "b\nc"


def test_large_files_are_read_from_their_end(log: Path) -> None:
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert Tail(log).last(2) == "line 99998\nline 99999\n"


def test_what_is_added_is_read_once(log: Path) -> None:
    tail = Tail(log)
    assert (tail.last(10), tail.read()) == ("", "")
    log.write_text("a\n")
    assert (tail.read(), tail.read()) == ("a\n", "")
    with log.open("a") as file:
        file.write("b\n")
    assert tail.read() == "b\n"


def test_a_character_that_is_written_in_two_parts_is_one(log: Path) -> None:
    tail, heart = Tail(log), "♥".encode()
    log.write_bytes(heart[:1])
    assert tail.read() == ""
    log.write_bytes(heart)
    assert tail.read() == "♥"


def test_a_file_that_shrank_is_read_from_its_beginning(log: Path) -> None:
    log.write_text("a long line\n")
    tail = Tail(log, from_end=True)
    log.write_text("new\n")
    assert tail.read() == "new\n"
