"""TLS: the server's certificate, and those of clients, checked before anybody connects."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import structlog
from cryptography import x509

from tinytown.config.townhall import TownhallSettings
from tinytown.domain.errors import ConfigError

log = structlog.get_logger("tinytown.townhall")

_OTHERS = 0o007
_GROUP = 0o070


def tls_context(settings: TownhallSettings, root: Path, now: datetime | None = None) -> ssl.SSLContext | None:
    """What connections are encrypted with; None: they are not.

    Args:
        settings: names of files, relative to `root`.
        root: the town's folder.
        now: the time, by which certificates must be valid.

    Raises:
        ConfigError: a file is missing, cannot be read, does not fit, or is out of date; or who may not reads the key.
    """
    tls, mtls = settings.tls, settings.mtls
    if tls.cert_file is None and tls.key_file is None:
        if mtls.client_ca_file is not None:
            raise ConfigError("[townhall.mtls] needs TLS; give cert_file and key_file under [townhall.tls] as well")
        return None
    if tls.cert_file is None or tls.key_file is None:
        missing = "cert_file" if tls.cert_file is None else "key_file"
        raise ConfigError(f"[townhall.tls] needs a certificate and its key; give {missing} as well")
    at = now or datetime.now(UTC)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    cert, key = root / tls.cert_file, root / tls.key_file
    _check_certificates(cert, "cert_file of [townhall.tls]", at)
    _check_key(key)
    _load(context, cert, key)
    if mtls.client_ca_file is not None:
        ca = root / mtls.client_ca_file
        _check_certificates(ca, "client_ca_file of [townhall.mtls]", at)
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED if mtls.required else ssl.CERT_OPTIONAL
    return context


def _load(context: ssl.SSLContext, cert: Path, key: Path) -> None:
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except _LockedError as error:
        raise ConfigError(f"key_file of [townhall.tls]: {key} is encrypted; give one without a password") from error
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(
                f"[townhall.tls]: {key} is not the key of {cert}; give the two that belong together"
            ) from error
        raise ConfigError(f"key_file of [townhall.tls]: {key} holds no private key in PEM") from error


def _check_certificates(path: Path, setting: str, at: datetime) -> None:
    """Whether there are certificates, and all of them are valid now."""
    data = _read(path, setting)
    try:
        found = x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise ConfigError(f"{setting}: {path} holds no certificate in PEM") from error
    for one in found:
        if one.not_valid_after_utc < at:
            raise ConfigError(f"{setting}: {path} expired at {one.not_valid_after_utc.isoformat()}; renew it")
        if one.not_valid_before_utc > at:
            raise ConfigError(f"{setting}: {path} is valid from {one.not_valid_before_utc.isoformat()} only")


def _check_key(path: Path) -> None:
    setting = "key_file of [townhall.tls]"
    _read(path, setting)
    mode = path.stat().st_mode
    if mode & _OTHERS:
        raise ConfigError(f"{setting}: everybody on this machine can use {path}; take that back: chmod 600 {path}")
    if mode & _GROUP:
        log.warning("the group of the key's file can use it", action="key_of_group", file=str(path))


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"{setting}: cannot read {path}: {reason}") from error


class _LockedError(Exception):
    """The key wants a password."""


def _no_password() -> str:
    raise _LockedError
