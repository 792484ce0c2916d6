"""The part of the gate that finds out who asks. Whoever is not recognised gets no further."""

from __future__ import annotations

import ipaddress
import traceback
from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from tinytown.config.townhall import AuthSettings, OidcSettings
from tinytown.domain.access import OPERATOR, Principal, check_key_name
from tinytown.domain.errors import (
    ConfigError,
    InvalidInputError,
    TinytownError,
    UnauthenticatedError,
    UnavailableError,
)
from tinytown.gate.api_keys import ApiKeys, is_argon2id
from tinytown.gate.asking import AGAIN
from tinytown.gate.credentials import bearer, bearer_or_key
from tinytown.gate.issuer import is_safe_url
from tinytown.gate.oidc import Oidc
from tinytown.gate.problems import of_error

log = structlog.get_logger("tinytown.gate")

_BROKEN = "nobody can be recognised just now; the server's log says why"
_RETRY_SECS = 10
_MOST_SECS = {"clock_skew_secs": 600, "jwks_cache_secs": 7 * 86_400}
"""Beyond these, tokens that have expired and keys that were withdrawn would count."""


class Authentication:
    """ASGI middleware that sets the `principal` in the request's state, or answers 401, 403 or 503 itself.

    Args:
        app: what is behind it.
        settings: those of now; asked for each request, so that a key taken out is noticed at once.
        open_paths: where everybody passes, without a principal.
        clock: aware UTC.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Callable[[], AuthSettings],
        open_paths: frozenset[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._app = app
        self._settings = settings
        self._open_paths = open_paths
        self._clock = clock
        self._keys = ApiKeys()
        self._oidc = Oidc(clock)
        self._checked: AuthSettings | None = None
        self._is_sound = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass on what is none."""
        if scope["type"] == "websocket":  # nothing here speaks it
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        state.pop("principal", None)
        state.pop(AGAIN, None)
        if scope["path"] not in self._open_paths:
            try:
                state["principal"] = await self._recognise(scope)
                state[AGAIN] = partial(self._lets_in_again, scope, state["principal"])
            except TinytownError as error:
                await of_error(error)(scope, receive, send)
                return
            except Exception as error:  # noqa: BLE001  a boundary: whatever goes wrong, nobody passes
                _report(error)
                await of_error(UnavailableError(_BROKEN, retry_after_secs=_RETRY_SECS))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _recognise(self, scope: Scope) -> Principal:
        settings = self._sound_settings()
        headers = scope["headers"]
        match settings.mode:
            case "none":
                return _operator(scope)
            case "api_key":
                if (key := bearer_or_key(headers)) is None:
                    raise UnauthenticatedError("give a key, as in Authorization: Bearer KEY, or X-API-Key: KEY")
                return await self._keys.recognise(key, settings.api_keys, self._clock())
            case "oidc":
                if (token := bearer(headers)) is None:
                    raise UnauthenticatedError("give a token of the town's issuer, as in Authorization: Bearer TOKEN")
                return await self._oidc.recognise(token, settings.oidc)

    async def _lets_in_again(self, scope: Scope, principal: Principal) -> bool:
        """Whether the same request would be let in now, as the same; also when that cannot be told just now."""
        try:
            self._sound_settings()
        except UnavailableError:
            return False
        try:
            return await self._recognise(scope) == principal
        except UnavailableError:
            return True
        except TinytownError:
            return False
        except Exception as error:  # noqa: BLE001  a boundary: whatever goes wrong, nobody stays
            _report(error)
            return False

    def _sound_settings(self) -> AuthSettings:
        settings = self._settings()
        if settings is not self._checked:
            self._is_sound = _is_sound(settings)
            self._checked = settings
        if not self._is_sound:
            raise UnavailableError(_BROKEN, retry_after_secs=_RETRY_SECS)
        return settings


def _is_sound(settings: AuthSettings) -> bool:
    try:
        check_settings(settings)
    except ConfigError as error:
        log.error("settings let nobody in", action="auth_settings_broken", reason=error.message)  # noqa: TRY400  no trace
        return False
    return True


def _report(error: Exception) -> None:
    """Log a bug by where it happened: neither its message nor its variables, which may hold a key."""
    trace = "".join(traceback.format_tb(error.__traceback__))
    log.error("who asks was not found out", action="authentication_bug", kind=type(error).__name__, trace=trace)


def check_settings(auth: AuthSettings) -> None:
    """Refuse settings that can let nobody in, or that would let anybody in.

    Raises:
        ConfigError: names the setting, and says what to do.
    """
    if auth.mode == "api_key":
        _check_keys(auth)
    elif auth.mode == "oidc":
        _check_oidc(auth.oidc)


def _check_keys(auth: AuthSettings) -> None:
    if not auth.api_keys:
        raise ConfigError('[townhall.auth] has mode = "api_key", but no key; make one: tt auth gen-key --write')
    for name, key in auth.api_keys.items():
        table = f"[townhall.auth.api_keys.{name}]"
        try:
            check_key_name(name)
        except InvalidInputError as error:
            raise ConfigError(f"{table}: {error.message}") from error
        if not is_argon2id(key.hash):
            raise ConfigError(f"{table}: its hash is no Argon2id hash; make the key anew: tt auth gen-key")


def _check_oidc(oidc: OidcSettings) -> None:
    for name, value in (("issuer", oidc.issuer), ("audience", oidc.audience)):
        if not value:
            raise ConfigError(f'[townhall.auth] has mode = "oidc", but [townhall.auth.oidc] has no {name}; add it')
    for name, url in (("issuer", oidc.issuer), ("jwks_url", oidc.jwks_url)):
        if url is not None and not is_safe_url(url):
            raise ConfigError(
                f"[townhall.auth.oidc] {name} must be an https URL; who is on the way could make tokens otherwise"
            )
    for name, most in _MOST_SECS.items():
        if getattr(oidc, name) > most:
            raise ConfigError(f"[townhall.auth.oidc] {name} is {getattr(oidc, name)}; at most {most} is safe")


def _operator(scope: Scope) -> Principal:
    """Whoever is on this machine. The server does not start elsewhere in this mode; settings may change while it runs."""
    client = scope.get("client")
    if client is not None and not _is_loopback(str(client[0])):
        raise UnauthenticatedError("without authentication only this machine may ask; see [townhall.auth] mode")
    return OPERATOR


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
