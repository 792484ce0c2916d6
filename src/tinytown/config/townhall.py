"""`[townhall]`: the settings of the server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from tinytown.domain.access import Scope

Count: TypeAlias = Annotated[int, Meta(ge=0)]
Positive: TypeAlias = Annotated[int, Meta(ge=1)]
Port: TypeAlias = Annotated[int, Meta(ge=0, le=65535)]
Text: TypeAlias = Annotated[str, Meta(min_length=1)]
Names: TypeAlias = tuple[Text, ...]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]


class ApiKeySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[townhall.auth.api_keys.NAME]`: one key; `tt auth gen-key` makes it."""

    hash: Text
    """Argon2id hash of the key, never the key."""
    scopes: tuple[Scope, ...] = (Scope.TOWN_READ,)
    """What who has the key may do."""
    expires_at: Moment | None = None
    """When it stops being good; none: never."""


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[townhall.auth.oidc]`: tokens of an OpenID Connect issuer."""

    issuer: Text | None = None
    """Whose tokens are taken, as they name it."""
    audience: Text | None = None
    """For whom they must be made out."""
    jwks_url: Text | None = None
    """Where its keys are; none: what its discovery document says."""
    required_scopes: Names = ()
    """Scopes of the issuer without which nobody is let in."""
    scopes_claim: Text = "scope"
    """The claim that lists scopes, as words of a text or as an array."""
    clock_skew_secs: Count = 60
    """How far its clock may be off; 600 at most."""
    jwks_cache_secs: Positive = 3600
    """How long its keys are kept, a week at most; a key that is not among them is looked for at once."""


class AuthSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[townhall.auth]`: who is let in."""

    mode: Literal["none", "api_key", "oidc"] = "none"
    """`none` is for the loopback address only."""
    api_keys: Mapping[str, ApiKeySettings] = {}
    """By name."""
    oidc: OidcSettings = OidcSettings()


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[townhall.tls]`: files relative to the town's root, in PEM."""

    cert_file: Text | None = None
    """The server's certificate, and those between it and its authority; none: plain HTTP."""
    key_file: Text | None = None
    """Its private key; readable to nobody else."""


class MtlsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[townhall.mtls]`: certificates of clients."""

    client_ca_file: Text | None = None
    """Whose certificates are taken; none: clients need none."""
    required: bool = True
    """Whether a client without one is refused."""


class CorsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[townhall.cors]`: pages of which other origins may call."""

    allowed_origins: Names = ()
    """Such as `https://board.example`; none: no page of another origin."""


class RateLimitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[townhall.rate_limit]`: requests a minute, 0 for any number."""

    per_principal: Count = 1200
    """Of one key or user."""
    per_address: Count = 2400
    """From one address, recognised or not."""
    burst: Positive = 200
    """How many may come at once."""


class TownhallSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[townhall]`: the server of REST and MCP."""

    bind: Text = "127.0.0.1"
    """The address to listen on."""
    rest_port: Port = 8080
    """The port of REST; `townhall mcp-http` takes the next one."""
    request_timeout_ms: Positive = 30_000
    """How long a request may take before it is answered with 504."""
    max_body_bytes: Positive = 1_048_576
    """How large a request's body may be."""
    max_connections: Positive = 1500
    """How many connections may be open at once, as far as the process has descriptors for them."""
    max_connections_per_address: Count = 750
    """How many of them from one address, 0 for any number."""
    max_event_readers: Positive = 500
    """How many streams of events may be open at once."""
    max_event_readers_per_principal: Positive = 125
    """How many of them one key or user may have; without authentication, all."""
    allowed_hosts: Names = ()
    """Other names that clients call it by, besides its address and those of this machine."""
    auth: AuthSettings = AuthSettings()
    tls: TlsSettings = TlsSettings()
    mtls: MtlsSettings = MtlsSettings()
    cors: CorsSettings = CorsSettings()
    rate_limit: RateLimitSettings = RateLimitSettings()
