"""Every setting there is, as values. A struct is a table of tinytown.toml, a field is a key of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from tinytown.config.townhall import TownhallSettings
from tinytown.domain.policy import MissionPolicy

Count: TypeAlias = Annotated[int, Meta(ge=0)]
Positive: TypeAlias = Annotated[int, Meta(ge=1)]
Seconds: TypeAlias = Annotated[float, Meta(gt=0)]
Fraction: TypeAlias = Annotated[float, Meta(ge=0, lt=1)]
Text: TypeAlias = Annotated[str, Meta(min_length=1)]
Names: TypeAlias = tuple[Text, ...]
"""Texts; in the file an array."""
Argv: TypeAlias = tuple[str, ...]
"""Program and arguments; in the file an array, or one string that is split as a shell would split it."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One command that a local pull request must pass."""

    name: str
    argv: Argv
    timeout_secs: float | None = None
    """Instead of `check_timeout_secs`."""


class TownSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[town]`."""

    name: Text
    """Part of every key in Redis."""


class RedisSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[redis]`."""

    url: Text | None = None
    """None: the town's own server."""
    force_to_disk: bool = True
    """Whether each change is on disk before the town goes on; without, a power cut may cost the last half minute."""


class LocalForgeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[forge.local]`."""

    checks: tuple[Check, ...] = ()
    """What each pull request must pass."""
    check_timeout_secs: Seconds = 600.0
    """How long one check may take."""
    issues_dir: Text = "issues"
    """Where the issue files are, relative to the town's root."""


class ForgeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[forge]`: where issues and pull requests live."""

    kind: Literal["local", "github"] = "local"
    """Where they live: in this repository and the town's store, or on GitHub."""
    default_branch: Text | None = None
    """None: what the repository says."""
    api_url: Text = "https://api.github.com"
    """GitHub's REST interface; of a company's own server `https://HOST/api/v3`."""
    repository: Text | None = None
    """`owner/repo`; none: the one that the remote `origin` names."""
    repository_id: Positive | None = None
    """Its number on GitHub; needed only when another repository took the name of the former, and that is meant."""
    app_id: Text | None = None
    """Id (or client id) of the GitHub App to act as; none: as whom GITHUB_TOKEN, GH_TOKEN or `gh auth token` says."""
    app_key_file: Text | None = None
    """The App's private key, relative to the town's root."""
    trusted_authors: Names = ("owner", "members", "collaborators")
    """Whose issues and comments may direct agents: these three groups, and logins (`@members` is a login, no group)."""
    bots: Names = (
        "cursor[bot]",
        "coderabbitai[bot]",
        "copilot-pull-request-reviewer[bot]",
        "Copilot",
        "dependabot[bot]",
        "sonarqubecloud[bot]",
        "sonarcloud[bot]",
    )
    """Logins of review bots, with or without `[bot]`."""
    bots_pattern: Text | None = None
    """Regular expression: a bot's comment below a pull request that it is found in wants something; none: only what
    bots say of lines of code, and their requests for changes, do."""
    fail_on: Literal["all", "required"] | None = None
    """Which failing checks count; none: the required ones where the branch requires some, else all."""
    flaky: Names = ()
    """Regular expressions: a failed check whose name or output one of them is found in is run again first."""
    quota_reserve: Fraction = 0.1
    """Part of GitHub's quota below which polling slows down, to keep it for pushing work on."""
    no_checks_grace_secs: Seconds = 300.0
    """How long a commit without any checks is not taken for one that passed."""
    merge_method: Literal["merge", "squash", "rebase"] | None = None
    """None: the first of these that the repository allows."""
    webhook_secret_env: Text = "TINYTOWN_WEBHOOK_SECRET"  # noqa: S105  the name of a variable
    """Variable with the secret that webhooks are signed with; agents do not see it under such a name."""
    webhook_secret_file: Text | None = None
    """File with that secret instead, relative to the town's root."""
    local: LocalForgeSettings = LocalForgeSettings()


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[agent]`."""

    default_cli: Text = "claude"
    """What runs an agent spawned without `--cli`, unless `roles` says something else."""
    roles: Mapping[str, Text] = {}
    """CLI of agents by role."""
    stall_timeout_secs: Seconds = 600.0
    """How long a CLI may print nothing."""
    run_timeout_secs: Seconds = 3600.0
    """How long one run may take."""
    report_grace_secs: Seconds = 30.0
    """How long a CLI may still run after it reported."""
    max_nudges: Count = 2
    """How often an agent that did nothing is asked again before that counts as a failed try."""
    forge_token: bool = False
    """Whether the CLI may act on the forge as you: with the tokens of the host's environment, `gh`'s login, git's passwords."""
    max_agents: Positive = 10
    """How many agents `/api/scaling` asks for at most; nobody is kept from starting more."""
    may_direct: bool = False
    """Whether agents may start, stop, resume and note missions, and approve and reject items, as the conductor does."""
    takes_backlog: bool = True
    """Whether idle agents take from the backlog what fits their role."""


class WorktreeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[worktree]`: where agents work, and the hooks around it (argv, none when empty)."""

    root: Text = ".tt/worktrees"
    """Relative to the town's root."""
    after_create: Argv = ()
    """Once in a new worktree; when it fails, the run does not begin and is tried again."""
    before_run: Argv = ()
    """Before each run of an agent; likewise."""
    after_run: Argv = ()
    """After each run of an agent; a failure is noted."""
    before_remove: Argv = ()
    """Before a worktree is removed; a failure is noted."""
    hook_timeout_secs: Seconds = 300.0
    """How long one hook may take."""


class DispatcherSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[dispatcher]`."""

    tick_secs: Seconds = 30.0
    """The longest time between two looks at a mission when no event wakes the dispatcher."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of one town."""

    root: Path
    """The town's folder, absolute."""
    origins: Mapping[str, str]
    """Dotted name of each value that is not a default -> where it comes from: a file, a variable, a flag."""
    town: TownSettings
    redis: RedisSettings = RedisSettings()
    forge: ForgeSettings = ForgeSettings()
    agent: AgentSettings = AgentSettings()
    agent_clis: Mapping[str, Mapping[str, object]] = {}
    """`[agent_clis.NAME]` as written; the agents' runtime knows what the keys mean."""
    worktree: WorktreeSettings = WorktreeSettings()
    mission: MissionPolicy = MissionPolicy()
    """`[mission]`: policy of missions that are started without other wishes."""
    dispatcher: DispatcherSettings = DispatcherSettings()
    townhall: TownhallSettings = TownhallSettings()

    def origin(self, name: str) -> str:
        """Where the value of that dotted name (`agent.default_cli`) comes from, `default` when nobody set it."""
        return self.origins.get(name, "default")
