"""Who asks for something over MCP."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.requests import Request

from tinytown.domain.access import OPERATOR, Principal, Scope
from tinytown.domain.errors import MissingScopeError, UnauthenticatedError
from tinytown.gate.asking import address_of, principal_of, request_id_of
from tinytown.services.caller import Caller

_NAME_LIMIT = 80


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and with which request."""

    principal: Principal
    request_id: str = ""
    address: str = ""

    def check(self, scope: Scope) -> None:
        """MissingScopeError: who asks lacks the scope."""
        if not self.principal.may(scope):
            raise MissingScopeError(scope.value)


def asker_over_http(request: object) -> Asker:
    """Who asks, as the gate found out. UnauthenticatedError: it did not."""
    if isinstance(request, Request):
        principal = principal_of(request.scope)
        if principal is not None:
            scope = request.scope
            return Asker(principal=principal, request_id=request_id_of(scope), address=address_of(scope))
    raise UnauthenticatedError("nobody found out who asks: the gate is missing before this server")


def asker_here(environ: Mapping[str, str]) -> Asker:
    """Who started this process on this machine: a person, or an agent, whom the services keep to what agents may do."""
    caller = Caller.of(environ)
    if not caller.is_agent:
        return Asker(principal=OPERATOR)
    name = f"agent:{caller.agent_name or caller.agent_id or 'unknown'}"
    shown = "".join(c if c.isprintable() else "?" for c in name[:_NAME_LIMIT])
    return Asker(principal=Principal(name=shown, scopes=OPERATOR.scopes))
