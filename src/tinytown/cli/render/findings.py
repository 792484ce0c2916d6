"""What `tt doctor` found, for people."""

from __future__ import annotations

from collections.abc import Sequence

from tinytown.cli.render.text import count, plain
from tinytown.domain.finding import Finding, Health

_SIGNS = {Health.OK: "✅", Health.WARNING: "⚠️ ", Health.PROBLEM: "❌"}
_AREA_WIDTH = 10


def finding_lines(finding: Finding, *, is_first: bool) -> list[str]:
    """A finding in one line, and a line for what was done or is to be done.

    Args:
        finding: what was found.
        is_first: whether it is the first of its area, which is named then.
    """
    area = finding.area if is_first else ""
    indent = " " * (_AREA_WIDTH + 3)
    lines = [f"{_SIGNS[finding.health]} {area:<{_AREA_WIDTH}}{plain(finding.text)}"]
    if finding.mended:
        lines.append(f"{indent}🔧 {plain(finding.mended)}")
    if finding.advice:
        lines.append(f"{indent}→ {plain(finding.advice)}")
    return lines


def summary_line(findings: Sequence[Finding]) -> str:
    """How many problems and warnings there are."""
    problems, warnings = (sum(f.health is health for f in findings) for health in (Health.PROBLEM, Health.WARNING))
    if not problems and not warnings:
        return "all is well"
    return f"{count(problems, 'problem')}, {count(warnings, 'warning')}"
