"""The processes and servers that the tests' GitHub is made of; whoever measures uses them, too."""

from __future__ import annotations

from pathlib import Path

from tests.peers.emulate import Emulate
from tests.peers.exchange import Answer, Request, refused
from tests.peers.git import Bare
from tests.peers.github import GitHub
from tests.peers.server import Server
from tests.repositories import make_repository


class Peer:
    """The front, the host of job logs, and emulate behind them; one test's GitHub at a time."""

    def __init__(self) -> None:
        self._github: GitHub | None = None
        self.front = Server(self._answer)
        self.logs = Server(self._log)
        self.emulate = Emulate(self.front.url)

    def begin(self, folder: Path) -> GitHub:
        """An empty GitHub but for the repository, whose main has one commit, and rev as a collaborator who may push.

        Its git repository is made in the folder.
        """
        self.emulate.reset()
        bare = Bare.make(folder / "town.git")
        self._github = GitHub(bare, self.emulate, self.front.url, self.logs.url)
        start = make_repository(folder / "start")
        start.run("push", "--quiet", str(bare.folder), "main")
        self.emulate.call("PUT", f"/repos/{GitHub.slug}/collaborators/rev", {"permission": "push"})
        return self._github

    def end(self) -> None:
        """Whoever still asks is refused."""
        self._github = None
        self.front.release()

    def stop(self) -> None:
        self.front.stop()
        self.logs.stop()
        self.emulate.stop()

    def _answer(self, request: Request) -> Answer:
        return self._github.answer(request) if self._github else refused(503, "this test is over")

    def _log(self, request: Request) -> Answer:
        return self._github.jobs.log_answer(request) if self._github else refused(503, "this test is over")
