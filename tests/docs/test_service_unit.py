"""The unit for systemd starts what there is."""

from __future__ import annotations

import configparser

from tests.docs.pages import ROOT

from tinytown.config.townhall import TownhallSettings
from tinytown.serving.main import townhall


def test_the_unit_for_systemd_starts_the_server_and_leaves_it_time_to_stop() -> None:
    unit = configparser.RawConfigParser()
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # names have capitals
    unit.read_string((ROOT / "deploy" / "townhall.service").read_text("utf-8"))

    program, command, *flags = unit["Service"]["ExecStart"].split()
    known = {option for parameter in townhall.commands[command].params for option in parameter.opts}

    assert program.endswith("/townhall")
    assert set(flags) <= known
    assert int(unit["Service"]["TimeoutStopSec"]) > TownhallSettings().request_timeout_ms / 1000 + 10
