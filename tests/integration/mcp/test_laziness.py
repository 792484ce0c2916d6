"""Who does not need MCP does not pay for it."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["tinytown.cli.main", "tinytown.bootstrap", "tinytown.serving.main"])
def test_mcp_is_not_imported_by_what_starts_fast(module: str) -> None:
    code = f"import sys, {module}; print([name for name in ('mcp', 'pydantic', 'fastapi') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"
