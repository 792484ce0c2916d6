"""A real repository's commits, put into emulate through the git data API, where they get the shas that git gave them."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.peers.emulate import Emulate
from tests.peers.git import Bare


class Mirror:
    """What emulate knows of one repository.

    Not representable, and refused: signed commits, other encodings than UTF-8, a message without a final newline.
    """

    def __init__(self, bare: Bare, emulate: Emulate, slug: str) -> None:
        self._bare = bare
        self._emulate = emulate
        self._slug = slug
        self._known: set[str] = set()

    def commits(self, tip: str) -> None:
        """Make a commit known, with all before it."""
        if tip in self._known:
            return
        for sha in self._bare.text("rev-list", "--reverse", "--topo-order", tip).split():
            if sha not in self._known:
                self._commit(sha)

    def _commit(self, sha: str) -> None:
        header, _, message = self._bare.run("cat-file", "commit", sha).partition(b"\n\n")
        fields = [line.decode().split(" ", 1) for line in header.splitlines()]
        one = dict(fields)
        self._tree(one["tree"])
        body = {
            "message": message.decode(),
            "tree": one["tree"],
            "parents": [value for name, value in fields if name == "parent"],
            "author": _person(one["author"]),
            "committer": _person(one["committer"]),
        }
        self._post("commits", body, sha)

    def _tree(self, sha: str) -> None:
        if sha in self._known:
            return
        entries = []
        for line in self._bare.run("ls-tree", "-z", sha).split(b"\0")[:-1]:
            meta, path = line.split(b"\t", 1)
            mode, kind, thing = meta.decode().split()
            if kind == "tree":
                self._tree(thing)
            elif kind == "blob":
                self._blob(thing)
            entries.append({"path": path.decode(), "mode": mode, "type": kind, "sha": thing})
        self._post("trees", {"tree": entries}, sha)

    def _blob(self, sha: str) -> None:
        if sha not in self._known:
            content = base64.b64encode(self._bare.run("cat-file", "blob", sha)).decode()
            self._post("blobs", {"content": content, "encoding": "base64"}, sha)

    def _post(self, what: str, body: dict[str, Any], sha: str) -> None:
        made = self._emulate.call("POST", f"/repos/{self._slug}/git/{what}", body)["sha"]
        assert made == sha, f"emulate made {made} of git's {sha}"
        self._known.add(sha)


def _person(line: str) -> dict[str, str]:
    who, secs, zone = line.rsplit(" ", 2)
    name, email = who.rsplit(" <", 1)
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5])) * (-1 if zone[0] == "-" else 1)
    at = datetime.fromtimestamp(int(secs), timezone(offset))
    return {"name": name, "email": email.rstrip(">"), "date": at.isoformat()}
