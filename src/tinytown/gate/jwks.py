"""An issuer's public keys, from its JSON Web Key Set (RFC 7517)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from tinytown.domain.errors import UnavailableError

ALGORITHMS: Mapping[str, tuple[str, str | None]] = MappingProxyType(
    {
        **{f"{family}{bits}": ("RSA", None) for family in ("RS", "PS") for bits in (256, 384, 512)},
        "ES256": ("EC", "P-256"),
        "ES384": ("EC", "P-384"),
        "ES512": ("EC", "P-521"),
        "EdDSA": ("OKP", "Ed25519"),
        "Ed25519": ("OKP", "Ed25519"),
    }
)
"""Algorithm -> type and curve of its keys. None that has a shared secret: who could check tokens could make them."""

RSA_BITS = (2048, 8192)
KEYS_LIMIT = 100

_PUBLIC = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
"""The members that are a key, by its type; others, such as private ones, are not looked at."""


class IssuerKey(msgspec.Struct, frozen=True):
    """A key that may check signatures."""

    kid: str | None
    alg: str | None
    """The one algorithm that it is for; none: those that its type allows."""
    kind: tuple[str, str | None]
    """Its type and curve, as in `ALGORITHMS`."""
    key: Key

    def fits(self, kid: str | None, alg: str) -> bool:
        """Whether a token with that header may be signed with it."""
        is_named = kid is None or kid == self.kid
        return is_named and self.alg in {None, alg} and ALGORITHMS[alg] == self.kind


class _Jwk(msgspec.Struct, frozen=True):
    kty: str
    kid: str | None = None
    alg: str | None = None
    use: str | None = None
    key_ops: list[str] | None = None


class _Set(msgspec.Struct, frozen=True):
    keys: list[msgspec.Raw]


def read_keys(document: bytes) -> tuple[IssuerKey, ...]:
    """The keys that may check signatures; others, and those that are not understood, are left out.

    Raises:
        UnavailableError: it is no key set, or none of its keys can be used.
    """
    try:
        found = msgspec.json.decode(document, type=_Set)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnavailableError("the issuer's keys are no JSON Web Key Set") from error
    keys = tuple(key for raw in found.keys[:KEYS_LIMIT] if (key := _read(raw)) is not None)
    if not keys:
        raise UnavailableError("the issuer has no key that tokens could be checked with")
    return keys


def fitting(keys: Iterable[IssuerKey], kid: str | None, alg: str) -> Key | None:
    """The one key that a token with that header may be signed with; None when there is none, or more than one."""
    found = [key.key for key in keys if key.fits(kid, alg)]
    return found[0] if len(found) == 1 else None


def _read(raw: msgspec.Raw) -> IssuerKey | None:
    try:
        jwk = msgspec.json.decode(raw, type=_Jwk)
        members = msgspec.json.decode(raw, type=dict[str, object])
        is_for_checking = jwk.use in {None, "sig"} and (jwk.key_ops is None or "verify" in jwk.key_ops)
        if jwk.kty not in _PUBLIC or not is_for_checking or not _is_sound(members):
            return None
        public = {name: str(members[name]) for name in ("kty", *_PUBLIC[jwk.kty])}
        key = import_key({**public})
    except (msgspec.MsgspecError, JoseError, ValueError, TypeError, KeyError, RecursionError):
        return None
    curve = key.curve_name if isinstance(key, (ECKey, OKPKey)) else None
    return IssuerKey(jwk.kid, jwk.alg, (jwk.kty, curve), key)


def _is_sound(members: Mapping[str, object]) -> bool:
    """Whether an RSA key is of a size that is neither weak nor a burden."""
    if members["kty"] != RSAKey.key_type:
        return True
    try:
        modulus = base64.urlsafe_b64decode(str(members["n"]) + "==")
    except binascii.Error:
        return False
    least, most = RSA_BITS
    return least <= int.from_bytes(modulus, "big").bit_length() <= most
