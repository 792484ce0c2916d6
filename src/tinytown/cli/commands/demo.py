"""`tt demo`: three issues become three merged pull requests, before your eyes."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import FrameType

import click

from tinytown.bootstrap import Town, open_town
from tinytown.cli.board import EXIT_INTERRUPTED, dispatch_visibly
from tinytown.cli.logs import configure_logs
from tinytown.cli.picture import Picture
from tinytown.cli.render.demo import kept_lines, opening_lines, removed_lines, summary_lines
from tinytown.cli.session import Session, pass_session
from tinytown.demo.outcome import judge
from tinytown.demo.town import AGENTS, ISSUES, make_town
from tinytown.domain.errors import ProblemsError
from tinytown.domain.mission import Mission
from tinytown.domain.policy import MissionPolicy
from tinytown.services.shutdown import Shutdown

PACE_SECS = 0.1
MOST_SECS = 120.0
"""After this time, the agents' pauses apart, something is wrong."""
_PAUSES = 40
"""All agents' pauses, and some more."""


@click.command()
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep the repository, in this folder; it must be empty or not exist.",
)
@click.option(
    "--pace",
    type=click.FloatRange(0, 60),
    default=PACE_SECS,
    show_default=True,
    metavar="SECS",
    help="How long an agent pauses between its steps, so that you can watch.",
)
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a picture of the board as it was while a failed check was mended.",
)
@pass_session
def demo(session: Session, keep: Path | None, pace: float, svg: Path | None) -> int:
    """See a mission from issues to merged pull requests, in a repository made for it.

    Four agents that need no model work on three issues: real processes in git worktrees of their own, real checks, a
    review that is rejected once, a failed check that gets mended, three merges.
    """
    configure_logs(is_quiet=True)
    picture = Picture(svg) if svg is not None else None
    with _terminable(), _folder(keep) as root:
        make_town(root, sys.executable)
        town = open_town(root, _environment(session.environ, pace), town=root)
        with _running(town):
            code = _perform(session, town, picture, MOST_SECS + pace * _PAUSES)
        session.show(kept_lines(root) if keep else removed_lines(root))
    return code


def _perform(session: Session, town: Town, picture: Picture | None, most_secs: float) -> int:
    """Run the mission to its end.

    Raises:
        ProblemsError: something did not come out as it must.
    """
    started = time.monotonic()
    session.show(opening_lines(town.root))
    for name in AGENTS:
        town.agents.spawn(name, cli="demo")
    objectives = town.missions.objectives(ISSUES, (), town.root)
    mission_id = town.missions.start(objectives, MissionPolicy(auto_merge=True), None).mission.id

    def is_over(mission: Mission) -> bool:
        needs_help = mission.help is not None and mission.help.times_asked > 0
        return not mission.is_active or mission.is_paused or needs_help or time.monotonic() - started > most_secs

    _, is_interrupted = dispatch_visibly(town, mission_id, is_over, picture.see if picture else None)
    if is_interrupted:
        return EXIT_INTERRUPTED
    took = timedelta(seconds=time.monotonic() - started)
    view = town.missions.view(mission_id)
    outcome = judge(view, town.root, sys.executable)
    session.show(summary_lines(view, outcome, took))
    if picture is not None:
        picture.save()
    if outcome.problems:
        raise ProblemsError(outcome.problems)
    return 0


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Where the repository is made: the folder asked for, else a temporary one, which stays only when there was trouble."""
    if keep is not None:
        yield Path.cwd() / keep
        return
    above = Path(tempfile.mkdtemp(prefix="tinytown-demo-"))
    root = above / "bookshop"
    try:
        yield root
    except ProblemsError as error:
        raise ProblemsError((*error.problems, f"the repository is kept for a closer look: {root}")) from None
    except BaseException:
        shutil.rmtree(above)
        raise
    shutil.rmtree(above)


@contextlib.contextmanager
def _running(town: Town) -> Iterator[None]:
    """The town at work; whatever ends the block, its agents, host and server are stopped, and no signal cuts that short."""
    try:
        yield
    finally:
        before = {number: signal.signal(number, signal.SIG_IGN) for number in _SIGNALS}
        stopped = Shutdown(town.root).run()
        for number, handler in before.items():
            signal.signal(number, handler)
    if stopped.problems:
        raise ProblemsError(stopped.problems)


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Being told to end is like Ctrl-C: what was started is stopped first."""

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  the signature is given
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _environment(environ: Mapping[str, str], pace: float) -> dict[str, str]:
    """Ours, without what points at another town or server."""
    kept = {name: value for name, value in environ.items() if name != "REDIS_URL" and not name.startswith("TINYTOWN_")}
    return kept | {"TINYTOWN_DEMO_DELAY_SECS": f"{pace:g}"}
