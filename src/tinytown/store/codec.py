"""Between records and what Redis holds: JSON for what is written whole, hash fields for what scripts change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from tinytown.domain.agent import Agent, AgentSpec
from tinytown.domain.task import Task, TaskSpec

T = TypeVar("T")

_agent_spec = msgspec.json.Decoder(AgentSpec)
_task_spec = msgspec.json.Decoder(TaskSpec)


def encode(record: object) -> str:
    """The JSON of a record, as text: the scripts' MessagePack library does not know binary strings."""
    return msgspec.json.encode(record).decode()


def decode(data: bytes, type_: type[T]) -> T:
    """A record from its JSON."""
    return msgspec.json.decode(data, type=type_)


def at_text(at: datetime) -> str:
    """A time as hash fields and events hold it (RFC 3339)."""
    return at.isoformat()


def to_ms(at: datetime) -> int:
    """A time as sorted sets hold it."""
    return int(at.timestamp() * 1000)


def pairs(flat: list[bytes]) -> dict[str, bytes]:
    """HGETALL's reply as a dictionary."""
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


def to_task(flat: list[bytes]) -> Task:
    """A task from the fields of its hash."""
    fields = pairs(flat)
    spec = _task_spec.decode(fields.pop("spec"))
    return _convert({"spec": spec, **_texts(fields)}, Task)


def to_agent(flat: list[bytes], **derived: int) -> Agent:
    """An agent from the fields of its hash, and what was counted elsewhere."""
    fields = pairs(flat)
    spec = _agent_spec.decode(fields.pop("spec"))
    return _convert({"spec": spec, **_texts(fields), **derived}, Agent)


def _texts(fields: Mapping[str, bytes]) -> dict[str, str]:
    return {name: value.decode() for name, value in fields.items()}


def _convert(fields: dict[str, Any], type_: type[T]) -> T:
    return msgspec.convert(fields, type_, strict=False)
