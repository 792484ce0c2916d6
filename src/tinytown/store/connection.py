"""A small synchronous Redis client: one socket, one conversation.

Not thread-safe; use one connection a thread (opening one costs about 0.1 ms on a unix socket). What may have been
executed is never sent a second time, unless it only reads.
"""

from __future__ import annotations

import os
import re
import select
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import hiredis

from tinytown.domain.errors import (
    AlreadyExistsError,
    ConflictError,
    IllegalTransitionError,
    InvalidInputError,
    LeaseLostError,
    NotAllowedError,
    NotFoundError,
    StaleError,
    StoreError,
    StoreUnavailableError,
    TinytownError,
)
from tinytown.store.address import Address, parse_url
from tinytown.store.codec import pack
from tinytown.store.disk import is_full
from tinytown.store.scripts import Script
from tinytown.store.socket_path import reachable

Command: TypeAlias = Sequence[bytes | str | float]

_CHUNK_BYTES = 65536
_LOADING_POLL_SECS = 0.005
_WAIT_MARGIN_SECS = 5.0
_MISSING = object()

_OWN_CODES: Mapping[str, type[TinytownError]] = {
    "STALE": StaleError,
    "LEASE": LeaseLostError,
    "NOTFOUND": NotFoundError,
    "EXISTS": AlreadyExistsError,
    "ILLEGAL": IllegalTransitionError,
    "CONFLICT": ConflictError,
    "INVALID": InvalidInputError,
    "FORBIDDEN": NotAllowedError,
}
_ADVICE = {
    "MISCONF": "the server cannot write to its disk; free some space there",
    "OOM": "the server has reached its memory limit; raise maxmemory or remove keys",
    "NOAUTH": "give a password in the Redis URL",
    "WRONGPASS": "check the user name and password in the Redis URL",
    "NOPERM": "the Redis user needs more rights",
    "READONLY": "this server is a replica; use the URL of its primary",
}
_TRANSIENT = ("LOADING", "BUSY", "MASTERDOWN")
_FULL = ("MISCONF", "OOM", "READONLY")
"""The server takes no writes just now: a full disk, full memory, or a failover under way. It is waited for."""
_SCRIPT_TRAILER = re.compile(r"\s+script:(?: [0-9a-f]{40},)? on @user_script:\d+\.?\s*$")

_READS = frozenset(
    b"DBSIZE EVALSHA_RO EVAL_RO EXISTS GET HEXISTS HGET HGETALL HKEYS HLEN HMGET HSCAN HVALS INFO LINDEX LLEN LRANGE"
    b" MGET PING PTTL SCAN SCARD SISMEMBER SMEMBERS SMISMEMBER SSCAN STRLEN TIME TTL TYPE XINFO XLEN XRANGE XREAD"
    b" XREVRANGE ZCARD ZCOUNT ZMSCORE ZRANGE ZRANGEBYSCORE ZRANK ZREVRANGE ZSCORE".split()
)
"""Commands that may be sent again after a connection broke under them: they change nothing."""


class Connection:
    """A connection that opens itself when it is needed, and again when it was lost. Not thread-safe."""

    def __init__(
        self,
        address: Address,
        timeout_secs: float,
        revive: Callable[[], str | None] | None,
        force: Callable[[], None] | None,
    ) -> None:
        self._address = address
        self._timeout_secs = timeout_secs
        self._revive = revive
        self._force = force
        self._socket: socket.socket | None = None
        self._reader = _new_reader()
        self._idle = select.poll()

    @property
    def address(self) -> Address:
        """The server's address."""
        return self._address

    def execute(self, *command: bytes | str | float) -> Any:
        """The reply to one command: bytes, int, list or None.

        Raises:
            StoreError: the server refused it. StoreUnavailableError: no answer; it may have been executed or not.
        """
        return _checked(self._exchange((command,), self._timeout_secs, may_repeat=_only_reads((command,)))[0])

    def execute_many(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to several commands in one round trip, not atomic; raises the first error among them."""
        if not commands:
            return []
        replies = self._exchange(commands, self._timeout_secs, may_repeat=_only_reads(commands))
        return [_checked(reply) for reply in replies]

    def read_together(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to commands that only read, all at one moment and in one round trip; raises the first error."""
        return [_checked(reply) for reply in self._transact(commands, may_repeat=True)]

    def run(self, script: Script, prefix: str, args: Mapping[str, Any], *, may_repeat: bool = False) -> Any:
        """Run a script on the town of that prefix (see `lua/_lib.lua`); what it wrote is on disk when this returns.

        Args:
            script: what to run.
            prefix: the town's, e.g. `tt:demo`.
            args: become the table `A` of the script.
            may_repeat: whether running it twice is the same as once; then it is repeated when a connection breaks.

        Raises:
            TinytownError: the class that belongs to the code the script refused with, StoreError for other refusals.
            StoreUnavailableError: no answer; it may have been executed or not.
        """
        packed = pack(args)
        call: Command = ("EVALSHA", script.sha, 1, prefix, packed)
        reply = self._exchange((call,), self._timeout_secs, may_repeat=may_repeat)[0]
        if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):
            call = ("EVAL", script.text, 1, prefix, packed)
            reply = self._exchange((call,), self._timeout_secs, may_repeat=may_repeat)[0]
        checked = _checked(reply)
        self._settle(script)
        return checked

    def _settle(self, script: Script) -> None:
        if self._force is not None and not script.is_passing:
            self._force()

    def run_and_read(
        self,
        script: Script,
        prefix: str,
        args: Mapping[str, Any],
        reads: Sequence[Command],
        *,
        may_repeat: bool = False,
    ) -> list[Any]:
        """Run a script, then commands that only read, all at one moment and in one round trip.

        What is large is better read so than by the script: that would copy it into Lua and out again.

        Returns:
            The script's reply, then those of the commands.

        Raises:
            TinytownError, StoreUnavailableError: as `run`.
        """
        packed = pack(args)
        replies = self._transact((("EVALSHA", script.sha, 1, prefix, packed), *reads), may_repeat=may_repeat)
        if isinstance(replies[0], hiredis.ReplyError) and str(replies[0]).startswith("NOSCRIPT"):
            replies = self._transact((("EVAL", script.text, 1, prefix, packed), *reads), may_repeat=may_repeat)
        checked = [_checked(reply) for reply in replies]
        self._settle(script)
        return checked

    def _transact(self, commands: Sequence[Command], *, may_repeat: bool) -> list[Any]:
        """The replies to commands that nothing comes between; errors among them are left as they are."""
        framed = (("MULTI",), *commands, ("EXEC",))
        replies = self._exchange(framed, self._timeout_secs, may_repeat=may_repeat)
        found: list[Any] = [_checked(reply) for reply in replies][-1]
        return found

    def wait(self, command: Command, timeout_secs: float) -> Any:
        """The reply to a command that blocks up to `timeout_secs` on the server, such as XREAD BLOCK."""
        margin = max(self._timeout_secs, _WAIT_MARGIN_SECS)
        return _checked(self._exchange((command,), timeout_secs + margin, may_repeat=_only_reads((command,)))[0])

    def close(self) -> None:
        """Close the socket; the next command opens another."""
        if self._socket is not None:
            self._idle.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _exchange(self, commands: Sequence[Command], timeout_secs: float, *, may_repeat: bool) -> list[Any]:
        packed = _pack(commands)
        sock = self._ready(timeout_secs)
        try:
            return self._converse(sock, packed, len(commands))
        except TimeoutError as error:
            raise self._unavailable(f"no answer within {timeout_secs:g} s") from error
        except _UnsentError as error:
            # A command of which only a part was sent is not executed; of several, the first may have been.
            if not may_repeat and len(commands) > 1:
                raise self._unavailable("the connection broke") from error
        except OSError as error:
            if not may_repeat:
                raise self._unavailable("the connection broke before the answer came") from error
        return self._repeat(packed, len(commands), timeout_secs)

    def _repeat(self, packed: bytes, count: int, timeout_secs: float) -> list[Any]:
        try:
            return self._converse(self._ready(timeout_secs), packed, count)
        except OSError as error:
            raise self._unavailable("the connection broke twice") from error

    def _converse(self, sock: socket.socket, packed: bytes, count: int) -> list[Any]:
        """Send and read `count` replies; whatever ends it early (Ctrl-C too) closes the socket, which is out of step."""
        is_done = False
        try:
            try:
                sock.sendall(packed)
            except ConnectionError as error:
                raise _UnsentError from error
            replies = [self._read(sock) for _ in range(count)]
            is_done = True
            return replies
        finally:
            if not is_done:
                self.close()

    def _read(self, sock: socket.socket) -> Any:
        try:
            while (reply := self._reader.gets()) is _MISSING:
                chunk = sock.recv(_CHUNK_BYTES)
                if not chunk:
                    raise ConnectionResetError("the server closed the connection")
                self._reader.feed(chunk)
        except hiredis.ProtocolError as error:
            raise StoreError(f"what answers at {self._address} is not Redis; check the URL") from error
        return reply

    def _ready(self, timeout_secs: float) -> socket.socket:
        """An open socket. One that is readable while nothing was asked has been closed by the server."""
        if self._socket is not None and self._idle.poll(0):
            self.close()
        if self._socket is None:
            self._open()
        assert self._socket is not None  # noqa: S101  narrows the type
        if self._socket.gettimeout() != timeout_secs:
            self._socket.settimeout(timeout_secs)
        return self._socket

    def _open(self) -> None:
        try:
            self._establish()
        except TimeoutError as error:
            raise self._unavailable(f"no answer within {self._timeout_secs:g} s") from error
        except OSError as error:
            if self._revive is None and not isinstance(error, ConnectionResetError):
                raise self._unavailable(_reason(error)) from error  # nobody is there
            self._open_again()

    def _open_again(self) -> None:
        """Once more: the server is brought back, or was there and cut the greeting off, which changes nothing."""
        if self._revive is not None and (url := self._revive()) is not None:
            self._address = parse_url(url)
        try:
            self._establish()
        except OSError as error:
            raise self._unavailable(_reason(error)) from error

    def _establish(self) -> None:
        """Connect, log in, choose the database and wait while the server still reads its files (LOADING).

        A server that is just dying may still be connected to: only its answer shows that it is there.
        """
        self._socket = _dial(self._address, self._timeout_secs)
        self._reader = _new_reader()
        self._idle.register(self._socket, select.POLLIN)
        commands = _greeting(self._address)
        packed = _pack(commands)
        deadline = time.monotonic() + self._timeout_secs
        while error := _first_error(self._converse(self._socket, packed, len(commands))):
            if not error.startswith("LOADING") or time.monotonic() > deadline:
                self.close()
                raise _refusal(error)
            time.sleep(_LOADING_POLL_SECS)

    def _unavailable(self, reason: str) -> StoreUnavailableError:
        advice = "check that the server runs there and try again"
        if self._address.scheme == "unix" and is_full(os.path.split(self._address.path)[0]):
            advice = "the disk there is full, free some space"
        return StoreUnavailableError(f"Redis at {self._address}: {reason}; {advice}")


class _UnsentError(ConnectionError):
    """The connection broke before everything was sent."""


def connect(
    url: str,
    *,
    timeout_secs: float = 5.0,
    revive: Callable[[], str | None] | None = None,
    force: Callable[[], None] | None = None,
) -> Connection:
    """A connection to the server at `url`, open and logged in.

    Args:
        url: as `parse_url` takes it.
        timeout_secs: for connecting and for each answer.
        revive: called when connecting fails, e.g. to start the town's own server; it may return another URL. Then
            connecting is tried once more.
        force: called after each script that wrote; forces that to disk, where the server does not do so by itself.

    Raises:
        ConfigError: the URL is not valid. StoreUnavailableError: nobody answers. StoreError: the login was refused.
    """
    connection = Connection(parse_url(url), timeout_secs, revive, force)
    connection._ready(timeout_secs)  # noqa: SLF001  same module
    return connection


def _new_reader() -> hiredis.Reader:
    return hiredis.Reader(notEnoughData=_MISSING)


def _pack(commands: Sequence[Command]) -> bytes:
    return b"".join([hiredis.pack_command(tuple(command)) for command in commands])  # type: ignore[arg-type]


def _only_reads(commands: Sequence[Command]) -> bool:
    return all(_name(command) in _READS for command in commands)


def _name(command: Command) -> bytes:
    name = command[0]
    return name.upper() if isinstance(name, bytes) else str(name).upper().encode()


def _greeting(address: Address) -> list[Command]:
    commands: list[Command] = []
    if address.password is not None:
        login = (address.username, address.password) if address.username else (address.password,)
        commands.append(("AUTH", *login))
    if address.db:
        commands.append(("SELECT", str(address.db)))
    return [*commands, ("PING",)]


def _first_error(replies: list[Any]) -> str | None:
    return next((str(reply) for reply in replies if isinstance(reply, hiredis.ReplyError)), None)


def _dial(address: Address, timeout_secs: float) -> socket.socket:
    if address.scheme == "unix":
        return _dial_unix(address.path, timeout_secs)
    sock = socket.create_connection((address.host, address.port), timeout_secs)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return _encrypted(sock, address) if address.scheme == "rediss" else sock
    except BaseException:
        sock.close()
        raise


def _dial_unix(path: str, timeout_secs: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_secs)
        sock.connect(reachable(path))
    except BaseException:
        sock.close()
        raise
    return sock


def _encrypted(sock: socket.socket, address: Address) -> socket.socket:
    import ssl  # 15 ms, needed for rediss:// only

    context = ssl.create_default_context(cafile=address.ssl_ca_certs)
    if address.ssl_certfile:
        context.load_cert_chain(address.ssl_certfile, address.ssl_keyfile)
    return context.wrap_socket(sock, server_hostname=address.host)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).replace("\n", " ").lower()


def _checked(reply: Any) -> Any:
    if isinstance(reply, hiredis.ReplyError):
        raise _refusal(str(reply))
    return reply


def _refusal(reply: str) -> TinytownError:
    """The error of the tree that an error reply stands for."""
    text = _SCRIPT_TRAILER.sub("", reply)
    code, _, rest = text.removeprefix("ERR ").partition(" ")  # the server puts ERR before a lone word
    if (own := _OWN_CODES.get(code)) is not None:
        return own(rest or None)
    if code in _TRANSIENT:
        return StoreUnavailableError(f"the Redis server is not ready ({text}); try again in a moment")
    advice = f"; {_ADVICE[code]}" if code in _ADVICE else ""
    if code in _FULL:
        return StoreUnavailableError(f"Redis takes no writes: {text}{advice}", code=code)
    return StoreError(f"Redis refused: {text}{advice}", code=code)
