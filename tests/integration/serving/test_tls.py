"""What is said about files of TLS before anybody connects."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs
from tests.certificates import Authority, Pair, pem

from tinytown.config.townhall import MtlsSettings, TlsSettings, TownhallSettings
from tinytown.domain.errors import ConfigError
from tinytown.serving.tls import tls_context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def pair(authority: Authority) -> Pair:
    return authority.server()


def settings(mtls: MtlsSettings | None = None) -> TownhallSettings:
    tls = TlsSettings(cert_file="server.pem", key_file="server.key")
    return TownhallSettings(tls=tls, mtls=mtls or MtlsSettings())


def refusal(root: Path, given: TownhallSettings | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        tls_context(given or settings(), root)
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message
    return caught.value.message


def test_without_settings_there_is_no_tls(tmp_path: Path) -> None:
    assert tls_context(TownhallSettings(), tmp_path) is None


def test_nothing_older_than_tls_1_2_is_spoken(tmp_path: Path, pair: Pair) -> None:
    context = tls_context(settings(), tmp_path)

    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(("required", "mode"), [(True, ssl.CERT_REQUIRED), (False, ssl.CERT_OPTIONAL)])
def test_clients_certificates_are_required_or_looked_at(
    tmp_path: Path, pair: Pair, *, required: bool, mode: ssl.VerifyMode
) -> None:
    context = tls_context(settings(mtls=MtlsSettings(client_ca_file="ca.pem", required=required)), tmp_path)

    assert context is not None
    assert context.verify_mode is mode


def test_a_certificate_without_its_key_or_the_other_way_round_is_refused(tmp_path: Path) -> None:
    assert "give key_file" in refusal(tmp_path, TownhallSettings(tls=TlsSettings(cert_file="server.pem")))
    assert "give cert_file" in refusal(tmp_path, TownhallSettings(tls=TlsSettings(key_file="server.key")))


def test_certificates_of_clients_need_tls(tmp_path: Path) -> None:
    given = TownhallSettings(mtls=MtlsSettings(client_ca_file="ca.pem"))

    assert refusal(tmp_path, given).startswith("[townhall.mtls] needs TLS")


@pytest.mark.parametrize("name", ["server.pem", "server.key"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, pair: Pair, name: str) -> None:
    (tmp_path / name).unlink()

    assert refusal(tmp_path).endswith(f"cannot read {tmp_path / name}: no such file or directory")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, pair: Pair) -> None:
    pair.cert.unlink()
    pair.cert.mkdir()

    assert refusal(tmp_path).endswith(f"cannot read {pair.cert}: is a directory")


def test_a_key_of_another_certificate_is_refused(tmp_path: Path, authority: Authority, pair: Pair) -> None:
    pair.key.write_bytes(authority.client().key.read_bytes())

    assert f"{pair.key} is not the key of {pair.cert}" in refusal(tmp_path)


def test_what_is_no_certificate_or_key_is_refused(tmp_path: Path, pair: Pair) -> None:
    kept = pair.cert.read_bytes()
    pair.cert.write_text("hello")
    assert "holds no certificate in PEM" in refusal(tmp_path)

    pair.cert.write_bytes(kept)
    pair.key.write_text("hello")
    assert "holds no private key in PEM" in refusal(tmp_path)


def test_an_encrypted_key_is_refused_and_asks_nobody_for_a_password(tmp_path: Path, pair: Pair) -> None:
    pair.key.write_bytes(pem(ec.generate_private_key(ec.SECP256R1()), b"hunter2"))

    assert "is encrypted; give one without a password" in refusal(tmp_path)


def test_an_expired_certificate_is_refused(tmp_path: Path, authority: Authority) -> None:
    authority.server(begins=timedelta(days=-3), ends=timedelta(days=-1))

    assert f"{tmp_path / 'server.pem'} expired at 20" in refusal(tmp_path)


def test_a_certificate_of_the_future_is_refused(tmp_path: Path, authority: Authority) -> None:
    authority.server(begins=timedelta(days=1), ends=timedelta(days=2))

    assert f"{tmp_path / 'server.pem'} is valid from 20" in refusal(tmp_path)


def test_a_client_authority_that_is_missing_is_named(tmp_path: Path, pair: Pair) -> None:
    given = settings(mtls=MtlsSettings(client_ca_file="other.pem"))

    assert refusal(tmp_path, given).startswith("client_ca_file of [townhall.mtls]: cannot read")


def test_a_key_that_everybody_can_use_is_refused(tmp_path: Path, pair: Pair) -> None:
    pair.key.chmod(0o644)

    assert refusal(tmp_path).endswith(f"take that back: chmod 600 {pair.key}")


def test_a_key_that_its_group_can_use_is_warned_of(tmp_path: Path, pair: Pair) -> None:
    pair.key.chmod(0o640)

    with capture_logs() as logged:
        assert tls_context(settings(), tmp_path) is not None

    assert [line["action"] for line in logged] == ["key_of_group"]
