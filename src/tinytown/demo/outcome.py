"""What became of the demo: looked up in the repository itself, not in what the town says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tinytown.demo.town import test_command
from tinytown.domain.mission import MissionState
from tinytown.domain.workitem import WorkItem
from tinytown.repository.command import run_command
from tinytown.repository.git import Git, clean_environment
from tinytown.services.missions import MissionView

TESTS_TIMEOUT_SECS = 60.0
_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """A merge commit on the default branch."""

    sha: str
    item: WorkItem


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the repository holds in the end."""

    merges: tuple[Merge, ...]
    """In the order of the branch."""
    tests: int
    """How many tests of the repository passed on its default branch."""
    problems: tuple[str, ...]
    """What is not as it must be; empty when all went well."""


def judge(view: MissionView, root: Path, python: str) -> Outcome:
    """Look at the mission's outcome, and run the repository's tests on its default branch.

    Raises:
        GitError: the repository cannot be read.
    """
    git, base = Git(root), view.mission.base
    merges = tuple(_merges(git, base, view))
    tests, failure = _run_tests(git, base, python)
    problems = [*_state(view), *_order(merges, view), *([failure] if failure else [])]
    return Outcome(merges=merges, tests=tests, problems=tuple(problems))


def _merges(git: Git, base: str, view: MissionView) -> Iterator[Merge]:
    by_sha = {item.pull.merged_as: item for item in view.items if item.pull is not None}
    for sha in git.line("rev-list", "--first-parent", "--merges", "--reverse", base).splitlines():
        if sha in by_sha:
            yield Merge(sha=sha, item=by_sha[sha])


def _state(view: MissionView) -> Iterator[str]:
    if view.mission.state is MissionState.COMPLETED:
        return
    yield f"the mission is {view.mission.state.value}, not completed"
    for item in view.items:
        if not item.is_done:
            yield f"{item.key} is {item.status.value}: {'; '.join(view.why.get(item.id, ()))}"


def _order(merges: tuple[Merge, ...], view: MissionView) -> Iterator[str]:
    places = {merge.item.id: place for place, merge in enumerate(merges)}
    for item in view.items:
        if item.id not in places:
            yield f"{item.key} is not merged into {view.mission.base}"
            continue
        for dependency in item.depends_on:
            if places.get(dependency, len(merges)) > places[item.id]:
                yield f"{item.key} was merged before what it depends on"


def _run_tests(git: Git, base: str, python: str) -> tuple[int, str]:
    """How many tests passed, and what is wrong with them."""
    if git.current_branch() != base or git.dirty_files():
        return 0, f"the checkout {git.folder} is not a clean one of {base}"
    done = run_command(
        test_command(python),
        cwd=git.folder,
        env=clean_environment(),
        log=git.folder / ".tt" / "logs" / "tests.log",
        timeout_secs=TESTS_TIMEOUT_SECS,
    )
    ran = _RAN.search(done.tail)
    if not done.is_ok or ran is None:
        return 0, f"the repository's tests fail on {base} ({done.reason}); see {done.log}"
    return int(ran[1]), ""
