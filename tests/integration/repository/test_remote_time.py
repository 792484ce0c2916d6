from __future__ import annotations

from time import monotonic

import pytest

from tinytown.domain.errors import RemoteError
from tinytown.repository.git import Git
from tinytown.repository.remote import Remote
from tinytown.repository.time_limit import within


def test_remote_that_hangs_is_left_when_the_time_of_whoever_waits_is_over(git: Git) -> None:
    git.run("remote", "add", "origin", "ssh://nowhere.example/town.git")
    git.run("config", "core.sshCommand", "sleep 60;:")
    begun = monotonic()

    with within(0.3), pytest.raises(RemoteError, match="took longer than"):
        Remote(git).fetch("main")

    assert monotonic() - begun < 10
