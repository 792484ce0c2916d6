from __future__ import annotations

import pytest
from bench.__main__ import main
from bench.figure import Row, Samples, compared, table


def test_median_and_p99_are_those_of_the_samples() -> None:
    samples = Samples(tuple(float(n) for n in range(1, 201)))
    assert (samples.median, samples.p99) == (100.5, 199.0)


@pytest.mark.parametrize(("within", "is_met", "target"), [(5.0, True, "within 5x"), (3.0, False, "within 3x")])
def test_ratio_of_medians_decides_whether_a_target_is_met(within: float, is_met: bool, target: str) -> None:  # noqa: FBT001  a test's parameter
    row = compared("a command", Samples((40.0,) * 3), "nothing", Samples((10.0,) * 3), within=within)
    assert (row.ratio, row.is_met, row.target) == (4.0, is_met, target)


def test_few_samples_are_told_with_their_largest_many_with_their_p99() -> None:
    few = compared("few", Samples((1.0, 2.0, 9.0)), "nothing", Samples((1.0,)))
    many = compared("many", Samples((1.0,) * 200), "nothing", Samples((1.0,)))
    assert (few.figure, many.figure) == ("2.000, max 9.000 ms", "1.000, p99 1.000 ms")


def test_table_aligns_columns_and_says_no_loudly() -> None:
    lines = table([Row(what="slow", figure="9 s", target="under 1 s", is_met=False), Row(what="x", figure="1 MB")])
    assert lines.splitlines() == [
        "what  figure  reference  ratio  target     met",
        "----  ------  ---------  -----  ---------  ---",
        "slow  9 s                       under 1 s  NO",
        "x     1 MB",
    ]


def test_unknown_measurement_is_a_usage_error_that_names_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["everything"]) == 2
    assert "commands, messages, dispatching, steps, host" in capsys.readouterr().err
