"""git's own requests over https, as a server of the test sees them."""

from __future__ import annotations

import base64
import datetime as dt
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.integration.repository.remotes import with_origin

from tinytown.domain.errors import RemoteError
from tinytown.repository.git import Git
from tinytown.repository.refusal import Refusal
from tinytown.repository.remote import Access, Remote

SHA = "1" * 40
WANTED = "Basic " + base64.b64encode(b"x-access-token:s3cret").decode()


class Host(msgspec.Struct):
    """A server that lists one branch to whoever has the token."""

    place: str
    seen: list[list[str]]
    """The Authorization headers of each request."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    seen: list[list[str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get_all("authorization") or []
            seen.append(given)
            body = f"{SHA}\trefs/heads/main\n".encode()
            self.send_response(200 if given == [WANTED] else 403)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path / "cert.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Host(f"127.0.0.1:{server.server_address[1]}", seen)
    server.shutdown()
    thread.join()
    server.server_close()


def certificate(file: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def there(git: Git, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """A clone whose origin is the server."""
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "cert.pem"))
    git.run("remote", "add", "origin", f"https://{host.place}/octo/town.git")
    return git


def test_the_token_goes_to_its_host_and_is_written_nowhere(there: Git, host: Host) -> None:
    assert Remote(there, Access(host.place, lambda: "s3cret")).heads("main") == {"main": SHA}
    assert host.seen
    assert all(given == [WANTED] for given in host.seen)
    assert "xtraheader" not in (there.folder / ".git" / "config").read_text()


def test_a_header_that_somebody_configured_for_the_host_does_not_make_two(there: Git, host: Host) -> None:
    there.run("config", f"http.https://{host.place}/.extraheader", "Authorization: Basic old")
    assert Remote(there, Access(host.place, lambda: "s3cret")).head("main") == SHA
    assert host.seen
    assert all(given == [WANTED] for given in host.seen)


def test_what_the_environment_configures_stays(there: Git, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    there.run("remote", "set-url", "origin", "https://short/town.git")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.https://{host.place}/octo/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://short/")
    assert Remote(there, Access(host.place, lambda: "s3cret")).head("main") == SHA


def test_a_count_that_is_no_number_is_left_to_git_to_refuse(
    there: Git, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "many")
    with pytest.raises(RemoteError, match="bogus count in GIT_CONFIG_COUNT"):
        Remote(there, Access(host.place, lambda: "s3cret")).head("main")
    assert not host.seen


@pytest.mark.parametrize("token", [None, "s3cret"])
def test_another_host_gets_no_token(there: Git, host: Host, token: str | None) -> None:
    place = host.place if token is None else "github.com"
    with pytest.raises(RemoteError, match="returned error: 403") as error:
        Remote(there, Access(place, lambda: token)).heads("main")
    assert error.value.evidence["refusal"] is Refusal.ACCESS
    assert host.seen
    assert not any(host.seen)
    assert "s3cret" not in error.value.message


def test_a_local_path_is_used_as_it_is(git: Git) -> None:
    with_origin(git)
    remote = Remote(git, Access("github.com", lambda: pytest.fail("nobody asks for the token")))
    assert remote.head("main") == git.find_branch("main")
