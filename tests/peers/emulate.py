"""emulate, the GitHub that nobody here wrote: a node process, for as long as the test session."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import httpx2
from tests.peers.exchange import Answer, Request
from tests.peers.install import PACKAGES, node

USERS = {"tok-octo": "octo", "tok-rev": "rev", "tok-bot": "cursor[bot]", "tok-stranger": "stranger"}
"""Tokens with the users they belong to. octo owns the repositories; `by` is a token without its `tok-`."""

APP_ID, INSTALLATION_ID = 12, 100

SEED = {
    "tokens": {token: {"login": login, "scopes": ["repo", "workflow"]} for token, login in USERS.items()},
    "github": {
        "users": [{"login": login, "name": login.title(), "email": f"{login}@e.x"} for login in USERS.values()],
        "repos": [{"owner": "octo", "name": name, "auto_init": False} for name in ("town", "other")],
        "apps": [
            {
                "app_id": APP_ID,
                "slug": "tinytown",
                "name": "Tinytown",
                "permissions": dict.fromkeys(("contents", "issues", "pull_requests", "checks"), "write"),
                "events": ["*"],
                "installations": [{"installation_id": INSTALLATION_ID, "account": "octo"}],
            }
        ],
    },
}
_QUOTA = 4_000  # of the 5,000 requests that emulate grants a token
_OF_THE_CONNECTION = {"content-length", "connection", "keep-alive", "transfer-encoding", "content-encoding", "host"}


class Emulate:
    """The process, and calls to it past everything that is in front of it."""

    def __init__(self, base_url: str) -> None:
        script = Path(__file__).with_name("peer.mjs")
        argv = [str(node()), str(script), str(PACKAGES), base_url, json.dumps(SEED)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        assert line, "emulate did not start: is .venv/peers there? (make test)"
        ready = json.loads(line)
        self.app_key = str(ready["key"])
        """The private key of the App (PEM), made anew with each process."""
        base = f"http://127.0.0.1:{ready['port']}"
        self._http = httpx2.Client(base_url=base, timeout=30, verify=False, trust_env=False)
        self._calls = itertools.count()
        self.changes = 0
        """How many requests there were that may have changed something."""

    def call(self, method: str, path: str, body: object = None, *, by: str = "octo") -> Any:
        """The JSON of a successful answer; AssertionError for any other."""
        answer = self.ask(method, path, body, by=by)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body.decode()}"
        return answer.json()

    def ask(self, method: str, path: str, body: object = None, *, by: str = "octo") -> Answer:
        """The answer, whatever it is."""
        content = b"" if body is None else json.dumps(body).encode()
        return self._send(method, path, {"authorization": f"Bearer tok-{by}"}, content)

    def forward(self, request: Request) -> Answer:
        """What emulate answers to a client's request."""
        query = str(httpx2.QueryParams(request.query))
        headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_CONNECTION}
        headers.pop("accept-encoding", None)
        return self._send(request.method, f"{request.path}?{query}".rstrip("?"), headers, request.body)

    def reset(self) -> None:
        """Forget everything but the seed."""
        self.call("POST", "/_git/reset")

    def stop(self) -> None:
        self._http.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.kill()
        self._process.wait()

    def _send(self, method: str, path: str, headers: dict[str, str], content: bytes) -> Answer:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if token in USERS:
            headers["authorization"] = f"{scheme} {token}~{next(self._calls) // _QUOTA}"
        self.changes += method != "GET"
        reply = self._http.request(method, path, headers=headers, content=content)
        kept = {name: value for name, value in reply.headers.items() if name.lower() not in _OF_THE_CONNECTION}
        return Answer(reply.status_code, reply.content, kept)
