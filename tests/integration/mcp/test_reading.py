"""Resources and prompts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference, TextContent, TextResourceContents
from tests.integration.mcp.stage import Stage
from tests.integration.townhall.missions import NOBODY, mission, work
from tests.mcp_clients import run

from tinytown.domain.access import Scope
from tinytown.mcp.prompts import ROLES
from tinytown.mcp.resources import SINGLE, WHOLE


def with_client(stage: Stage, does: Callable[[Client], Awaitable[Any]]) -> Any:
    async def talk() -> Any:
        async with stage.client() as client:
            return await does(client)

    return run(talk)


def failure(stage: Stage, does: Callable[[Client], Awaitable[Any]]) -> MCPError:
    """The error of a request that must fail."""

    async def caught(client: Client) -> MCPError:
        with pytest.raises(MCPError) as found:
            await does(client)
        return found.value

    found: MCPError = with_client(stage, caught)
    return found


def read(stage: Stage, uri: str) -> Any:
    """A resource."""
    (found,) = with_client(stage, lambda client: client.read_resource(uri)).contents
    assert isinstance(found, TextResourceContents)
    assert found.mime_type == "application/json"
    return msgspec.json.decode(found.text)


def test_every_resource_is_listed_and_can_be_read(stage: Stage) -> None:
    stage.idle("backend")
    mission_id = mission(stage.stores, work(1))
    task_id = stage.ok("task.assign", agent="backend", task="tidy up")["task_id"]

    listed = with_client(stage, lambda client: client.list_resources()).resources
    templates = with_client(stage, lambda client: client.list_resource_templates()).resource_templates

    assert [str(one.uri) for one in listed] == [uri for uri, *_ in WHOLE]
    assert [one.uri_template for one in templates] == [uri for uri, *_ in SINGLE]
    assert all(one.description and one.title for one in (*listed, *templates))
    assert read(stage, "tinytown://town")["agent_count"] == 1
    assert read(stage, "tinytown://agents")["agents"][0]["name"] == "backend"
    assert read(stage, "tinytown://agents/Backend")["details"]["open_tasks"] == 1
    assert read(stage, "tinytown://missions")["missions"][0]["id"] == mission_id
    assert read(stage, f"tinytown://missions/{mission_id}")["work_items"][0]["key"] == "#1"
    assert read(stage, "tinytown://tasks")["tasks"][0]["task_id"] == task_id
    assert read(stage, f"tinytown://tasks/{task_id}")["instructions"] == "tidy up"
    assert "task.assigned" in {event["type"] for event in read(stage, "tinytown://events")["events"]}


@pytest.mark.parametrize("uri", [f"tinytown://{noun}/{NOBODY}" for noun in ("agents", "missions", "tasks")])
def test_what_is_not_there_is_said_so(stage: Stage, uri: str) -> None:
    error = failure(stage, lambda client: client.read_resource(uri)).error
    assert error.code == -32602
    assert error.message.startswith("not-found: ")


def test_who_may_not_read_the_town_reads_neither_resources_nor_prompts(stage: Stage) -> None:
    stage.may(Scope.TOWN_WRITE)
    resource = failure(stage, lambda client: client.read_resource("tinytown://town"))
    hint = failure(stage, lambda client: client.get_prompt("conductor_start"))
    assert resource.error.message.startswith("missing-scope: this needs the scope town.read")
    assert hint.error.message == resource.error.message


def prompt(stage: Stage, name: str, **arguments: str) -> str:
    """The text of a prompt."""
    (message,) = with_client(stage, lambda client: client.get_prompt(name, arguments)).messages
    assert isinstance(message.content, TextContent)
    return message.content.text


def test_the_conductor_is_told_what_goes_on_and_which_tools_there_are(stage: Stage) -> None:
    stage.idle("backend", "tester")
    text = prompt(stage, "conductor_start", goal="Ship the shop.")
    assert "2 agents (2 idle), 0 missions under way" in text
    assert "No dispatcher runs: call mission.dispatch." in text
    assert text.endswith("Ship the shop.\n")
    named = {tool.name for tool in stage.tools()}
    assert {
        word.strip(".,;:") for word in text.split() if word.count(".") and word.split(".")[0] in {"mission", "agent"}
    } <= named


def test_every_role_has_a_hint_and_one_that_nobody_knows_is_a_workers(stage: Stage) -> None:
    assert ROLES["tester"] in prompt(stage, "role_hint", role="Tester")
    assert ROLES["worker"] in prompt(stage, "role_hint", role="gardener")


def test_arguments_are_completed(stage: Stage) -> None:
    stage.idle("backend", "tester")
    role = PromptReference(type="ref/prompt", name="role_hint")
    agent = ResourceTemplateReference(type="ref/resource", uri="tinytown://agents/{name}")

    async def complete(client: Client) -> list[list[str]]:
        found = [
            await client.complete(role, {"name": "role", "value": "re"}),
            await client.complete(agent, {"name": "name", "value": "BA"}),
        ]
        return [one.completion.values for one in found]

    assert with_client(stage, complete) == [["reviewer"], ["backend"]]


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("nope", {}, "not-found: there is no prompt 'nope', but conductor_start and role_hint"),
        ("role_hint", {}, "invalid-input: role: Field required"),
        ("role_hint", {"role": "x" * 65}, "invalid-input: role: String should have at most 64 characters"),
        ("role_hint", {"role": "tester", "rule": "x"}, "invalid-input: rule: is no argument of this prompt"),
    ],
)
def test_a_prompt_that_is_asked_for_in_a_wrong_way_says_what_is_wrong(
    stage: Stage, name: str, arguments: dict[str, str], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    error = failure(stage, lambda client: client.get_prompt(name, arguments)).error
    assert (error.code, error.message) == (-32602, told)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
