"""What people get wrong: one line on stderr for each problem, exit code 1 or 2, and nothing changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.acceptance.conftest import TownCalls
from tests.repositories import commit


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """The call failed with that code, one line on stderr that has the words, and nothing on stdout."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]


def test_init_outside_git_says_how_to_make_a_repository(repository: TownCalls, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    refused(repository.tt("init", cwd=folder), 1, "not a git repository", "git init")
    assert list(folder.iterdir()) == []


def test_second_init_changes_nothing(town: TownCalls) -> None:
    before = (town.root / "tinytown.toml").read_bytes()
    refused(town.tt("init", "--name", "other"), 1, "is a town already")
    assert (town.root / "tinytown.toml").read_bytes() == before


@pytest.mark.parametrize(
    "command",
    ["status", "list", "stop", "spawn x", "mission list", "mission start -i 1", "mission dispatch", "inbox", "host"],
)
def test_no_town_says_how_to_make_one(repository: TownCalls, command: str) -> None:
    refused(repository.tt(*command.split()), 2, "no town here", "tt init")
    assert not (repository.root / ".tt").exists()


def test_town_option_that_names_no_town(repository: TownCalls) -> None:
    refused(repository.tt("--town", ".", "status"), 2, "no tinytown.toml", "tt init")


@pytest.mark.parametrize("command", ["status", "stop"])
@pytest.mark.parametrize(("folder", "words"), [("nowhere", "does not exist"), ("README.md", "is not a folder")])
def test_town_option_that_names_no_folder(repository: TownCalls, folder: str, words: str, command: str) -> None:
    done = repository.tt("--town", folder, command)
    refused(done, 2, f"{repository.root / folder} {words}")
    assert "tt init" not in done.stderr


def test_broken_toml_is_told_with_file_line_and_column(town: TownCalls) -> None:
    (town.root / "tinytown.toml").write_text('[town]\nname = "shop\n')
    refused(town.tt("status"), 2, "tinytown.toml:2:13")


def test_unknown_setting_is_told_with_its_line(town: TownCalls) -> None:
    (town.root / "tinytown.toml").write_text('[town]\nname = "shop"\n\n[agent]\ndefault_clii = "demo"\n')
    refused(town.tt("status"), 2, "tinytown.toml:5", "default_clii", "default_cli")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("two words", "not valid"),
        ("../escape", "not valid"),
        ("a/b", "not valid"),
        ("x" * 300, "300 characters"),
        ("", "not valid"),
        ("supervisor", "reserved"),
        ("Conductor", "reserved"),
        ("tab\tbed", "not valid"),
        ("line\nbreak", "not valid"),
    ],
)
def test_bad_agent_names_register_nothing(town: TownCalls, name: str, words: str) -> None:
    refused(town.tt("spawn", "--cli", "demo", "--", name), 2, words)
    assert town.json("list")["count"] == 0


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--cli", "nonesuch"], 2, "no agent CLI 'nonesuch'"),
        (["--cli", "opencode"], 1, "not on PATH"),
        (["--cli", "demo", "--parent", "nobody"], 1, "no agent 'nobody'"),
        (["--cli", "demo", "--role", "a b"], 2, "role name 'a b' is not valid"),
        (["--cli", "demo", "--max-rounds", "0"], 2, "--max-rounds"),
        (["--cli", "demo", "--max-rounds", "many"], 2, "--max-rounds"),
        (["--cli", "demo", "--nickname", "x" * 300], 2, "nickname is one line of at most 64 characters"),
        (["--cli", "demo", "--nickname", "a\x1b[31mb"], 2, "nickname is one line"),
        (["--cli", "demo", "--foreground", "--json"], 2, "--json and --foreground exclude each other"),
    ],
)
def test_agents_that_cannot_be_are_not_registered(town: TownCalls, options: list[str], code: int, words: str) -> None:
    refused(town.tt("spawn", "x", *options), code, words)
    assert town.json("list")["count"] == 0


@pytest.mark.parametrize(
    "command",
    [
        "kill nobody",
        "logs nobody",
        "assign nobody work",
        "send nobody hello",
        "inbox nobody",
        "task list --agent nobody",
    ],
)
def test_unknown_agent_is_told_with_those_there_are(town: TownCalls, command: str) -> None:
    refused(town.tt(*command.split()), 1, "no agent 'nobody'", "tt spawn NAME")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("mission status", "no mission yet"),
        ("mission status --run abc", "no mission 'abc'"),
        ("mission why 1", "no item '1'"),
        ("mission why 1 --run abc", "no mission 'abc'"),
        ("mission approve 1", "no item '1'"),
        ("mission reject 1 reason", "no item '1'"),
        ("mission note abc text", "no mission 'abc'"),
        ("mission stop abc", "no mission 'abc'"),
        ("mission resume abc", "no mission 'abc'"),
        ("task show abc", "no task 'abc'; see: tt task list --all"),
        ("task complete abc", "no task 'abc'"),
    ],
)
def test_unknown_missions_items_and_tasks(town: TownCalls, command: str, words: str) -> None:
    refused(town.tt(*command.split()), 1, words)


@pytest.mark.parametrize("command", ["task complete", "task show", "task current", "task fail --reason x"])
def test_task_commands_of_a_person_need_an_id(town: TownCalls, command: str) -> None:
    refused(town.tt(*command.split()), 2, "say which task")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("nonesuch", "no such command 'nonesuch'"),
        ("mission nonesuch", "no such command 'nonesuch'"),
        ("status --nonesuch", "--nonesuch"),
        ("spawn", "missing argument 'NAME'"),
        ("task fail abc", "--reason"),
        ("send a b --info --ack", "one of --query, --info and --ack"),
        ("mission start", "--issue"),
    ],
)
def test_wrong_usage_names_what_is_wrong(town: TownCalls, command: str, words: str) -> None:
    refused(town.tt(*command.split()), 2, words)


def test_argument_that_is_not_text(town: TownCalls) -> None:
    refused(town.tt("assign", "x", b"\xff\xfe"), 2, "not valid UTF-8")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_empty_messages_are_refused(town: TownCalls, text: str) -> None:
    refused(town.tt("send", "conductor", text), 2, "message is empty")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["-i", "99"], 1, "99"),
        (["-i", "one"], 1, "'one' is not an issue"),
        (["--doc", "missing.md"], 1, "missing.md cannot be read"),
        (["--doc", "/etc/hostname"], 1, "outside the town"),
        (["-i", "1", "--manifest", "missing.toml"], 1, "missing.toml cannot be read"),
        (["-i", "1", "--max-parallel", "0"], 2, "--max-parallel"),
        (["-i", "1", "--watch-interval", "0"], 2, "--watch-interval"),
    ],
)
def test_missions_that_cannot_be_store_nothing(town: TownCalls, options: list[str], code: int, words: str) -> None:
    town.issue(1, "Design")
    refused(town.tt("mission", "start", *options), code, words)
    assert town.json("mission", "list", "--all")["count"] == 0


def test_every_problem_of_a_mission_is_told_in_a_line_of_its_own(town: TownCalls) -> None:
    done = town.tt("mission", "start", "-i", "one", "-i", "two")
    assert done.returncode == 1
    assert [line.split(";")[0] for line in done.stderr.splitlines()] == [
        "error: 'one' is not an issue",
        "error: 'two' is not an issue",
    ]


def test_a_cycle_is_refused_as_a_path(town: TownCalls) -> None:
    town.issue(1, "One", "Depends on #2.")
    town.issue(2, "Two", "Depends on #1.")
    refused(town.tt("mission", "start", "-i", "1", "-i", "2"), 1, "#1 -> #2 -> #1")
    assert town.json("mission", "list", "--all")["count"] == 0


def test_broken_manifest_is_told_with_its_line(town: TownCalls) -> None:
    town.issue(1, "Design")
    (town.root / "mission.toml").write_text("[[overrides]]\nissue = 1\nowner_rolle = 'x'\n")
    refused(town.tt("mission", "start", "-i", "1"), 1, "mission.toml:3", "owner_rolle")


def test_detached_checkout_is_refused(town: TownCalls) -> None:
    town.issue(1, "Design")
    town.git.run("checkout", "--quiet", "--detach")
    refused(town.tt("mission", "start", "-i", "1", "--allow-dirty"), 1, "detached", "git switch")
    assert town.json("mission", "list", "--all")["count"] == 0


def test_dirty_checkout_is_refused_unless_allowed(town: TownCalls) -> None:
    town.issue(1, "Design")
    (town.root / "README.md").write_text("changed\n")
    refused(town.tt("mission", "start", "-i", "1"), 1, "README.md", "--allow-dirty")
    assert town.json("mission", "list", "--all")["count"] == 0
    town.ok("mission", "start", "-i", "1", "--allow-dirty")


def test_what_init_changed_and_untracked_files_make_no_checkout_dirty(repository: TownCalls) -> None:
    commit(repository.git, {".gitignore": "*.pyc\n"}, "Ignore")
    repository.issue(1, "Design")
    repository.ok("init")
    (repository.root / "notes.txt").write_text("mine\n")
    assert "🚀 Mission started" in repository.ok("mission", "start", "-i", "1")


def test_unreachable_redis_is_told_without_its_password(town: TownCalls) -> None:
    done = town.tt("status", REDIS_URL="redis://ada:sesame@127.0.0.1:1/0")
    refused(done, 1, "127.0.0.1:1")
    assert "sesame" not in done.stderr


def test_dead_socket_left_behind_is_replaced(town: TownCalls) -> None:
    town.ok("status")
    town.ok("stop")
    (town.root / ".tt" / "redis.sock").unlink(missing_ok=True)
    (town.root / ".tt" / "redis.sock").write_text("not a socket")
    assert "🏘️  Town: shop-main" in town.ok("status")
