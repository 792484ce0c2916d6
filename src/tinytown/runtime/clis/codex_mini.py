"""OpenAI Codex on its small model; for another model, define `[agent_clis.NAME]`."""

from __future__ import annotations

from tinytown.runtime.clis.codex import codex

MODEL = "gpt-5.4-mini"

CODEX_MINI = codex("codex-mini", "-m", MODEL)
