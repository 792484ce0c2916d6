from __future__ import annotations

import time

import pytest

from tinytown.runtime.redaction import MASK, Redactor, redact

GITHUB = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"token {GITHUB}!", f"token {MASK}!"),
        ("github_pat_" + "11AAA_" * 10, MASK),
        ("key=sk-ant-api03-" + "x" * 40, f"key={MASK}"),
        ('"sk-proj-abcdefghijklmnop"', f'"{MASK}"'),
        ("AKIAIOSFODNN7EXAMPLE", MASK),
        ("Authorization: Bearer abc123def456ghi", f"Authorization: Bearer {MASK}"),
        ("authorization: Basic dXNlcjpwYXNz", f"authorization: Basic {MASK}"),
        ("https://x-access-token:hunter2@github.com/a/b", f"https://{MASK}@github.com/a/b"),
        ("redis://:pa%40ss@host:6379/0", f"redis://{MASK}@host:6379/0"),
    ],
)
def test_what_looks_like_a_token_is_masked(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "task-abcdefghijklmnopqrstuvwxyz",
        "risk-sk-management-of-things",
        "https://github.com/a/b/issues/2#x@y",
        "the bearer of this letter",
        "git@github.com:owner/repo.git",
        "commit 3f2a9c1de0b14c55a7d3b1f0c9e8d7a6b5c4d3e2",
    ],
)
def test_innocent_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_known_values_are_masked_longest_first_and_short_ones_left_alone() -> None:
    assert redact("hunter22-long hunter22 abc", ("hunter22", "hunter22-long", "abc")) == f"{MASK} {MASK} abc"


def test_a_secret_of_many_lines_or_letters_beyond_ascii_is_masked() -> None:
    assert redact("the pässwörd is out", ("pässwörd",)) == f"the {MASK} is out"
    assert Redactor(["line one\nline two"])(b"x line one\nline two y") == f"x {MASK} y".encode()


def test_bytes_that_are_no_text_pass_through() -> None:
    assert Redactor()(b"\xff\x00\xfe") == b"\xff\x00\xfe"


def test_hostile_output_does_not_make_it_slow() -> None:
    redactor = Redactor(["some-secret"])
    # measured as time of this process, so that a busy machine does not matter
    began = time.process_time()
    for hostile in (b"a" * 1_000_000, b"://" * 300_000, b"bearer " * 100_000, b"://a:" * 200_000, b"sk-" * 300_000):
        assert redactor(hostile)
    assert time.process_time() - began < 10
