"""The words are those of git 2.39 and of GitHub's, GitLab's and Bitbucket's servers."""

from __future__ import annotations

import pytest

from tinytown.domain.errors import RemoteUnavailableError
from tinytown.repository.git import Outcome
from tinytown.repository.refusal import Refusal, refusal_of, refused


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("!\tx:refs/heads/x\t[rejected] (fetch first)", Refusal.MOVED),
        ("!\tx:refs/heads/x\t[rejected] (non-fast-forward)", Refusal.MOVED),
        ("!\tx:refs/heads/x\t[rejected] (stale info)", Refusal.MOVED),
        (
            "!\tx:refs/heads/x\t[remote rejected] (cannot lock ref 'refs/heads/x': is at 1 but expected 2)",
            Refusal.MOVED,
        ),
        ("!\tx:refs/heads/x\t[remote rejected] (protected branch hook declined)", Refusal.PROTECTED),
        ("remote: error: GH013: Repository rule violations found for refs/heads/x.", Refusal.PROTECTED),
        ("!\tx:refs/heads/x\t[remote rejected] (push declined due to repository rule violations)", Refusal.PROTECTED),
        ("!\tx:refs/heads/x\t[remote rejected] (pre-receive hook declined)", Refusal.PROTECTED),
        (
            "!\tx:refs/heads/x\t[remote rejected] (refusing to allow a Personal Access Token to create or update workflow `x` …)",
            Refusal.WORKFLOW,
        ),
        (
            "!\tx:refs/heads/x\t[remote rejected] (refusing to allow a GitHub App to create or update workflow `x` without …)",
            Refusal.WORKFLOW,
        ),
        ("remote: Repository not found.\nfatal: repository 'https://github.com/a/b/' not found", Refusal.ACCESS),
        (
            "remote: Permission to a/b.git denied to octo.\nfatal: … The requested URL returned error: 403",
            Refusal.ACCESS,
        ),
        ("remote: Write access to repository not granted.", Refusal.ACCESS),
        ("fatal: Authentication failed for 'https://github.com/a/b.git/'", Refusal.ACCESS),
        ("fatal: could not read Username for 'https://github.com': terminal prompts disabled", Refusal.ACCESS),
        (
            "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.",
            Refusal.ACCESS,
        ),
        ("Host key verification failed.\nfatal: Could not read from remote repository.", Refusal.ACCESS),
        ("fatal: unable to access 'https://x/': Could not resolve host: x", Refusal.NETWORK),
        ("fatal: unable to access 'https://x/': The requested URL returned error: 502", Refusal.NETWORK),
        ("fatal: unable to access 'https://x/': The requested URL returned error: 429", Refusal.NETWORK),
        ("ssh: connect to host github.com port 22: Connection timed out", Refusal.NETWORK),
        ("error: RPC failed; curl 56 Recv failure\nfatal: the remote end hung up unexpectedly", Refusal.NETWORK),
        ("git push took longer than 60 s in /x and was stopped", Refusal.NETWORK),
        ("!\tx:refs/heads/x\t[remote rejected] (shallow update not allowed)", Refusal.OTHER),
    ],
)
def test_what_a_remote_says_is_told_apart(text: str, refusal: Refusal) -> None:
    assert refusal_of(text) is refusal


def test_the_message_has_what_the_other_side_said_and_what_to_do() -> None:
    out = "To github.com:a/b.git\n!\tx:refs/heads/x\t[remote rejected] (push declined due to repository rule violations)\n"
    err = (
        "remote: error: GH013: Repository rule violations found for refs/heads/x.\n"
        "remote: - Changes must be made through a pull request.\n"
        "error: failed to push some refs to 'github.com:a/b.git'\n"
    )
    error = refused("pushing x to origin", Outcome(1, out, err))
    assert error.message == (
        "pushing x to origin failed, its rules or hooks do not take it; allow it there, or do it by hand:"
        " error: GH013: Repository rule violations found for refs/heads/x.;"
        " - Changes must be made through a pull request.;"
        " [remote rejected] (push declined due to repository rule violations)"
    )


def test_only_what_may_pass_by_itself_is_temporary() -> None:
    later = refused("x", Outcome(128, "", "fatal: unable to access 'https://x/': Could not resolve host: x"))
    never = refused("x", Outcome(128, "", "fatal: Authentication failed for 'https://x/'"))
    assert (isinstance(later, RemoteUnavailableError), isinstance(never, RemoteUnavailableError)) == (True, False)
