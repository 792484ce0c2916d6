"""The four ways of looking at a pull request, put together; what they ask for can wait when the quota runs low."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from tinytown.forges.github.address import Repository
from tinytown.forges.github.bots import Bots
from tinytown.forges.github.checks import Checks
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.mergeability import Mergeability
from tinytown.forges.github.people import IsUpdate, People
from tinytown.forges.github.pulls import Pulls
from tinytown.forges.github.reruns import Reruns
from tinytown.forges.github.rules import Rules
from tinytown.forges.github.threads import Threads
from tinytown.forges.github.trust import Trust
from tinytown.forges.github.verdicts import FailOn
from tinytown.forges.github.viewer import Viewer
from tinytown.forges.github.writers import Writers


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What a town has configured of its forge: `[forge]`."""

    default_branch: str | None = None
    trusted: tuple[str, ...]
    bots: tuple[str, ...]
    bots_pattern: str | None = None
    fail_on: FailOn | None = None
    flaky: tuple[str, ...] = ()
    grace_secs: float
    merge_method: str | None = None


class Looks(msgspec.Struct, frozen=True, kw_only=True):
    """What looks."""

    pulls: Pulls
    rules: Rules
    reruns: Reruns
    threads: Threads
    checks: Checks
    people: People
    bots: Bots
    mergeability: Mergeability


class AtMerge(msgspec.Struct, frozen=True, kw_only=True):
    """What the last looks before a merge have in common with others."""

    rules: Rules
    """Read just now."""
    reruns: Reruns
    threads: Threads
    """They remember what was resolved, which REST does not tell where GraphQL is not to be had."""


def open_looks(
    client: GitHub,
    repository: Repository,
    choices: Choices,
    viewer: Viewer,
    now: Callable[[], datetime],
    *,
    is_update: IsUpdate,
    at_merge: AtMerge | None = None,
) -> Looks:
    """Make them; nothing is asked yet.

    Args:
        client: asks GitHub.
        repository: where the pull requests are.
        choices: what is configured.
        viewer: who we are.
        now: the clock.
        is_update: tells whether an approval of an earlier head still holds.
        at_merge: of looks right before a merge, which cannot wait; thorough ones see what is there now.
    """
    look = client.as_look() if at_merge is None else client
    threads = Threads(look, repository, now) if at_merge is None else at_merge.threads.asking(look)
    writers = Writers(look, repository, now)
    rules = Rules(look, repository, now) if at_merge is None else at_merge.rules
    reruns = Reruns(client, repository, now) if at_merge is None else at_merge.reruns
    return Looks(
        pulls=Pulls(look, repository),
        rules=rules,
        reruns=reruns,
        threads=threads,
        checks=Checks(
            look,
            repository,
            rules=rules,
            reruns=reruns,
            now=now,
            flaky=choices.flaky,
            grace_secs=choices.grace_secs,
            fail_on=choices.fail_on,
        ),
        people=People(
            look,
            repository,
            threads=threads,
            writers=writers,
            trust=Trust(choices.trusted),
            me=viewer.login,
            bots=choices.bots,
            is_update=is_update,
        ),
        bots=Bots(look, repository, threads=threads, me=viewer.login, names=choices.bots, pattern=choices.bots_pattern),
        mergeability=Mergeability(look, repository, rules=rules),
    )
