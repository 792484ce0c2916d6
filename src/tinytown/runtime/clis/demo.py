"""The demo agent: our own executable, which needs no model."""

from __future__ import annotations

from tinytown.runtime.clis.base import Cli
from tinytown.runtime.clis.lines import read_text

DEMO = Cli(name="demo", command=("tt-demo-agent",), reader=read_text)
