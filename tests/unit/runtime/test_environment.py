from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tinytown.runtime.environment import (
    RunIdentity,
    child_environment,
    scripts_folder,
    secret_values,
    service_environment,
)
from tinytown.runtime.signing_in import SET_ASIDE, SignedOut

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


SIGNED_OUT = SignedOut(gh_folder=Path("/town/.tt/gh"), hosts=("github.com",))


def child(parent: Mapping[str, str] = PARENT, *, signed_out: SignedOut | None = SIGNED_OUT) -> dict[str, str]:
    return child_environment(parent, RUN, scripts=Path("/opt/tt"), signed_out=signed_out)


def test_the_cli_knows_who_it_is_and_finds_our_tt_first() -> None:
    env = child()

    assert {name: value for name, value in env.items() if name.startswith("TINYTOWN_") and name != SET_ASIDE} == {
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
    env = child(signed_out=None)
    assert env["GITHUB_TOKEN"] == "forge-token"
    assert not {"GH_CONFIG_DIR", "GIT_ASKPASS", SET_ASIDE} & set(env)


def test_git_settings_of_the_environment_stay_and_ours_come_after_them() -> None:
    of_ours = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Ada"}
    env = child(PARENT | of_ours)
    assert {name: value for name, value in env.items() if name.startswith("GIT_CONFIG")} == {
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "Ada",
        "GIT_CONFIG_KEY_1": "credential.https://github.com.helper",
        "GIT_CONFIG_VALUE_1": "",
        "GIT_CONFIG_KEY_2": "http.https://github.com/.extraHeader",
        "GIT_CONFIG_VALUE_2": "",
    }


def test_a_count_that_git_refuses_is_left_to_it() -> None:
    assert child(PARENT | {"GIT_CONFIG_COUNT": "many"})["GIT_CONFIG_COUNT"] == "many"


def test_a_host_that_an_agents_tt_starts_signs_in_as_before() -> None:
    of_the_operator = {"GH_CONFIG_DIR": "/home/ada/gh", "GIT_CONFIG_COUNT": "0"}
    env = service_environment(child(PARENT | of_the_operator))
    assert {name: value for name, value in env.items() if name.startswith(("GH_", "GIT_"))} == {
        **of_the_operator,
        "GIT_TERMINAL_PROMPT": "0",
    }
    assert SET_ASIDE not in env
    assert service_environment({SET_ASIDE: "{", "A": "1"}) == {"A": "1"}


def test_an_agent_of_a_host_within_a_run_is_kept_from_it_as_well() -> None:
    env = child()
    assert child(env) == env
    assert "GH_CONFIG_DIR" not in child(env, signed_out=None)


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
