from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tinytown.config import Check, Settings, find_root, load_settings
from tinytown.domain.errors import ConfigError
from tinytown.domain.policy import MissionPolicy

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes tinytown.toml and returns the town's root; `[town] name` is added."""

    def write_it(text: str) -> Path:
        root = tmp_path / "town"
        root.mkdir(exist_ok=True)
        (root / "tinytown.toml").write_text(f'[town]\nname = "demo"\n{text}')
        return root

    return write_it


def load(root: Path, environ: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None) -> Settings:
    return load_settings(root, environ=environ or {}, flags=flags)


def complaint(root: Path, environ: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(root, environ, flags)
    assert "\n" not in caught.value.message
    return caught.value.message.replace(str(root), "ROOT")


def test_file_with_only_a_name_gives_the_defaults(write: Write) -> None:
    root = write("")
    settings = load(root)
    assert settings.root == root.resolve()
    assert settings.town.name == "demo"
    assert settings.redis.url is None
    assert settings.forge.kind == "local"
    assert settings.mission == MissionPolicy()
    assert settings.agent.stall_timeout_secs == 600
    assert settings.origin("agent.default_cli") == "default"
    assert settings.origin("town.name") == str(root.resolve() / "tinytown.toml")


def test_later_layers_win_and_each_value_knows_its_origin(write: Write, tmp_path: Path) -> None:
    root = write('[agent]\ndefault_cli = "codex"\nmax_nudges = 4\n')
    (tmp_path / ".tt").mkdir()
    (tmp_path / ".tt" / "config.toml").write_text(
        '[agent]\ndefault_cli = "claude"\nstall_timeout_secs = 5\nreport_grace_secs = 7\n'
    )
    environ = {"HOME": str(tmp_path), "TINYTOWN_AGENT__MAX_NUDGES": "6", "TINYTOWN_AGENT__FORGE_TOKEN": "true"}
    settings = load(root, environ, {"agent.stall_timeout_secs": 1.5, "agent.run_timeout_secs": None})
    assert settings.agent.default_cli == "codex"
    assert settings.agent.report_grace_secs == 7
    assert settings.agent.max_nudges == 6
    assert settings.agent.forge_token is True
    assert settings.agent.stall_timeout_secs == 1.5
    assert settings.agent.run_timeout_secs == 3600
    assert settings.origin("agent.default_cli") == str(root.resolve() / "tinytown.toml")
    assert settings.origin("agent.report_grace_secs") == str(tmp_path / ".tt" / "config.toml")
    assert settings.origin("agent.max_nudges") == "TINYTOWN_AGENT__MAX_NUDGES"
    assert settings.origin("agent.stall_timeout_secs") == "flag"
    assert settings.origin("agent.run_timeout_secs") == "default"


def test_redis_url_of_the_environment_wins_over_the_file(write: Write) -> None:
    root = write('[redis]\nurl = "redis://file"\n')
    assert load(root).redis.url == "redis://file"
    assert load(root, {"REDIS_URL": "redis://environment"}).redis.url == "redis://environment"
    assert load(root, {"REDIS_URL": ""}).redis.url == "redis://file"


def test_checks_are_strings_arrays_or_tables(write: Write) -> None:
    root = write(
        '[forge.local]\nchecks = ["make \'all tests\'", ["pytest", "a b"],'
        ' {name = "types", run = "mypy src", timeout_secs = 9}]\n'
    )
    assert load(root).forge.local.checks == (
        Check(name="make 'all tests'", argv=("make", "all tests")),
        Check(name="pytest 'a b'", argv=("pytest", "a b")),
        Check(name="types", argv=("mypy", "src"), timeout_secs=9),
    )


def test_hooks_are_a_command_each(write: Write) -> None:
    worktree = load(write('[worktree]\nafter_create = "npm ci"\nbefore_run = ["sh", "-c", "a && b"]\n')).worktree
    assert worktree.after_create == ("npm", "ci")
    assert worktree.before_run == ("sh", "-c", "a && b")
    assert worktree.after_run == ()


def test_agent_clis_are_kept_as_written_and_roles_name_clis(write: Write) -> None:
    root = write(
        '[agent.roles]\nreviewer = "codex"\n[agent_clis.mine]\ncommand = ["my-agent", "-p"]\nprompt = "stdin"\n'
    )
    settings = load(root, {"TINYTOWN_AGENT__ROLES__BACKEND": "mine"})
    assert settings.agent_clis == {"mine": {"command": ["my-agent", "-p"], "prompt": "stdin"}}
    assert settings.agent.roles == {"reviewer": "codex", "backend": "mine"}
    assert settings.origin("agent_clis.mine").endswith("tinytown.toml")


def test_mission_table_is_the_default_policy(write: Write) -> None:
    mission = load(write("[mission]\nmax_parallel_items = 4\nauto_merge = true\n")).mission
    assert mission == MissionPolicy(max_parallel_items=4, auto_merge=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[agnet]\nx = 1", "ROOT/tinytown.toml:3: unknown table 'agnet'; did you mean 'agent'?"),
        (
            '\n[agent]\ndefault_clli = "x"',
            "ROOT/tinytown.toml:5: unknown key 'default_clli' in [agent]; did you mean 'default_cli'?",
        ),
        (
            "[dispatcher]\nzzz = 1",
            "ROOT/tinytown.toml:4: unknown key 'zzz' in [dispatcher]; known are tick_secs",
        ),
        (
            "forge.local.check_timeout_secs = 'x'",
            "ROOT/tinytown.toml:3: unknown key 'forge' in [town]; known are name",
        ),
        (
            "[forge.local]\ncheck_timeout_secs = 'x'",
            'ROOT/tinytown.toml:4: forge.local.check_timeout_secs: expected a number above 0, found the text "x"',
        ),
        (
            "[agent]\nmax_nudges = -1",
            "ROOT/tinytown.toml:4: agent.max_nudges: expected a whole number, 0 or more, found -1",
        ),
        (
            "[agent]\nmax_nudges = true",
            "ROOT/tinytown.toml:4: agent.max_nudges: expected a whole number, 0 or more, found true",
        ),
        (
            "[mission]\nmax_parallel_items = 0",
            "ROOT/tinytown.toml:4: mission.max_parallel_items: expected a whole number, 1 or more, found 0",
        ),
        ("[mission]\nauto_merge = 1", "ROOT/tinytown.toml:4: mission.auto_merge: expected true or false, found 1"),
        (
            "[forge]\nkind = 'gitlab'",
            'ROOT/tinytown.toml:4: forge.kind: expected one of local, github, found the text "gitlab"',
        ),
        (
            "[agent]\nstall_timeout_secs = nan",
            "ROOT/tinytown.toml:4: agent.stall_timeout_secs: expected a number above 0, found nan",
        ),
        (
            "[agent]\nrun_timeout_secs = 1979-05-27",
            "ROOT/tinytown.toml:4: agent.run_timeout_secs: expected a number above 0, found a date or time: 1979-05-27",
        ),
        (
            "[redis]\nurl = ['redis://ada:sesame@host']",
            "ROOT/tinytown.toml:4: redis.url: expected a text that is not empty, found an array",
        ),
        (
            "[mission]\nmax_attempts = 1.5",
            "ROOT/tinytown.toml:4: mission.max_attempts: expected a whole number, 1 or more, found 1.5",
        ),
        (
            "[agent]\ndefault_cli = ''",
            'ROOT/tinytown.toml:4: agent.default_cli: expected a text that is not empty, found the text ""',
        ),
        ("[forge]\nlocal = 3", "ROOT/tinytown.toml:4: forge.local must be a table: [forge.local]"),
        (
            "[agent.roles]\nbackend = 3",
            "ROOT/tinytown.toml:4: agent.roles.backend: expected a text that is not empty, found 3",
        ),
        ("[agent_clis]\nmine = 3", "ROOT/tinytown.toml:4: agent_clis.mine: expected a table, found 3"),
        (
            "[forge.local]\nchecks = 'pytest'",
            'ROOT/tinytown.toml:4: forge.local.checks: expected an array of commands, as in ["ruff check", "pytest -q"]',
        ),
        (
            "[forge.local]\nchecks = ['a', ['a']]",
            "ROOT/tinytown.toml:4: forge.local.checks: two checks are called 'a'; give them different names",
        ),
        ("[forge.local]\nchecks = ['']", "ROOT/tinytown.toml:4: forge.local.checks: a check has an empty command"),
        (
            "[[forge.local.checks]]\nrun = 'a'\nnmae = 'b'",
            "ROOT/tinytown.toml:3: forge.local.checks: unknown key 'nmae' of a check; known are name, run, timeout_secs",
        ),
        (
            "[forge.local]\nchecks = ['ruff check && pytest']",
            "ROOT/tinytown.toml:4: forge.local.checks: commands run without a shell: '&&' means nothing; use two commands or a script",
        ),
        (
            "[worktree]\nafter_run = 'cd x;make'",
            "ROOT/tinytown.toml:4: worktree.after_run: commands run without a shell: ';' means nothing; use two commands or a script",
        ),
        (
            "[worktree]\nafter_run = 'CI=1 make'",
            "ROOT/tinytown.toml:4: worktree.after_run: commands run without a shell: write `env CI=1 make` to set a variable",
        ),
        (
            '[worktree]\nafter_run = "make \'x"',
            "ROOT/tinytown.toml:4: worktree.after_run: cannot split 'make 'x' into arguments: no closing quotation",
        ),
    ],
)
def test_mistake_is_told_with_its_place_and_what_is_expected(write: Write, text: str, expected: str) -> None:
    assert complaint(write(text)) == expected


def test_quoted_operators_are_arguments(write: Write) -> None:
    checks = load(write("[forge.local]\nchecks = [\"grep 'a|b' '&&' file\"]\n")).forge.local.checks
    assert checks[0].argv == ("grep", "a|b", "&&", "file")


def test_broken_toml_is_told_with_line_and_column(write: Write) -> None:
    message = complaint(write("[agent]\nmax_nudges = = 2\n"))
    assert message == "ROOT/tinytown.toml:4:14: not valid TOML: invalid value"


@pytest.mark.parametrize("text", [f"[agent]\nmax_nudges = {'9' * 5000}\n", f"x = {'[' * 5000}"])
def test_toml_that_is_absurd_is_told(write: Write, text: str) -> None:
    assert complaint(write(text)).startswith("ROOT/tinytown.toml: not valid TOML: ")


def test_toml_that_ends_too_early_is_told_with_its_end(write: Write) -> None:
    assert complaint(write("x = [1")).startswith("ROOT/tinytown.toml:3:7: not valid TOML: ")


def test_file_that_is_not_utf8_is_told(write: Write) -> None:
    root = write("")
    (root / "tinytown.toml").write_bytes(b'[town]\nname = "\xff"\n')
    assert complaint(root) == "ROOT/tinytown.toml: not UTF-8 text (byte 15); save it as UTF-8"


def test_byte_order_mark_is_no_mistake(write: Write) -> None:
    root = write("")
    (root / "tinytown.toml").write_bytes(b'\xef\xbb\xbf[town]\nname = "marked"\n')
    assert load(root).town.name == "marked"


def test_mistake_in_the_persons_file_names_that_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / ".tt").mkdir()
    (tmp_path / ".tt" / "config.toml").write_text("[agent]\nx = 1\n")
    message = complaint(write(""), {"HOME": str(tmp_path)})
    assert re.fullmatch(r".*/\.tt/config\.toml:2: unknown key 'x' in \[agent\]; known are .*", message)


def test_mistake_in_the_environment_names_the_variable(write: Write) -> None:
    root = write("")
    assert complaint(root, {"TINYTOWN_AGENT__MAX_NUDGES": "many"}) == (
        'TINYTOWN_AGENT__MAX_NUDGES: agent.max_nudges: expected a whole number, 0 or more, found the text "many"'
    )
    assert complaint(root, {"TINYTOWN_AGENT__MAX_NUDGE": "1"}) == (
        "TINYTOWN_AGENT__MAX_NUDGE: unknown key 'max_nudge' in [agent]; did you mean 'max_nudges'?"
    )


def test_variables_of_a_run_are_no_settings(write: Write) -> None:
    environ = {"TINYTOWN_AGENT_ID": "x", "TINYTOWN_TASK_ID": "y", "TINYTOWN_TOWN": "/z"}
    assert load(write(""), environ).town.name == "demo"


def test_town_needs_a_valid_name(tmp_path: Path) -> None:
    file = tmp_path / "tinytown.toml"
    file.write_text("[agent]\n")
    assert complaint(tmp_path) == 'ROOT/tinytown.toml: the town has no name; add name = "…" under [town]'
    file.write_text('[town]\nname = "two words"\n')
    assert complaint(tmp_path).startswith("ROOT/tinytown.toml:2: town name 'two words' is not valid; use letters")


def test_folder_without_a_file_is_told_to_init(tmp_path: Path) -> None:
    assert complaint(tmp_path) == "no tinytown.toml in ROOT: run `tt init` there"


def test_root_is_the_nearest_folder_upwards_with_the_file(write: Write) -> None:
    root = write("")
    inner = root / "a" / "b"
    inner.mkdir(parents=True)
    assert find_root(inner, {}) == root.resolve()


def test_root_is_never_inside_a_state_folder(write: Write) -> None:
    root = write("")
    worktree = root / ".tt" / "worktrees" / "x" / "src"
    worktree.mkdir(parents=True)
    (worktree.parent / "tinytown.toml").write_text('[town]\nname = "demo"\n')
    assert find_root(worktree, {}) == root.resolve()


def test_root_of_the_environment_wins(write: Write, tmp_path: Path) -> None:
    root = write("")
    assert find_root(tmp_path, {"TINYTOWN_TOWN": str(root)}) == root.resolve()
    with pytest.raises(ConfigError, match=r"but there is no tinytown\.toml; unset it or correct it"):
        find_root(root, {"TINYTOWN_TOWN": str(tmp_path)})


def test_no_root_is_told_to_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no town here: run `tt init`"):
        find_root(tmp_path, {})
