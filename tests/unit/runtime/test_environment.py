from __future__ import annotations

from pathlib import Path

from tinytown.runtime.environment import (
    RunIdentity,
    child_environment,
    scripts_folder,
    secret_values,
    service_environment,
)

RUN = RunIdentity(agent_id="a1", agent_name="backend", run_id="r1", task_id="t1", town=Path("/town"))
PARENT = {
    "PATH": "/usr/bin:/opt/tt:/bin",
    "HOME": "/home/ada",
    "GITHUB_TOKEN": "forge-token",
    "GH_TOKEN": "forge-token",
    "TOWNHALL_ADMIN_KEY": "admin-key",
    "TINYTOWN_FORGE__GITHUB__TOKEN": "forge-token",
    "ANTHROPIC_API_KEY": "model-key",
    "OPENAI_API_KEY": "model-key",
    "COPILOT_GITHUB_TOKEN": "model-key",
    "REDIS_URL": "redis://:s%40cret@host/0",
    "TINYTOWN_TASK_ID": "of-the-parent",
    "GIT_DIR": "/elsewhere/.git",
    "CLAUDECODE": "1",
}


def child(**changes: object) -> dict[str, str]:
    return child_environment(PARENT, RUN, scripts=Path("/opt/tt"), **changes)  # type: ignore[arg-type]  # flags


def test_the_cli_knows_who_it_is_and_finds_our_tt_first() -> None:
    env = child()

    assert {name: value for name, value in env.items() if name.startswith("TINYTOWN_")} == {
        "TINYTOWN_AGENT_ID": "a1",
        "TINYTOWN_AGENT_NAME": "backend",
        "TINYTOWN_TASK_ID": "t1",
        "TINYTOWN_RUN_ID": "r1",
        "TINYTOWN_TOWN": "/town",
    }
    assert env["PATH"] == "/opt/tt:/usr/bin:/bin"


def test_the_towns_secrets_stay_out_and_what_the_clis_need_stays_in() -> None:
    env = child()

    assert "forge-token" not in env.values()
    assert "admin-key" not in env.values()
    assert env["ANTHROPIC_API_KEY"] == env["OPENAI_API_KEY"] == env["COPILOT_GITHUB_TOKEN"] == "model-key"
    assert env["REDIS_URL"] == PARENT["REDIS_URL"]
    assert env["HOME"] == "/home/ada"


def test_the_forge_token_is_passed_on_only_when_that_is_configured() -> None:
    assert child(forge_token=True)["GITHUB_TOKEN"] == "forge-token"


def test_variables_that_would_mislead_the_cli_are_left_out() -> None:
    assert not {"GIT_DIR", "CLAUDECODE"} & set(child())


def test_a_run_without_a_task_does_not_inherit_the_parents_task() -> None:
    run = RunIdentity(agent_id="a1", agent_name="backend", run_id="r1", town=Path("/town"))

    assert "TINYTOWN_TASK_ID" not in child_environment(PARENT, run)


def test_a_service_that_an_agent_starts_is_not_marked_as_part_of_its_run() -> None:
    env = service_environment(child())

    assert not {"TINYTOWN_RUN_ID", "TINYTOWN_AGENT_ID", "TINYTOWN_TASK_ID"} & set(env)
    assert env["TINYTOWN_TOWN"] == "/town"


def test_the_values_to_be_masked_are_those_named_like_secrets_and_passwords_in_urls() -> None:
    assert secret_values(PARENT | {"EMPTY_TOKEN": "", "BAD": "http://[x"}) == (
        "admin-key",
        "forge-token",
        "model-key",
        "s@cret",
    )


def test_our_tt_is_where_this_program_was_installed() -> None:
    assert (scripts_folder() / "tt").is_file()
