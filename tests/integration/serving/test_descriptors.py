"""How many connections fit into a process's descriptors."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from tinytown.serving.descriptors import room_for

ASK = """
import resource, sys
from tinytown.serving.descriptors import room_for
soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(room_for(wanted), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "room", "raised"),
    [
        (1024, 4096, 1500, 1500, 1756),  # as many as are needed, no more
        (4096, 4096, 1500, 1500, 4096),
        (1024, 1024, 1500, 768, 1024),
        (256, 1024, 1500, 768, 1024),
        (120, 120, 1500, 60, 120),
    ],
)
def test_descriptors_are_asked_for_and_some_are_kept_for_the_server_itself(
    soft: int, hard: int, wanted: int, room: int, raised: int
) -> None:
    argv = [sys.executable, "-c", ASK, str(soft), str(hard), str(wanted)]
    told = subprocess.run(argv, capture_output=True, encoding="utf-8", check=True, timeout=60).stdout

    assert told.splitlines()[-1] == f"{room} {raised}"
    assert ("few_descriptors" in told) == (room < wanted)


def test_what_there_is_enough_of_is_not_told_of() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with capture_logs() as logs:
        assert room_for(10) == 10
    assert (logs, resource.getrlimit(resource.RLIMIT_NOFILE)) == ([], before)
