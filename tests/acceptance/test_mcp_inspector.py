"""MCP as a client sees it that nobody here wrote: the command line of the MCP inspector."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.acceptance.conftest import TownCalls
from tests.mcp_clients import TOWNHALL
from tests.peers.install import PACKAGES, node
from tests.townhall_process import serving

from tinytown.mcp.toolbox import SPECS

COMMAND_LINE = PACKAGES / "@modelcontextprotocol" / "inspector-cli" / "build"
"""Installed without the rest of the inspector, which is a web application of 100 MB."""


@pytest.fixture
def inspector(tmp_path: Path) -> Path:
    """The command line where it expects to be: in the inspector, of which it reads the name and the version."""
    whole = tmp_path / "inspector"
    shutil.copytree(COMMAND_LINE, whole / "cli" / "build")
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    (whole / "package.json").write_text('{"name": "inspector", "version": "1.0.3", "type": "module"}')
    return whole / "cli" / "build" / "cli.js"


def inspect(inspector: Path, town: TownCalls, *args: str) -> Any:
    """What the inspector prints."""
    done = subprocess.run(
        [node(), inspector, "--cli", *args],
        cwd=town.root,
        env={**town.env, "PATH": f"{node().parent}{os.pathsep}{town.env['PATH']}"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout)


def test_the_inspector_lists_and_calls_tools_over_stdio(town: TownCalls, inspector: Path) -> None:
    listed = inspect(inspector, town, str(TOWNHALL), "mcp-stdio", "--method", "tools/list")["tools"]
    assert sorted(tool["name"] for tool in listed) == sorted(spec.name for spec in SPECS)
    assert all(tool["outputSchema"] and tool["annotations"]["title"] for tool in listed)

    called = ("--method", "tools/call", "--tool-name", "backlog.add", "--tool-arg", "description=tidy up")
    added = inspect(inspector, town, str(TOWNHALL), "mcp-stdio", *called)
    assert added["structuredContent"]["description"] == "tidy up"
    assert town.json("backlog", "list")["backlog"][0]["description"] == "tidy up"


def test_the_inspector_reads_resources_and_prompts_over_http_with_a_key(town: TownCalls, inspector: Path) -> None:
    key = town.json("auth", "gen-key", "inspector", "--scope", "town.read", "--write")["key"]
    with serving(town.root, town.env) as process:
        server = (f"{process.url}/mcp", "--transport", "http", "--header", f"Authorization: Bearer {key}")
        resources = inspect(inspector, town, *server, "--method", "resources/list")["resources"]
        prompts = inspect(inspector, town, *server, "--method", "prompts/list")["prompts"]
        seen = inspect(inspector, town, *server, "--method", "tools/call", "--tool-name", "town.get_status")
    assert "tinytown://town" in {resource["uri"] for resource in resources}
    assert {prompt["name"] for prompt in prompts} == {"conductor_start", "role_hint"}
    assert seen["structuredContent"]["name"] == "shop-main"
