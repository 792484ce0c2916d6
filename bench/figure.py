"""What a measurement found, as the rows of one plain table."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

ENOUGH = 100
"""Samples from which a 99th percentile can be told."""


class Samples(msgspec.Struct, frozen=True):
    """Times of the same thing done many times, in milliseconds."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)

    @property
    def p99(self) -> float:
        """What all but one in a hundred stay within."""
        ranked = sorted(self.values)
        return ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table."""

    what: str
    figure: str
    """With its unit."""
    reference: str = ""
    """What it is compared with, measured in the same run."""
    ratio: float | None = None
    target: str = ""
    is_met: bool | None = None
    """None: there is no target."""


HEADINGS = ("what", "figure", "reference", "ratio", "target", "met")


def times(samples: Samples) -> str:
    """Median and 99th percentile, or the largest of few."""
    if len(samples.values) < ENOUGH:
        return f"{_ms(samples.median)}, max {_ms(max(samples.values))} ms"
    return f"{_ms(samples.median)}, p99 {_ms(samples.p99)} ms"


def compared(what: str, samples: Samples, to: str, reference: Samples, *, within: float | None = None) -> Row:
    """A median as a multiple of another, both taken in the same run.

    Args:
        what: what was measured.
        samples: its times.
        to: name of the reference.
        reference: the reference's times.
        within: the largest ratio that meets the target, if there is one.
    """
    ratio = samples.median / reference.median
    return Row(
        what=what,
        figure=times(samples),
        reference=f"{to} {_ms(reference.median)} ms",
        ratio=ratio,
        target=f"within {within:g}x" if within is not None else "",
        is_met=ratio <= within if within is not None else None,
    )


def table(rows: Sequence[Row]) -> str:
    """The rows under their headings, columns aligned."""
    lines = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    rule = tuple("-" * width for width in widths)
    aligned = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (lines[0], rule, *lines[1:])
    )
    return "\n".join(aligned)


def _cells(row: Row) -> tuple[str, ...]:
    ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
    met = {True: "yes", False: "NO", None: ""}[row.is_met]
    return row.what, row.figure, row.reference, ratio, row.target, met


def _ms(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"  # noqa: PLR2004  digits that mean something
