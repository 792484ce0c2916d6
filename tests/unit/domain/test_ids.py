from __future__ import annotations

import uuid

import pytest

from tinytown.domain.errors import AmbiguousError, InvalidInputError, NotFoundError
from tinytown.domain.ids import by_prefix, check_name, derive_id, new_id, short

PARENT = "00000000-0000-4000-8000-000000000001"


def test_derived_id_is_the_same_for_the_same_parts() -> None:
    assert derive_id(PARENT, "task", 1) == derive_id(PARENT, "task", "1")
    assert str(uuid.UUID(derive_id(PARENT, "task", 1))) == derive_id(PARENT, "task", 1)


def test_derived_ids_of_other_parts_or_parents_differ() -> None:
    ids = {
        derive_id(PARENT, "a", "bc"),
        derive_id(PARENT, "ab", "c"),
        derive_id(PARENT, "abc"),
        derive_id(new_id(), "abc"),
    }

    assert len(ids) == 4


def test_new_ids_differ() -> None:
    assert new_id() != new_id()


@pytest.mark.parametrize("name", ["a", "backend", "backend-2", "B.c_d", "7", "x" * 64])
def test_name_of_letters_digits_and_inner_marks_is_accepted(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "a/b", "../x", "-a", "a-", ".a", "a\n", "a\0", "ä", "a:b", "a*", "{a}", "a\\b"],
)
def test_name_that_is_no_plain_word_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="is not valid; use letters, digits"):
        check_name(name)


def test_long_name_is_refused_with_its_length() -> None:
    with pytest.raises(InvalidInputError, match="agent name is 300 characters long; use at most 64"):
        check_name("x" * 300)


@pytest.mark.parametrize("name", ["supervisor", "conductor", "Conductor", "SUPERVISOR"])
def test_reserved_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match=f"town name '{name}' is reserved"):
        check_name(name, "town")


@pytest.mark.parametrize("prefix", ["abc1", "ABC1", " abc1 ", "abc12"])
def test_unambiguous_prefix_is_enough(prefix: str) -> None:
    assert by_prefix(prefix, ["abc12", "abd34"], "run") == "abc12"


def test_whole_id_goes_before_a_longer_one_that_begins_with_it() -> None:
    assert by_prefix("abc", ["abc", "abcd"], "run") == "abc"


@pytest.mark.parametrize("prefix", ["", "  ", "x", "abc123"])
def test_prefix_that_fits_nothing_is_told(prefix: str) -> None:
    with pytest.raises(NotFoundError, match="no run"):
        by_prefix(prefix, ["abc12"], "run")


def test_ambiguous_prefix_shows_what_it_fits() -> None:
    with pytest.raises(AmbiguousError, match="run 'ab' is ambiguous: it fits ab1, ab2; give more characters"):
        by_prefix("ab", ["ab2", "ab1", "x"], "run")


def test_ids_are_shown_short() -> None:
    assert short(PARENT) == "00000000"
