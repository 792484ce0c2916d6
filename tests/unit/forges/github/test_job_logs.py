"""What of a job's log is handed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytown.forges.github.logs import LOG_CHARS, annotation_line, cleaned
from tinytown.forges.github.shapes import AnnotationShape

STAMP = "2026-11-21T12:00:00.1234567Z "


def test_times_colours_and_groups_are_stripped() -> None:
    log = f"\ufeff{STAMP}##[group]Run pytest\n{STAMP}\x1b[31mFAILED\x1b[0m a.py\r\n{STAMP}##[endgroup]\n"
    assert cleaned(log) == "Run pytest\nFAILED a.py"


def test_what_follows_the_last_error_is_left_out() -> None:
    log = f"{STAMP}boom\n{STAMP}##[error]Process completed with exit code 1.\n{STAMP}Post job cleanup.\n"
    assert cleaned(log) == "boom\n##[error]Process completed with exit code 1."


def test_only_some_lines_before_the_first_error_are_kept() -> None:
    log = "\n".join([*(f"line {n}" for n in range(500)), "##[error]one", "between", "##[error]two"])
    kept = cleaned(log).splitlines()
    assert kept[0] == "line 380"
    assert kept[-3:] == ["##[error]one", "between", "##[error]two"]


def test_log_without_an_error_is_kept_by_its_end() -> None:
    kept = cleaned("\n".join(f"line {n:05}" for n in range(5000)))
    assert kept.startswith("…\nline 0")
    assert kept.endswith("line 04999")


def test_first_line_of_a_cut_log_is_left_out() -> None:
    assert cleaned("lf a line\nwhole", is_cut=True) == "whole"


@pytest.mark.parametrize("text", ["", "\n\n", STAMP])
def test_empty_log_is_empty(text: str) -> None:
    assert cleaned(text) == ""


@given(st.text(alphabet=st.characters(), max_size=300).map(lambda text: text * 90), st.booleans())
def test_what_is_kept_is_bounded_and_has_no_control_characters(text: str, is_cut: bool) -> None:  # noqa: FBT001
    kept = cleaned(text, is_cut=is_cut)
    assert len(kept) <= LOG_CHARS + 2
    assert not set(kept) & {chr(code) for code in range(32) if chr(code) not in "\t\n"}


def test_annotation_says_file_line_level_title_and_message() -> None:
    shape = AnnotationShape(path="a.py", start_line=3, annotation_level="failure", title="E1", message=" boom\n")
    assert annotation_line(shape) == "a.py:3: failure: E1: boom"


def test_annotation_may_lack_anything() -> None:
    assert annotation_line(AnnotationShape(message="boom")) == "boom"


def test_long_annotation_is_cut() -> None:
    assert len(annotation_line(AnnotationShape(message="x" * 9000))) == 1001
