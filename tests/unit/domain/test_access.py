"""API keys as texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytown.domain.access import check_key_name, compose_key, name_in_key
from tinytown.domain.errors import InvalidInputError

KEY = "tt_ci_" + "0" * 42 + "1" + "0gMMLQ"


def test_a_key_says_its_name_its_secret_and_a_checksum() -> None:
    key = compose_key("ci", bytes(31) + b"\x01")

    assert key[:-6] == KEY[:-6]
    assert len(key) == len(KEY)
    assert name_in_key(key) == "ci"


@given(
    st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?", fullmatch=True), st.binary(min_size=32, max_size=32)
)
def test_the_name_of_every_key_is_found_in_it(name: str, secret: bytes) -> None:
    assert name_in_key(compose_key(check_key_name(name), secret)) == name


def test_two_secrets_never_make_the_same_key() -> None:
    assert compose_key("ci", b"\xff" * 32) != compose_key("ci", b"\xff" * 31 + b"\xfe")
    assert name_in_key(compose_key("ci", b"\xff" * 32)) == "ci"


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1],
        lambda key: key + "0",
        lambda key: key.replace("tt_", "TT_"),
        lambda key: key.replace("_ci_", "_cj_"),
        lambda key: key.replace("_ci_", "__"),
        lambda key: key.replace("_ci_", "_-_"),
        lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"),
        lambda key: key[:10] + ("a" if key[10] != "a" else "b") + key[11:],
        lambda key: key + "\n",
        lambda key: key[:0],
        lambda key: key[:3],
        lambda key: "é" + key,
    ],
)
def test_what_was_copied_wrong_is_no_key(change: Callable[[str], str]) -> None:
    assert name_in_key(change(compose_key("ci", b"\x07" * 32))) is None


@pytest.mark.parametrize("name", ["", "_", "a_", "-a", "a b", "é", "a" * 65, "a\n", "a/b"])
def test_a_name_that_cannot_be_in_a_key_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="is not valid; use at most 64 letters"):
        check_key_name(name)
