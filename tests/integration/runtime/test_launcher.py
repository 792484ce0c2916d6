"""The host's lock says who the host is, whoever was killed while it was being started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tinytown.runtime.launcher import LOCK, host_pid, is_host_running

HOST = """
import sys
from pathlib import Path
from tinytown.runtime.launcher import host_lock

with host_lock(Path(sys.argv[1]), inherited=int(sys.argv[2])) as is_ours:
    print(is_ours, flush=True)
    sys.stdin.read()
"""


def test_a_host_whose_starter_was_killed_before_it_wrote_the_pid_is_known_all_the_same(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("123456789")  # of the host before
    code = "import fcntl, os, sys; fcntl.flock(0, fcntl.LOCK_EX); os.set_inheritable(0, True)"
    with (tmp_path / LOCK).open("a+b") as lock:
        subprocess.run([sys.executable, "-c", code], stdin=lock, check=True)  # the starter: it has ended
        argv = [sys.executable, "-c", HOST, str(tmp_path), str(lock.fileno())]
        host = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(lock.fileno(),))
    assert host.stdout is not None
    try:
        assert host.stdout.readline() == b"True\n"
        assert is_host_running(tmp_path)
        assert host_pid(tmp_path) == host.pid
    finally:
        host.communicate()
    assert not is_host_running(tmp_path)
