"""Liveness and readiness."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tinytown.schemas.base import ContractAnswer


class Health(ContractAnswer):
    """Liveness."""

    status: Literal["ok"] = "ok"
    uptime_secs: int = Field(ge=0)


class Ready(ContractAnswer):
    """The server can do its work."""

    status: Literal["ready"] = "ready"
    redis: Literal["connected"] = "connected"
    redis_latency_ms: float = Field(ge=0, description="Of one round trip.", json_schema_extra={"format": "double"})
    dispatcher: Literal["running", "stopped"] = Field(description="Whether one's heartbeat is fresh.")
    town: str


class NotReady(ContractAnswer):
    """The server is there, its store is not."""

    status: Literal["not_ready"] = "not_ready"
    redis: Literal["disconnected"] = "disconnected"
    dispatcher: Literal["unknown"] = "unknown"
    town: str
    detail: str
