"""Schemathesis asks a real `townhall` whatever its document allows, and what it forbids, and finds nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.conftest import TownCalls
from tests.townhall_process import serving

ROOT = Path(__file__).parents[2]
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
SETTINGS = ROOT / "tests" / "contract" / "schemathesis.toml"
EXAMPLES = 10
"""Of each operation, besides those that cover each limit of its schema."""


@pytest.mark.timeout(600)
def test_schemathesis_finds_nothing(town: TownCalls, tmp_path: Path) -> None:
    with (town.root / "tinytown.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[townhall.rate_limit]\nper_principal = 0\nper_address = 0\n")
    env = {**town.env, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.contract.schemathesis_hooks"}
    options = ("--max-examples", str(EXAMPLES), "--generation-deterministic", "--request-timeout", "30")
    with serving(town.root, town.env) as townhall:
        done = subprocess.run(
            [SCHEMATHESIS, "--config-file", SETTINGS, "--no-color", "run", f"{townhall.url}/openapi.json", *options],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 0, done.stdout
    assert "Stateful" in done.stdout
