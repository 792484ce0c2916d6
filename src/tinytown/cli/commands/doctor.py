"""`tt doctor`."""

from __future__ import annotations

from pathlib import Path

import click

from tinytown.bootstrap_doctor import open_doctor
from tinytown.cli.logs import configure_logs
from tinytown.cli.render.findings import finding_lines, summary_line
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.domain.finding import Health


@click.command()
@click.option("--fix", is_flag=True, help="Mend what is safe to mend, and say what was done.")
@json_option
@pass_session
def doctor(session: Session, /, *, fix: bool, as_json: bool) -> int:
    """Look for what keeps the town from working, and say what to do about it. Ends with 1 when there is a problem.

    Looks at settings, server, git, forge and token, agent CLIs, folders, and what crashes left. Changes nothing without
    --fix; never shows a token.
    """
    configure_logs(is_quiet=True)
    examined = open_doctor(Path.cwd(), session.environ, session.folder, is_mending=fix).examine()
    findings = []
    area = ""
    for finding in examined:
        findings.append(finding)
        if not as_json:
            session.show(finding_lines(finding, is_first=finding.area != area))
        area = finding.area
    is_well = all(finding.health is not Health.PROBLEM for finding in findings)
    if as_json:
        session.show_json({"is_well": is_well, "findings": findings})
    else:
        session.show([summary_line(findings)])
    return 0 if is_well else 1
