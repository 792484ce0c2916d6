from __future__ import annotations

from collections.abc import Iterator

import pytest

from tinytown.domain import errors
from tinytown.domain.errors import NotFoundError, ProblemsError, TinytownError


def classes(root: type[TinytownError] = TinytownError) -> Iterator[type[TinytownError]]:
    yield root
    for child in root.__subclasses__():
        yield from classes(child)


@pytest.mark.parametrize("error", sorted(set(classes()) - {ProblemsError}, key=str))
def test_docstring_is_the_default_message(error: type[TinytownError]) -> None:
    raised = error()

    assert raised.message == str(raised)
    assert raised.message in (error.__doc__ or "")
    assert raised.message.endswith(".")


@pytest.mark.parametrize("error", list(classes()))
def test_exit_code_and_status_are_those_of_an_expected_failure(error: type[TinytownError]) -> None:
    assert error.exit_code in {1, 2}
    assert 400 <= error.http_status < 600


def test_every_error_is_of_the_tree() -> None:
    found = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)}

    assert found == set(classes())


def test_message_and_evidence_are_kept() -> None:
    error = NotFoundError("no run 'x'", run="x")

    assert (str(error), error.message, error.evidence) == ("no run 'x'", "no run 'x'", {"run": "x"})


@pytest.mark.parametrize(
    ("error", "slug"),
    [(errors.NotFoundError, "not-found"), (errors.StaleError, "stale"), (errors.TinytownError, "tinytown")],
)
def test_slug_is_the_name_in_kebab_case(error: type[TinytownError], slug: str) -> None:
    assert error().slug == slug


def test_several_problems_are_a_line_each() -> None:
    error = ProblemsError(("no issue #9", "#1 -> #2 -> #1"))

    assert str(error) == "no issue #9\n#1 -> #2 -> #1"
    assert error.problems == ("no issue #9", "#1 -> #2 -> #1")


def test_failed_hook_is_named() -> None:
    assert errors.HookError("hook before_run failed", hook="before_run").hook == "before_run"
    assert errors.HookError().hook == ""
