"""Where a server listens: one address, opened before anything else is, so that trouble with it is said in one line."""

from __future__ import annotations

import ipaddress
import socket

import msgspec

from tinytown.domain.errors import ConfigError

_BACKLOG = 1024
STALL_SECS = 60
"""A client that takes nothing of an answer for so long loses its connection, where the system can see to that (Linux)."""


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """An open socket, and what it is called."""

    socket: socket.socket
    host: str
    """As it was asked for: a name or an address."""

    @property
    def address(self) -> str:
        """The address it is bound to."""
        found: str = self.socket.getsockname()[0]
        return found

    @property
    def port(self) -> int:
        """The port it is bound to, also when any was asked for."""
        found: int = self.socket.getsockname()[1]
        return found

    def url(self, scheme: str) -> str:
        """Where clients on this machine find it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An address that can be listened on."""

    host: str
    port: int
    family: int
    address: tuple[str, int] | tuple[str, int, int, int]

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return ipaddress.ip_address(self.address[0].partition("%")[0]).is_loopback

    def listen(self) -> Listener:
        """Open it. ConfigError: it is taken, or not this machine's; says which."""
        opened = socket.socket(self.family, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # connections have it from the socket that takes them
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALL_SECS * 1000)
            opened.bind(self.address)
            opened.listen(_BACKLOG)
        except OSError as error:
            opened.close()
            reason = (error.strerror or str(error)).lower()
            advice = "give another with --bind and --port, or in [townhall] of tinytown.toml"
            raise ConfigError(f"cannot listen on {self.host} port {self.port}: {reason}; {advice}") from error
        opened.setblocking(False)
        return Listener(socket=opened, host=self.host)


def place(host: str, port: int) -> Place:
    """The address that a host's name or address stands for. ConfigError: nobody knows it."""
    name = host.removeprefix("[").removesuffix("]")
    try:
        known = "127.0.0.1" if name.lower() == "localhost" else name
        found = socket.getaddrinfo(known, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"'{host}' is no address to listen on: nothing knows that name; give an address of this machine as bind"
        ) from error
    family, _, _, _, address = found[0]
    return Place(host=name, port=port, family=family, address=address)  # type: ignore[arg-type]  # of IP, by its type
