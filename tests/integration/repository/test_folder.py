from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tinytown.domain.errors import GitError
from tinytown.repository.folder import remove_folder

NOBODY = 65534


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may go into; pytest's own are for one user only."""
    path = Path(tempfile.mkdtemp(prefix="tinytown-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_folders_made_read_only_are_removed_and_nothing_that_links_lead_to(open_folder: Path) -> None:
    kept = open_folder / "kept"
    kept.mkdir(mode=0o755)
    target = open_folder / "check"
    inner = target / "pkg" / "mod"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    (target / "link").symlink_to(kept)
    inner.chmod(0o555)
    target.chmod(0o500)
    assert as_one_who_needs_rights(open_folder, target) == 0
    assert not target.exists()
    assert kept.stat().st_mode & 0o777 == 0o755


def test_one_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    remove_folder(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_be_removed_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(GitError, match=r"file cannot be removed: Not a directory"):
        remove_folder(tmp_path / "file")


def as_one_who_needs_rights(folder: Path, target: Path) -> int | None:
    """Exit code of a process without root's rights that removes `target`."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    child = multiprocessing.get_context("fork").Process(target=_remove, args=(target,))
    child.start()
    child.join(20)
    return child.exitcode


def _remove(target: Path) -> None:
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    remove_folder(target)
