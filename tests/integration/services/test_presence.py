from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tinytown.services.presence import Presence

HOLD = """
import sys
from pathlib import Path
from tinytown.services.presence import Presence
presence = Presence(Path(sys.argv[1]))
presence.announce("other")
print("here", flush=True)
input()
"""


def test_one_that_was_killed_is_dead_until_it_is_forgotten(tmp_path: Path) -> None:
    mine = Presence(tmp_path)
    mine.announce("mine")
    with subprocess.Popen(
        (sys.executable, "-c", HOLD, str(tmp_path)), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"here\n"
        assert mine.dead() == ()
        other.kill()
    assert (mine.dead(), mine.dead()) == (("other",), ("other",))
    mine.forget("other")
    assert mine.dead() == ()
    mine.withdraw()


def test_one_that_withdrew_leaves_no_trace(tmp_path: Path) -> None:
    mine = Presence(tmp_path)
    mine.announce("mine")
    mine.withdraw()
    assert list(tmp_path.iterdir()) == []
    assert Presence(tmp_path / "never").dead() == ()
