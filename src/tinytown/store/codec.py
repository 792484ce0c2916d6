"""Between records and what Redis holds: JSON for what is written whole, hash fields for what scripts change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    return _encoded(msgspec.json.encode, record).decode()


def pack(args: Mapping[str, Any]) -> bytes:
    """A script's arguments."""
    return _encoded(msgspec.msgpack.encode, args)


def _encoded(write: Callable[[object], bytes], record: object) -> bytes:
    """The record; where a text of it holds what is no character (half of a file name's byte), that is spelt out."""
    try:
        return write(record)
    except UnicodeEncodeError:
        return write(_spelt(msgspec.to_builtins(record, builtin_types=(bytes,))))


def _spelt(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {_spelt(name): _spelt(one) for name, one in value.items()}
        case list() | tuple():
            return [_spelt(one) for one in value]
        case _:
            return value


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
