"""`tt github webhook` as a process: it needs a secret, takes deliveries, and ends in order."""

from __future__ import annotations

import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.acceptance.conftest import TownCalls, end
from tests.integration.services.delivering import SECRET, reviewed, signed


@pytest.fixture
def on_github(town: TownCalls) -> TownCalls:
    """A town whose issues and pull requests are on GitHub."""
    settings = town.root / "tinytown.toml"
    settings.write_text(settings.read_text().replace('kind = "local"', 'kind = "github"\nrepository = "octo/town"'))
    return town


@pytest.fixture
def start(on_github: TownCalls, tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Starts a receiver and waits until it listens; the process and its URL."""
    started: list[subprocess.Popen[str]] = []

    def run(*args: str, **env: str) -> tuple[subprocess.Popen[str], str]:
        on_github.env |= env
        process = on_github.start("github", "webhook", "--port", "0", *args)
        started.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        url = re.search(r"http://\S+?(?=;)", line)
        assert url is not None, line
        return process, url[0]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def post(url: str, event: str, payload: dict[str, object], **headers: str) -> int:
    own, body = signed(event, payload)
    request = urllib.request.Request(url, body, {**own, **headers})  # noqa: S310  our own receiver
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310  as above
            return int(reply.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_deliveries_are_taken_until_it_is_told_to_end(
    start: Callable[..., tuple[subprocess.Popen[str], str]], number: signal.Signals
) -> None:
    process, url = start(TINYTOWN_WEBHOOK_SECRET=SECRET)

    assert post(url, "pull_request_review", reviewed(1)) == 202
    assert post(url, "pull_request_review", reviewed(1), **{"x-hub-signature-256": "sha256=" + "0" * 64}) == 401

    code, out, err = end(process, number)
    assert (code, out) == (0, "")
    taken, refused, last = err.splitlines()
    assert "action=delivery " in taken
    assert "kind=pull_request_review delivery=d-1 signalled=0" in taken
    assert "status=401" in refused
    assert last == "the receiver has ended; pull requests are looked at in the usual interval"
    assert SECRET not in err


def test_the_secret_may_be_in_a_file_and_the_path_another(
    on_github: TownCalls, start: Callable[..., tuple[subprocess.Popen[str], str]]
) -> None:
    (on_github.root / ".tt" / "hook").write_text(f"{SECRET}\n")

    _, url = start("--path", "/github/hook", TINYTOWN_FORGE__WEBHOOK_SECRET_FILE=".tt/hook")

    assert url.endswith("/github/hook")
    assert post(url, "ping", {}) == 202
    assert post(url.replace("/github/hook", "/webhook"), "ping", {}) == 404


def test_without_a_secret_it_says_how_to_set_it_up(on_github: TownCalls) -> None:
    done = on_github.tt("github", "webhook")

    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: there is no secret for webhooks: set TINYTOWN_WEBHOOK_SECRET (or [forge] webhook_secret"
    )
    for part in ("openssl rand -hex 32", "Settings, Webhooks", "application/json", "check runs", "pushes"):
        assert part in done.stderr


@pytest.mark.parametrize(("content", "reason"), [(None, "no such file"), ("\n", "is empty"), ("\udcff", "not text")])
def test_a_file_without_a_secret_is_named(on_github: TownCalls, content: str | None, reason: str) -> None:
    if content is not None:
        (on_github.root / "hook").write_bytes(content.encode("utf-8", "surrogateescape"))

    done = on_github.tt("github", "webhook", TINYTOWN_FORGE__WEBHOOK_SECRET_FILE="hook")

    assert done.returncode == 2
    assert str(on_github.root / "hook") in done.stderr
    assert reason in done.stderr


def test_a_town_with_the_local_forge_has_no_webhooks(town: TownCalls) -> None:
    done = town.tt("github", "webhook", TINYTOWN_WEBHOOK_SECRET=SECRET)

    assert done.returncode == 2
    assert 'only a town with kind = "github" under [forge] has webhooks' in done.stderr


@pytest.mark.parametrize("path", ["webhook", "/a b", "/a?b", ""])
def test_a_path_that_is_none_is_refused(on_github: TownCalls, path: str) -> None:
    done = on_github.tt("github", "webhook", "--path", path, TINYTOWN_WEBHOOK_SECRET=SECRET)

    assert done.returncode == 2
    assert "is not the path of a URL" in done.stderr


def test_a_port_that_is_taken_is_said(
    on_github: TownCalls, start: Callable[..., tuple[subprocess.Popen[str], str]]
) -> None:
    _, url = start(TINYTOWN_WEBHOOK_SECRET=SECRET)
    port = url.rpartition(":")[2].partition("/")[0]

    done = on_github.tt("github", "webhook", "--port", port, TINYTOWN_WEBHOOK_SECRET=SECRET)

    assert done.returncode == 2
    assert done.stderr == (
        f"error: cannot listen on 127.0.0.1, port {port}: address already in use; see --bind and --port\n"
    )
