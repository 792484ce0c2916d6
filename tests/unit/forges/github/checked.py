"""Checks and statuses as GitHub tells them, for tests."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from tinytown.forges.github.conclusions import FLAKY
from tinytown.forges.github.shapes import (
    AppShape,
    CheckOutputShape,
    CheckRunShape,
    StatusShape,
    SuiteShape,
)
from tinytown.forges.github.verdicts import FailOn, Required, Terms

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HEAD = "a" * 40
ACTIONS = 15368
PATTERNS = tuple(re.compile(pattern) for pattern in FLAKY)


def run(
    name: str = "ci",
    conclusion: str | None = "success",
    *,
    id_: int = 1,
    status: str | None = None,
    suite: int = 1,
    app: int = ACTIONS,
    ended_secs_ago: float = 600,
    title: str | None = None,
) -> CheckRunShape:
    ended = NOW - timedelta(seconds=ended_secs_ago)
    return CheckRunShape(
        id=id_,
        name=name,
        status=status or ("completed" if conclusion else "in_progress"),
        conclusion=conclusion,
        head_sha=HEAD,
        started_at=ended - timedelta(seconds=10),
        completed_at=ended if conclusion else None,
        html_url=f"https://github.com/o/r/runs/{id_}",
        output=CheckOutputShape(title=title),
        app=AppShape(id=app, slug="github-actions"),
        check_suite=SuiteShape(suite),
    )


def status(context: str = "jenkins", state: str = "success", said: str | None = None) -> StatusShape:
    return StatusShape(context=context, state=state, description=said, updated_at=NOW - timedelta(seconds=600))


def terms(*required: str | Required, age_secs: float = 1000, fail_on: FailOn | None = None) -> Terms:
    named = tuple(one if isinstance(one, Required) else Required(one) for one in required)
    return Terms(required=named, age_secs=age_secs, fail_on=fail_on, now=NOW)
