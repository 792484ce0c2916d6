"""Starting a mission, as `tt mission start` and `tt mission run` do, or only looking at what it would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from tinytown.domain.issue import Selection
from tinytown.domain.policy import MissionPolicy
from tinytown.planner.preview import Preview
from tinytown.services.checkout import check_checkout
from tinytown.services.missions import Started
from tinytown.services.planning import read_manifest

if TYPE_CHECKING:
    from tinytown.bootstrap import Town

F = TypeVar("F", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path)
_PLAN_OPTIONS = (
    click.option("issues", "--issue", "-i", multiple=True, metavar="N", help="23, #23, owner/repo#23 or a URL."),
    click.option("docs", "--doc", multiple=True, type=_PATH, metavar="PATH", help="A document that says what to do."),
    click.option(
        "labels", "--label", multiple=True, metavar="L", help="Open issues with this label; with all of several."
    ),
    click.option("--milestone", metavar="M", help="Open issues of the milestone with this title."),
    click.option("--query", metavar="Q", help="Open issues that a search of the forge finds."),
    click.option("--max-parallel", type=click.IntRange(min=1), metavar="N", help="Most items in work at once."),
    click.option("--no-reviewer", is_flag=True, help="Do without reviews."),
    click.option("--auto-merge", is_flag=True, help="Merge what passes everything."),
    click.option(
        "--watch-interval", type=click.IntRange(min=1), metavar="SECS", help="How often pull requests are looked at."
    ),
    click.option("--manifest", type=_PATH, metavar="FILE", help="What overrides the issues; by default mission.toml."),
)
_START_OPTIONS = (
    *_PLAN_OPTIONS,
    click.option("--allow-dirty", is_flag=True, help="Start although not all changes are committed."),
)


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the options of these commands say."""

    issues: tuple[str, ...]
    docs: tuple[Path, ...]
    labels: tuple[str, ...]
    milestone: str | None
    query: str | None
    max_parallel: int | None
    no_reviewer: bool
    auto_merge: bool
    watch_interval: int | None
    manifest: Path | None
    allow_dirty: bool = False

    @property
    def choice(self) -> Selection:
        """Which issues are chosen rather than named."""
        return Selection(labels=self.labels, milestone=self.milestone, query=self.query)


def start_options(command: F) -> F:
    """Give a command these options; they make `Wishes`."""
    return _with(_START_OPTIONS, command)


def plan_options(command: F) -> F:
    """The same, without those that only starting needs."""
    return _with(_PLAN_OPTIONS, command)


def start_mission(town: Town, wishes: Wishes) -> Started:
    """Start a mission as wished, all or nothing.

    Raises:
        ConflictError: the checkout is not fit for it. ProblemsError: everything that is wrong with the objectives.
    """
    check_checkout(town.root, allow_dirty=wishes.allow_dirty)
    objectives = town.missions.objectives(wishes.issues, wishes.docs, town.root, wishes.choice)
    manifest = read_manifest(town.root, wishes.manifest)
    return town.missions.start(objectives, _policy(town.settings.mission, wishes), manifest)


def preview_mission(town: Town, wishes: Wishes) -> Preview:
    """What a mission as wished would do; nothing is started or stored.

    Raises:
        ProblemsError: everything that is wrong with the objectives. ForgeUnavailableError: they cannot be read now.
    """
    objectives = town.missions.objectives(wishes.issues, wishes.docs, town.root, wishes.choice)
    manifest = read_manifest(town.root, wishes.manifest)
    return town.missions.preview(objectives, _policy(town.settings.mission, wishes), manifest)


def _with(options: Iterable[Callable[[F], F]], command: F) -> F:
    for option in reversed(tuple(options)):
        command = option(command)
    return command


def _policy(usual: MissionPolicy, wishes: Wishes) -> MissionPolicy:
    return msgspec.structs.replace(
        usual,
        max_parallel_items=wishes.max_parallel or usual.max_parallel_items,
        reviewer_required=usual.reviewer_required and not wishes.no_reviewer,
        auto_merge=usual.auto_merge or wishes.auto_merge,
        watch_interval_secs=wishes.watch_interval or usual.watch_interval_secs,
    )
