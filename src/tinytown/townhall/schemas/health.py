"""Liveness and readiness."""

from __future__ import annotations

from pydantic import BaseModel


class Health(BaseModel):
    """Liveness."""

    status: str
    uptime_secs: int


class Ready(BaseModel):
    """Readiness."""

    status: str
    redis: str
    redis_latency_ms: float | None = None
    dispatcher: str
    town: str
    detail: str | None = None
