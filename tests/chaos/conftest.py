"""Failing assertions of the helpers show their values."""

import pytest

pytest.register_assert_rewrite("tests.chaos.verdict", "tests.chaos.scenario")
