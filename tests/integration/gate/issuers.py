"""A real OpenID Connect issuer over HTTP, whose keys a test turns over."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey, generate_key
from joserfc.jws import JWSRegistry
from tests.certificates import Pair

AsymmetricKey = RSAKey | ECKey | OKPKey


class Issuer:
    """What it serves; change it while it runs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: list[dict[str, Any]] = []
        self.asked: list[str] = []
        """Paths, in order."""
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: bytes | None = None
        """Instead of the key set."""
        self.discovery: dict[str, Any] = {"issuer": url, "jwks_uri": f"{url}/keys"}
        self.may_answer = Event()
        self.may_answer.set()

    def add(self, key: AsymmetricKey, **members: Any) -> None:
        """Publish a key."""
        self.keys.append({**key.as_dict(private=False), **members})

    def document(self, path: str) -> bytes:
        """What is served there."""
        if path.startswith("/.well-known/"):
            return json.dumps(self.discovery).encode()
        return json.dumps({"keys": self.keys}).encode() if self.body is None else self.body


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer

    def do_GET(self) -> None:
        self.issuer.asked.append(self.path)
        self.issuer.may_answer.wait(20)
        body = self.issuer.document(self.path)
        self.send_response(self.issuer.status)
        for name, value in self.issuer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name of the base class
        pass


@contextmanager
def running_issuer(certificate: Pair | None = None) -> Iterator[Issuer]:
    """An issuer that listens until the end of the block; over https when it has a certificate."""

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate.files)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if certificate is None else "https"
    Handler.issuer = issuer = Issuer(f"{scheme}://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield issuer
    finally:
        issuer.may_answer.set()
        server.shutdown()
        thread.join()
        server.server_close()


def make_key(algorithm: str, kid: str | None = None) -> AsymmetricKey:
    """A new key for that algorithm."""
    parameters: Any = {"kid": kid} if kid else None
    match algorithm[:2]:
        case "ES":
            return ECKey.generate_key({"256": "P-256", "384": "P-384", "512": "P-521"}[algorithm[2:]], parameters)
        case "Ed":
            return OKPKey.generate_key("Ed25519", parameters)
    made = generate_key("RSA", 2048, parameters)
    assert isinstance(made, RSAKey)
    return made


class _Anything(JWSRegistry):
    """Signs whatever a test wants signed."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]

    def check_header(self, header: Any) -> None:
        pass


def sign(key: Any, claims: Mapping[str, Any], alg: str = "RS256", **header: Any) -> str:
    """A token; no name of a key in the header but what is given."""
    registry = _Anything(strict_check_header=False)
    return jwt.encode({"alg": alg, **header}, dict(claims), key, registry=registry)


def claims_of(issuer: Issuer, **changes: Any) -> dict[str, Any]:
    """Claims of a token that lets in; None takes one out."""
    now = int(time.time())
    usual = {
        "iss": issuer.url,
        "aud": "town",
        "sub": "ada",
        "exp": now + 300,
        "iat": now,
        "scope": "openid town.read town.write",
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}
