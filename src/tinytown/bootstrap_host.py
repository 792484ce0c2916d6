"""What the host of a machine is made of, for the process that holds its lock."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from tinytown.bootstrap import Town
from tinytown.once import cached_property
from tinytown.repository.branch import default_branch
from tinytown.repository.git import Git
from tinytown.runtime.cleanup import Cleaner
from tinytown.runtime.host import Host, HostTools, host_record
from tinytown.runtime.ladder import Ladder
from tinytown.runtime.process import Limits
from tinytown.runtime.run_records import RunRecords
from tinytown.runtime.runner import RunnerTools
from tinytown.runtime.sessions import Sessions
from tinytown.runtime.signing_in import SignedOut
from tinytown.runtime.stores import Stores
from tinytown.runtime.survivors import Survivors
from tinytown.runtime.workshop import Workshop
from tinytown.services.machine import machine_id
from tinytown.store.agents import AgentStore
from tinytown.store.hosts import HostLease, HostStore
from tinytown.store.inbox import Inbox
from tinytown.store.missions import MissionStore
from tinytown.store.tasks import TaskStore


class HostParts:
    """The parts of a host that depend on the town's settings as they were at one moment."""

    def __init__(self, town: Town) -> None:
        self.town = town

    @cached_property
    def runner_tools(self) -> RunnerTools:
        """What runs need."""
        return self.following(lambda: None)

    @cached_property
    def cleaner(self) -> Cleaner:
        """What clears away after runs."""
        return cleaner_of(self.town)

    def following(self, newest: Callable[[], RunnerTools | None]) -> RunnerTools:
        """What runs need, with where newer settings' tools are found."""
        town = self.town
        agent = town.settings.agent
        return RunnerTools(
            root=town.root,
            environ=town.environ,
            signed_out=None if agent.forge_token else self._signed_out(),
            adapter=town.adapter,
            workshop=self._workshop(),
            records=RunRecords(town.state / "runs"),
            sessions=Sessions(town.state / "sessions"),
            survivors=Survivors(town.state / "survivors"),
            logs=town.agent_logs,
            limits=Limits(run_timeout_secs=agent.run_timeout_secs, stall_timeout_secs=agent.stall_timeout_secs),
            report_grace_secs=agent.report_grace_secs,
            max_nudges=agent.max_nudges,
            takes_backlog=lambda: town.live_settings.now().agent.takes_backlog,
            clock=town.clock,
            newest=newest,
        )

    def _signed_out(self) -> SignedOut:
        town = self.town
        return SignedOut(gh_folder=town.state / "gh", hosts=town.github.git_hosts if town.is_on_github else ())

    def _workshop(self) -> Workshop:
        town, git = self.town, Git(self.town.root)
        base = town.settings.forge.default_branch or default_branch(git, is_remote_first=town.is_on_github)
        return Workshop(town.worktrees(), git, base, town.github.upstream.publish if town.is_on_github else None)


def cleaner_of(town: Town) -> Cleaner:
    """What clears away after runs, by the town's settings."""
    return Cleaner(town.worktrees(), town.state / "runs", town.agent_logs)


def host_of(town: Town) -> Host:
    """This machine's host, for the process that holds its lock."""
    live, parts = town.live_settings, [HostParts(town)]
    first = parts[0]

    def newest() -> HostParts:
        """Those of the settings as they are now; the store is spoken to with those of the start."""
        settings = live.now()
        if settings is not parts[0].town.settings:
            parts[0] = HostParts(Town(settings, town.environ, town.clock))
        return parts[0]

    local = town.local_parts(lambda: newest().town.settings.forge)
    runner = first.following(lambda: None if newest() is first else newest().runner_tools)
    return Host(
        HostTools(
            machine=machine_id(town.root),
            record=host_record(os.getpid(), town.root),
            open_stores=lambda: _stores(town),
            runner=runner,
            records=runner.records,
            do_check=_no_checks if town.is_on_github else local.do_check(town.connect, town.redact),
            leftovers=Ladder(int_secs=1.0, term_secs=2.0),
            cleaner=lambda: newest().cleaner,
            clock=town.clock,
        )
    )


def _stores(town: Town) -> Stores:
    connection = town.connect()
    return Stores(
        hosts=HostStore(connection, town.keys),
        agents=AgentStore(connection, town.keys),
        tasks=TaskStore(connection, town.keys),
        missions=MissionStore(connection, town.keys),
        inbox=Inbox(connection, town.keys),
        events=town.events(),
    )


def _no_checks(_lease: HostLease, _stop: threading.Event) -> bool:
    """GitHub has checks run elsewhere."""
    return False
