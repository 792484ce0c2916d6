"""TLS and mutual TLS as a real `townhall` serves them to real clients."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx2
import pytest
from tests.acceptance.conftest import TownCalls
from tests.certificates import Authority, Pair
from tests.townhall_process import TownhallProcess, refused, serving, settle


@pytest.fixture
def authority(town: TownCalls) -> Authority:
    return Authority(town.root.parent / "certificates")


def with_tls(town: TownCalls, pair: Pair) -> None:
    settle(town.root, "townhall.tls", f'cert_file = "{pair.cert}"', f'key_file = "{pair.key}"')


def with_mtls(town: TownCalls, authority: Authority, *, required: bool) -> None:
    settle(town.root, "townhall.mtls", f'client_ca_file = "{authority.file}"', f"required = {str(required).lower()}")


@contextmanager
def client(townhall: TownhallProcess, trusted: Authority, pair: Pair | None = None) -> Iterator[httpx2.Client]:
    context = ssl.create_default_context(cafile=trusted.file)
    if pair is not None:
        context.load_cert_chain(*pair.files)
    with httpx2.Client(base_url=townhall.url, verify=context, trust_env=False, timeout=10) as opened:
        yield opened


def status(townhall: TownhallProcess, trusted: Authority, pair: Pair | None = None) -> int:
    """Of an answer; 0 when the connection came to none."""
    with client(townhall, trusted, pair) as opened:
        try:
            return opened.get("/v1/town").status_code
        except httpx2.TransportError:
            return 0


def test_clients_that_trust_its_authority_reach_it_encrypted(town: TownCalls, authority: Authority) -> None:
    with_tls(town, authority.server())

    with serving(town.root, town.env) as townhall:
        assert townhall.url.startswith("https://127.0.0.1:")
        assert status(townhall, authority) == 200
        assert status(townhall, Authority(town.root.parent / "elsewhere")) == 0
        with pytest.raises(httpx2.TransportError):
            httpx2.get(townhall.url.replace("https", "http"), trust_env=False)


def test_old_versions_of_tls_are_not_spoken(town: TownCalls, authority: Authority) -> None:
    with_tls(town, authority.server())
    context = ssl.create_default_context(cafile=authority.file)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with (
        serving(town.root, town.env) as townhall,
        httpx2.Client(base_url=townhall.url, verify=context, trust_env=False) as opened,
        pytest.raises(httpx2.TransportError),
    ):
        opened.get("/health")


def test_required_certificates_let_in_who_has_one_of_the_right_authority(town: TownCalls, authority: Authority) -> None:
    other = Authority(town.root.parent / "elsewhere", "other")
    expired = authority.client("expired", begins=timedelta(days=-3), ends=timedelta(days=-1))
    with_tls(town, authority.server())
    with_mtls(town, authority, required=True)

    with serving(town.root, town.env) as townhall:
        assert status(townhall, authority, authority.client()) == 200
        assert status(townhall, authority) == 0
        assert status(townhall, authority, other.client("stranger")) == 0
        assert status(townhall, authority, expired) == 0
        assert "Traceback" not in townhall.log()


def test_optional_certificates_are_not_missed_but_must_be_right(town: TownCalls, authority: Authority) -> None:
    other = Authority(town.root.parent / "elsewhere", "other")
    with_tls(town, authority.server())
    with_mtls(town, authority, required=False)

    with serving(town.root, town.env) as townhall:
        assert status(townhall, authority) == 200
        assert status(townhall, authority, authority.client()) == 200
        assert status(townhall, authority, other.client("stranger")) == 0


def test_a_certificate_is_asked_for_besides_a_key_not_instead_of_it(town: TownCalls, authority: Authority) -> None:
    key = town.json("auth", "gen-key", "ci", "--write")["key"]
    with_tls(town, authority.server())
    with_mtls(town, authority, required=True)

    with serving(town.root, town.env) as townhall:
        assert status(townhall, authority, authority.client()) == 401
        with client(townhall, authority, authority.client()) as opened:
            assert opened.get("/v1/town", headers={"X-API-Key": key}).status_code == 200


def test_files_that_do_not_fit_are_one_line_before_it_listens(town: TownCalls, authority: Authority) -> None:
    expired = authority.server("old", begins=timedelta(days=-3), ends=timedelta(days=-1))
    with_tls(town, expired)

    done = refused(town.root, town.env, "--port", "0")

    assert done.returncode == 2
    assert done.stderr.startswith(f"error: cert_file of [townhall.tls]: {expired.cert} expired at ")
    assert done.stderr.count("\n") == 1
