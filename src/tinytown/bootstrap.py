"""The composition root: settings -> store, forge, runtime -> services. Nothing else builds adapters.

Parts are made when first asked for, and what is heavy to import is imported then: `tt status` should not pay for what a
host needs.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tinytown.config import Settings, find_root, load_settings, named_root
from tinytown.domain.agent import GONE
from tinytown.domain.errors import TinytownError
from tinytown.domain.ids import new_id
from tinytown.once import cached_property
from tinytown.services.caller import Caller
from tinytown.services.machine import STATE_FOLDER, machine_id, state_folder
from tinytown.services.tasks import Tasks
from tinytown.store.address import redacted
from tinytown.store.agents import AgentStore
from tinytown.store.connection import Connection, connect
from tinytown.store.dispatchers import DispatcherStore
from tinytown.store.events import EventStream
from tinytown.store.forcing import force_to_disk
from tinytown.store.hosts import HostStore
from tinytown.store.inbox import Inbox
from tinytown.store.keys import Keys
from tinytown.store.missions import MissionStore
from tinytown.store.schema import check_schema
from tinytown.store.server import ensure_server, server_data, server_url
from tinytown.store.tasks import TaskStore

if TYPE_CHECKING:
    from tinytown.bootstrap_github import GitHubParts
    from tinytown.bootstrap_local import LocalParts
    from tinytown.config import ForgeSettings
    from tinytown.config.live import LiveSettings
    from tinytown.forges.base import Forge
    from tinytown.repository.worktree import Worktrees
    from tinytown.runtime.clis import Adapter
    from tinytown.services.agents import Agents
    from tinytown.services.backlog import Backlog
    from tinytown.services.deletion import Deletion
    from tinytown.services.deliveries import Deliveries
    from tinytown.services.dispatch import Dispatcher
    from tinytown.services.figures import FigureDesk
    from tinytown.services.following import Follower
    from tinytown.services.insights import Insights
    from tinytown.services.journal import Journal
    from tinytown.services.messages import Messages
    from tinytown.services.mission_looks import MissionLooks
    from tinytown.services.missions import Missions
    from tinytown.services.readiness import Readiness
    from tinytown.services.recovery import Recovery
    from tinytown.store.backlog import BacklogStore
    from tinytown.store.dispatchers import Due


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


ANSWER_SECS = 5.0
"""How long the store may take to answer, unless somebody wants to know sooner."""


class Town:
    """One town, as one process sees it. Not thread-safe: each thread opens its own connection."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        clock: Callable[[], datetime] = utc_now,
        *,
        answer_secs: float = ANSWER_SECS,
    ) -> None:
        """Args: answer_secs is how long the store may take to answer."""
        self.settings = settings
        self.environ = environ
        self.clock = clock
        self.root = settings.root
        self.state = settings.root / STATE_FOLDER
        self.keys = Keys.of(settings.town.name)
        self.caller = Caller.of(environ)
        self._answer_secs = answer_secs

    def connect(self, answer_secs: float | None = None) -> Connection:
        """A connection of one's own; starts the town's server when it has one and it does not run."""
        timeout_secs = self._answer_secs if answer_secs is None else answer_secs
        url = self.settings.redis.url
        if url is not None:
            return connect(url, timeout_secs=timeout_secs)
        force = partial(force_to_disk, server_data(self.root)) if self.settings.redis.force_to_disk else None
        revive = partial(ensure_server, self.root)
        return connect(server_url(self.root), timeout_secs=timeout_secs, revive=revive, force=force)

    @cached_property
    def connection(self) -> Connection:
        """The connection of the thread that opened the town."""
        connection = self.connect()
        try:
            check_schema(connection, self.keys)
        except TinytownError:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close its connections, if there are any; they open again when they are needed."""
        if "connection" in self.__dict__:
            self.connection.close()
        if "github" in self.__dict__:
            self.github.close()

    @cached_property
    def agent_store(self) -> AgentStore:
        """Agents as stored."""
        return AgentStore(self.connection, self.keys)

    @cached_property
    def mission_store(self) -> MissionStore:
        """Missions as stored."""
        return MissionStore(self.connection, self.keys)

    @cached_property
    def task_store(self) -> TaskStore:
        """Tasks as stored."""
        return TaskStore(self.connection, self.keys)

    @cached_property
    def backlog_store(self) -> BacklogStore:
        """The backlog as stored."""
        from tinytown.store.backlog import BacklogStore  # few commands need it

        return BacklogStore(self.connection, self.keys)

    @cached_property
    def inbox(self) -> Inbox:
        """Messages as stored."""
        return Inbox(self.connection, self.keys)

    @cached_property
    def host_store(self) -> HostStore:
        """Hosts as stored."""
        return HostStore(self.connection, self.keys)

    @cached_property
    def dispatcher_store(self) -> DispatcherStore:
        """Dispatchers' heartbeats."""
        return DispatcherStore(self.connection, self.keys)

    def events(self, after: str | None = None) -> EventStream:
        """A reader of the town's events on a connection of its own."""
        return EventStream(self.connect(), self.keys, after)

    def follower(self, after: str | None = None) -> Follower:
        """What follows the town's events on a connection of its own; it does not start a server that is gone.

        Without `after` it begins with what happens next.
        """
        from tinytown.services.following import Follower  # few commands follow

        url = self.settings.redis.url
        return Follower(connect(url if url is not None else server_url(self.root)), self.keys, after)

    @cached_property
    def journal(self) -> Journal:
        """The town's events for people."""
        from tinytown.services.journal import Journal  # few commands show them

        return Journal(lambda: EventStream(self.connection, self.keys, "0-0"), self.agent_store, self.mission_store)

    def redact(self, text: str) -> str:
        """The text without the secrets that this process knows, and without what looks like one."""
        from tinytown.runtime.environment import secret_values  # only what stores somebody's words needs it
        from tinytown.runtime.redaction import redact

        return redact(text, secret_values(self.environ))

    @cached_property
    def agents(self) -> Agents:
        """The agents' use cases."""
        from tinytown.services.agents import Agents  # not every command is about them

        return Agents(
            self.agent_store,
            self.inbox,
            lambda: EventStream(self.connection, self.keys),
            settings=self.settings.agent,
            adapter=self.adapter,
            path=self.environ.get("PATH", os.defpath),
            machine=lambda: machine_id(self.root),
            ensure_host=self.start_host,
            clock=self.clock,
            caller=self.caller,
        )

    @cached_property
    def recovery(self) -> Recovery:
        """Getting over what died."""
        from tinytown.runtime.launcher import is_host_running  # few commands recover
        from tinytown.services.recovery import Recovery

        return Recovery(
            self.agent_store,
            self.host_store,
            machine=lambda: machine_id(self.root),
            is_host_running=lambda: is_host_running(self.state),
            start_host=self.start_host,
            ensure_host=self.ensure_host,
            clock=self.clock,
            caller=self.caller,
            may_direct=self.settings.agent.may_direct,
        )

    @cached_property
    def tasks(self) -> Tasks:
        """The tasks' use cases."""
        return Tasks(self.task_store, self.agent_store, self.inbox, self.caller, self.clock, self.redact)

    @cached_property
    def backlog(self) -> Backlog:
        """The backlog's use cases."""
        from tinytown.services.backlog import Backlog  # few commands are about it

        return Backlog(
            self.backlog_store,
            self.task_store,
            self.agent_store,
            self.inbox,
            caller=self.caller,
            may_direct=self.settings.agent.may_direct,
            clock=self.clock,
            redact=self.redact,
        )

    @cached_property
    def messages(self) -> Messages:
        """The inboxes' use cases."""
        from tinytown.services.messages import Messages  # not every command is about them

        return Messages(self.inbox, self.agent_store, self.caller, self.clock, self.redact)

    @cached_property
    def missions(self) -> Missions:
        """The missions' use cases."""
        from tinytown.services.missions import Missions  # with the planner; not every command needs it
        from tinytown.services.planning import Planning

        planning = Planning(self.forge, self.root)
        return Missions(
            self.mission_store,
            self.agent_store,
            self.forge,
            planning,
            self.clock,
            caller=self.caller,
            may_direct=self.settings.agent.may_direct,
            redact=self.redact,
        )

    @cached_property
    def mission_looks(self) -> MissionLooks:
        """Missions as somebody looks at them from elsewhere."""
        from tinytown.services.mission_looks import MissionLooks  # for townhall

        return MissionLooks(self.mission_store)

    @cached_property
    def deletion(self) -> Deletion:
        """Ends missions for good."""
        from tinytown.services.deletion import Deletion  # with git; few commands need it

        return Deletion(
            self.mission_store,
            self.worktrees(),
            self.clock,
            caller=self.caller,
            may_direct=self.settings.agent.may_direct,
        )

    @cached_property
    def live_settings(self) -> LiveSettings:
        """The settings as the files say now, for what lives long."""
        from tinytown.config.live import LiveSettings

        return LiveSettings(self.settings, self.environ)

    @property
    def is_on_github(self) -> bool:
        """Whether issues and pull requests are there."""
        return self.settings.forge.kind == "github"

    @cached_property
    def github(self) -> GitHubParts:
        """What a town on GitHub is made of; only when it is."""
        from tinytown.bootstrap_github import GitHubParts  # few commands speak to it

        return GitHubParts(self.settings, self.environ, self.connect, self.keys, self.clock)

    @cached_property
    def forge(self) -> Forge:
        """Where issues and pull requests live."""
        if self.is_on_github:
            return self.github.forge
        return self.local_parts(lambda: self.live_settings.now().forge).forge(self.connection)

    def local_parts(self, settings: Callable[[], ForgeSettings]) -> LocalParts:
        """What a town is made of whose repository is its own forge, by those settings."""
        from tinytown.bootstrap_local import LocalParts  # not for every command

        return LocalParts(self.root, self.keys, self.clock, settings)

    @contextmanager
    def deliveries(self) -> Iterator[Deliveries]:
        """What takes webhooks' deliveries, in any thread. ConfigError: there is no secret; says how to set it."""
        from tinytown.services.deliveries import Deliveries  # for one command
        from tinytown.services.webhook_secret import required_secret
        from tinytown.store.pool import ConnectionPool

        secret = required_secret(self.settings.forge, self.root, self.environ)
        check_schema(self.connection, self.keys)
        with closing(ConnectionPool(self.connect)) as pool:
            yield Deliveries(secret, self.keys, pool.lend, self.clock)

    def own_deliveries(self) -> Deliveries:
        """What takes webhooks' deliveries in the thread that has the town, with the secret as it is now.

        Raises:
            ConfigError: as for `deliveries`.
        """
        from tinytown.services.deliveries import Deliveries  # as above
        from tinytown.services.webhook_secret import required_secret

        secret = required_secret(self.settings.forge, self.root, self.environ)
        return Deliveries(secret, self.keys, lambda: nullcontext(self.connection), self.clock)

    def adapter(self, cli: str) -> Adapter:
        """The adapter for an agent CLI."""
        from tinytown.runtime.clis import adapter  # a dozen small modules

        return adapter(cli, self.settings.agent_clis)

    @cached_property
    def insights(self) -> Insights:
        """What goes on."""
        from tinytown.services.insights import Insights, Place, Sources  # few commands look at everything
        from tinytown.services.usage import Usages
        from tinytown.store.forge_quota import QuotaStore

        sources = Sources(
            agents=self.agent_store,
            tasks=self.task_store,
            backlog=self.backlog_store,
            missions=self.mission_store,
            hosts=self.host_store,
            dispatchers=self.dispatcher_store,
            events=self.events,
            usages=Usages(QuotaStore(self.connection), self.keys, self.clock),
        )
        place = Place(name=self.settings.town.name, root=self.root, redis_url=self.redis_url)
        return Insights(place, sources, machine=lambda: machine_id(self.root), clock=self.clock)

    @cached_property
    def figures(self) -> FigureDesk:
        """What there is how much of."""
        from tinytown.services.figures import FigureDesk  # for townhall
        from tinytown.store.census import CensusStore

        store = CensusStore(self.connection, self.keys)
        return FigureDesk(store, max_agents=self.settings.agent.max_agents, clock=self.clock)

    def readiness(self, within_secs: float) -> Readiness:
        """Whether the store answers within that time, on a connection of its own; in whatever thread."""
        from tinytown.services.readiness import look  # as above

        return look(partial(self.connect, within_secs), self.keys, self.clock)

    @property
    def redis_url(self) -> str:
        """Where the town's data is, without user name and password."""
        url = self.settings.redis.url
        return redacted(url) if url is not None else server_url(self.root)

    @property
    def agent_logs(self) -> Path:
        """The folder of the agents' output."""
        return self.state / "logs" / "agents"

    def start_host(self) -> bool:
        """Start this machine's host in the background unless it runs."""
        from tinytown.runtime.launcher import start_host  # starts processes; few commands do

        return start_host(self.root, self.state, self.environ)

    def ensure_host(self) -> None:
        """Start this machine's host when something here waits for one and none runs.

        After hosts that died of an error it pauses, longer each time, and tells a person once when that goes on.
        """
        from tinytown.runtime.host_failures import HostFailures, told_of_hosts  # as above
        from tinytown.runtime.launcher import is_host_running

        if is_host_running(self.state) or not self.needs_host():
            return
        failures = HostFailures(self.state)
        if (found := failures.to_be_told()) is not None:
            self.inbox.send(told_of_hosts(found, self.root, self.clock()))
        last = failures.read()
        if last is None or self.clock() >= last.start_at:
            self.start_host()

    def needs_host(self) -> bool:
        """Whether this machine has agents to be run or checks to be done."""
        machine = machine_id(self.root)
        has_agents = any(a.spec.machine == machine and a.state not in GONE for a in self.agent_store.all())
        if has_agents or self.is_on_github:
            return has_agents
        return self.local_parts(lambda: self.settings.forge).queued_checks(self.connection) > 0

    def dispatch_once(self) -> Due:
        """Look at every active mission once, as a dispatcher that leaves again; what was due before."""
        dispatcher = self.dispatcher(EventStream(self.connection, self.keys))
        try:
            return dispatcher.tick(is_full=True)
        finally:
            dispatcher.leave()

    def dispatcher(self, events: EventStream | None = None) -> Dispatcher:
        """A dispatcher for this process. Args: events are what it waits for, else on a connection of its own."""
        from tinytown.services.dispatch import Dispatcher, DispatchTools
        from tinytown.services.planning import Planning
        from tinytown.services.presence import DISPATCHERS, Presence
        from tinytown.store.dispatchers import Dispatcher as Record

        record = Record(id=new_id(), machine=socket.gethostname(), pid=os.getpid(), started_at=self.clock())
        return Dispatcher(
            DispatchTools(
                record=record,
                missions=self.mission_store,
                dispatchers=self.dispatcher_store,
                events=self.events() if events is None else events,
                forge=self.forge,
                planning=Planning(self.forge, self.root),
                roles=self.missions.roles,
                ensure_host=self.ensure_host,
                clock=self.clock,
                sleep=time.sleep,
                presence=Presence(state_folder(self.root) / DISPATCHERS),
                tick_secs=lambda: self.live_settings.now().dispatcher.tick_secs,
            )
        )

    def worktrees(self) -> Worktrees:
        """Where agents work, by these settings."""
        from tinytown.repository.hooks import Hooks
        from tinytown.repository.worktree import Worktrees
        from tinytown.runtime.occupants import Occupants
        from tinytown.runtime.run_records import RunRecords
        from tinytown.runtime.survivors import Survivors

        settings = self.settings.worktree
        occupants = Occupants(Survivors(self.state / "survivors"), RunRecords(self.state / "runs"))
        hooks = Hooks(
            after_create=settings.after_create,
            before_run=settings.before_run,
            after_run=settings.after_run,
            before_remove=settings.before_remove,
            timeout_secs=settings.hook_timeout_secs,
        )
        upstream = self.github.upstream if self.is_on_github else None
        return Worktrees(self.root, self.root / settings.root, hooks=hooks, guard=occupants.refuse, upstream=upstream)


def open_town(
    start: Path, environ: Mapping[str, str], flags: Mapping[str, object] | None = None, town: Path | None = None
) -> Town:
    """The town that `start` is in, or the one in the folder `town`."""
    root = named_root(town) if town is not None else find_root(start, environ)
    return Town(load_settings(root, environ=environ, flags=flags), environ)
