"""The tinytown.toml that `tt init` writes: what can be set, with the defaults as comments."""

from __future__ import annotations

_TEMPLATE = """\
# The settings of this town. What is commented out is the default.

[town]
# Part of every key in Redis: do not change it while agents work.
name = "@NAME@"

[redis]
# By default the town runs a server of its own, in .tt/. The variable REDIS_URL overrides this.
# url = "redis://localhost:6379/0"
# force_to_disk = true         # false: for slow disks; a power cut may cost the last half minute, a kill -9 nothing

[forge]
# Where issues and pull requests live. local: issues are files in this repository, pull requests the town's own.
kind = "@FORGE@"
# default_branch = "main"      # when the repository's own answer is not wanted
# For GitHub, whose token comes from GITHUB_TOKEN, GH_TOKEN or `gh auth token`:
# api_url = "https://api.github.com"   # a company's own server: "https://HOST/api/v3"
# repository = "owner/repo"            # when the remote origin does not say
# repository_id = 12345                # when another repository took the name of the former, and that is meant
# app_id = 12345                       # act as a GitHub App instead
# app_key_file = "~/.tt/app.pem"
# trusted_authors = ["owner", "members", "collaborators"]   # whose words may direct agents; logins too
# bots = ["cursor[bot]", "coderabbitai[bot]", "copilot-pull-request-reviewer[bot]", "Copilot", "dependabot[bot]", "sonarqubecloud[bot]", "sonarcloud[bot]"]
# bots_pattern = "Quality Gate failed"   # bots' comments below a pull request that want something; by default none do
# fail_on = "all"                      # or "required"; by default the required checks count where there are any
# flaky = []                           # regular expressions: such failed checks are run again first
# quota_reserve = 0.1
# no_checks_grace_secs = 300
# merge_method = "squash"              # or merge, rebase; by default the first that the repository allows
# webhook_secret_env = "TINYTOWN_WEBHOOK_SECRET"   # the variable, never the secret itself
# webhook_secret_file = ".tt/webhook-secret"

[forge.local]
# What a pull request must pass. Commands run without a shell: "pytest -q", ["pytest", "-q"],
# or {name = "tests", run = "pytest -q", timeout_secs = 300}
checks = []
# check_timeout_secs = 600
# issues_dir = "issues"

[agent]
# default_cli = "claude"       # auggie, codex, codex-mini, gemini, aider, copilot, cursor, opencode, demo
# stall_timeout_secs = 600     # a CLI that prints nothing for so long is stopped
# run_timeout_secs = 3600
# max_nudges = 2
# max_agents = 10              # how many /api/scaling asks an autoscaler for at most
# forge_token = false          # whether agents may act on the forge as you
# may_direct = false           # whether agents may steer missions and approve items, as you do
# takes_backlog = true         # whether idle agents take from the backlog what fits their role

# [agent.roles]                # which CLI an agent of a role runs
# reviewer = "codex"

# [agent_clis.mine]            # a CLI that Tinytown does not know
# command = ["my-agent", "--yes"]
# prompt = "stdin"

[worktree]
# Each work item has a git worktree there; hooks are commands, run in it.
# root = ".tt/worktrees"
# after_create = "npm ci"
# before_run = ""
# after_run = ""
# before_remove = ""
# hook_timeout_secs = 300

[mission]
# max_parallel_items = 2
# reviewer_required = true
# auto_merge = false
# watch_interval_secs = 180

[townhall]
# bind = "127.0.0.1"
# rest_port = 8080
# max_connections = 1500       # that may be open at once
# max_connections_per_address = 750
# max_event_readers = 500      # streams of events that may be open at once
# max_event_readers_per_principal = 125   # of one key or user

# [townhall.auth]              # who is let in by townhall; `tt auth gen-key --write` makes a key
# mode = "none"                # only this machine; or "api_key", "oidc"
"""


def render_settings(name: str, forge: str) -> str:
    """The text of a new tinytown.toml.

    Args:
        name: the town's, checked by `check_name`.
        forge: `local` or `github`.
    """
    return _TEMPLATE.replace("@NAME@", name).replace("@FORGE@", forge)
