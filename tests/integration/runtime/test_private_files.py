from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tinytown.runtime.private_file import write_private
from tinytown.runtime.sessions import Sessions


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    """The one under which everybody may read what is not forbidden."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_private_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "runs" / "1.prompt.md"

    write_private(file, "grüße")

    assert (mode(file), mode(file.parent)) == (0o600, 0o700)
    assert file.read_text(encoding="utf-8") == "grüße"


def test_file_and_folder_that_others_could_read_are_closed(tmp_path: Path) -> None:
    file = tmp_path / "runs" / "1.prompt.md"
    file.parent.mkdir(mode=0o755)
    file.write_text("something longer than what comes")
    file.chmod(0o644)

    write_private(file, "short")

    assert (mode(file), mode(file.parent)) == (0o600, 0o700)
    assert file.read_text() == "short"


def test_link_is_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("kept")
    (tmp_path / "link").symlink_to(target)

    with pytest.raises(OSError, match="symbolic links"):
        write_private(tmp_path / "link", "lost")

    assert target.read_text() == "kept"


def test_sessions_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    sessions = Sessions(folder)

    sessions.keep("agent-1", "2-login", "s1")

    assert sessions.find("agent-1", "2-login") == "s1"
    assert [mode(path) for path in (folder, folder / "agent-1", folder / "agent-1" / "2-login")] == [
        0o700,
        0o700,
        0o600,
    ]
