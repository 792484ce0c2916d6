"""Attributes that are made when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

Value = TypeVar("Value")


class cached_property(Generic[Value]):  # noqa: N801  it stands for functools's
    """As functools's from Python 3.12 on: without a lock.

    Before, one lock is shared by that attribute of all objects of a class, and held while it is made: in a server whose
    store hangs, each thread would wait for the time limits of all others before its own connection's.
    """

    def __init__(self, make: Callable[[Any], Value]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...
    @overload
    def __get__(self, owner: object, kind: type) -> Value: ...

    def __get__(self, owner: object | None, kind: type) -> Self | Value:
        """The value, made anew unless it is kept in the object already."""
        if owner is None:
            return self
        value = self._make(owner)
        owner.__dict__[self._name] = value
        return value
