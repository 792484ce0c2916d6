"""Who asks for something over the network, and what they may."""

from __future__ import annotations

from enum import Enum

import msgspec


class Scope(Enum):
    """A right that an operation needs."""

    TOWN_READ = "town.read"
    """Look at everything but secrets."""
    TOWN_WRITE = "town.write"
    """Give and report work, send messages, steer missions."""
    AGENT_MANAGE = "agent.manage"
    """Start and stop agents, take their work away."""
    ADMIN = "admin"
    """Everything, also what deletes."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was recognised."""

    name: str
    """Unique among principals; safe to log."""
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether it has the right; `admin` has all."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


OPERATOR = Principal(name="operator", scopes=frozenset({Scope.ADMIN}))
"""Whoever is on this machine, when nobody is asked who they are."""
