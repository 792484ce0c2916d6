"""Protection against DNS rebinding: a page that had its own name point here asks under a name that is not ours."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tinytown.config.townhall import TownhallSettings
from tinytown.gate.problems import problem

_MISDIRECTED = 421


class Hosts:
    """ASGI middleware. A request must name this machine, the address it came to, or an allowed name; else 421."""

    def __init__(self, app: ASGIApp, settings: Callable[[], TownhallSettings], bound: str) -> None:
        self._app = app
        self._settings = settings
        self._bound = bound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        named = Headers(scope=scope).getlist("host")
        if len(named) != 1:
            await problem(400, "bad-host", "name the server in exactly one Host header")(scope, receive, send)
        elif not self._is_ours(host_name(named[0]), scope):
            detail = "this server is not called that; add the name to allowed_hosts under [townhall] if it is"
            await problem(_MISDIRECTED, "wrong-host", detail)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_ours(self, host: str, scope: Scope) -> bool:
        reached: tuple[str, int | None] | None = scope.get("server")
        ours = {"localhost", self._bound.lower(), *(map(host_name, self._settings().allowed_hosts))}
        return host in ours or _is_loopback(host) or (reached is not None and _is_same(host, reached[0]))


def host_name(text: str) -> str:
    """The name or address of a Host header, without the port, in lower case; empty when it is none."""
    text = text.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    name, _, port = text.rpartition(":")
    found = name if name and port.isdigit() and ":" not in name else text
    return found.removesuffix(".")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_same(host: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(host) == ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
