"""MCP of a real `townhall`, over both transports."""

from __future__ import annotations

import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import msgspec
import pytest
from tests.acceptance.conftest import TownCalls
from tests.certificates import Authority
from tests.mcp_clients import TOWNHALL, over_http, over_stdio, refused, run, structured
from tests.townhall_process import TownhallProcess, serving, settle
from tests.townhall_process import refused as not_started
from tests.waiting import wait_until

from tinytown.mcp.toolbox import SPECS
from tinytown.store.connection import connect
from tinytown.store.server import server_url

NAMES = sorted(spec.name for spec in SPECS)
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def blocked(town: TownCalls) -> int:
    """How many connections wait for events."""
    with closing(connect(server_url(town.root))) as connection:
        return int(connection.execute("CLIENT", "LIST").count(b"cmd=xread"))


def test_tools_are_listed_and_called_over_stdio(town: TownCalls, tmp_path: Path) -> None:
    async def talk() -> None:
        async with over_stdio(town.root, town.env, tmp_path / "stderr") as client:
            listed = await client.list_tools()
            assert sorted(tool.name for tool in listed.tools) == NAMES
            added = structured(await client.call_tool("backlog.add", {"description": "tidy up"}))
            seen = structured(await client.call_tool("town.get_status"))
            assert seen["backlog_count"] == 1
            assert added["description"] == "tidy up"

    run(talk)


def test_tools_are_listed_and_called_beside_rest(town: TownCalls, townhall: TownhallProcess) -> None:
    async def talk() -> None:
        for mode in ("auto", "legacy"):
            async with over_http(townhall.url, mode=mode) as client:
                listed = await client.list_tools()
                assert sorted(tool.name for tool in listed.tools) == NAMES
                await client.call_tool("backlog.add", {"description": "tidy up"})

    run(talk)
    assert townhall.client.get("/v1/backlog").json()["count"] == 2


def test_mcp_is_served_alone(town: TownCalls) -> None:
    async def talk(url: str) -> dict[str, object]:
        async with over_http(url) as client:
            return structured(await client.call_tool("town.get_status"))

    with serving(town.root, town.env, "mcp-http") as process:
        assert run(lambda: talk(process.url))["name"] == "shop-main"
        assert process.client.get("/health").json() == {"status": "ok"}
        assert process.client.get("/v1/status").status_code == 404
        assert process.end(signal.SIGTERM) == 0


def test_a_key_lets_in_as_far_as_its_scopes_go_and_the_audit_says_what_was_called(town: TownCalls) -> None:
    reader = town.json("auth", "gen-key", "reader", "--scope", "town.read", "--write")["key"]
    writer = town.json("auth", "gen-key", "writer", "--scope", "town.write", "--write")["key"]

    async def look(url: str) -> str:
        async with over_http(url, reader) as client:
            structured(await client.call_tool("town.get_status"))
            return refused(await client.call_tool("backlog.add", {"description": "x"}))

    async def add(url: str) -> None:
        async with over_http(url, writer) as client:
            structured(await client.call_tool("backlog.add", {"description": "tidy up"}))

    with serving(town.root, town.env) as process:
        assert "this needs the scope town.write" in run(lambda: look(process.url))
        run(lambda: add(process.url))
        nobody = process.client.post("/mcp", json=INITIALIZE, headers=ACCEPT)
        assert nobody.status_code == 401
        assert nobody.headers["www-authenticate"].startswith("Bearer")

    lines = [msgspec.json.decode(line) for line in (town.root / ".tt/logs/audit.log").read_text().splitlines()]
    told = [(line["who"], line["what"], line["result"]) for line in lines]
    assert told == [
        ("key:reader", "mcp backlog.add", "missing-scope"),
        ("key:writer", "mcp backlog.add", "done"),
        ("", "POST /mcp", "401"),
    ]


def test_pages_of_other_sites_do_not_get_to_the_tools(town: TownCalls, townhall: TownhallProcess) -> None:
    foreign = townhall.client.post("/mcp", json=INITIALIZE, headers={**ACCEPT, "Origin": "https://evil.example"})
    rebound = townhall.client.post("/mcp", json=INITIALIZE, headers={**ACCEPT, "Host": "evil.example"})
    large = townhall.client.post("/mcp", content=b"x" * 1_100_000, headers=ACCEPT)
    assert (foreign.status_code, rebound.status_code, large.status_code) == (403, 421, 413)


def test_waiting_for_agents_may_take_longer_than_a_request(town: TownCalls) -> None:
    settle(town.root, "townhall", "request_timeout_ms = 1500")

    async def wait(url: str) -> list[float]:
        took = []
        for mode in ("auto", "legacy"):
            async with over_http(url, mode=mode) as client:
                began = time.monotonic()
                wanted = {"agents": ["solo"], "state": "working", "timeout_secs": 3}
                found = structured(await client.call_tool("agent.wait", wanted))
                took.append(time.monotonic() - began)
                assert found["pending"] == ["solo"]
        return took

    with serving(town.root, town.env) as process:
        town.ok("spawn", "solo", "--cli", "demo")
        assert all(secs >= 3 for secs in run(lambda: wait(process.url)))


def session(http: httpx2.Client) -> str:
    """A session of the older protocol; its id."""
    opened = http.post("/mcp", json=INITIALIZE, headers=ACCEPT)
    assert opened.status_code == 200, opened.text
    return str(opened.headers["mcp-session-id"])


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_streams_end_in_order_with_the_server_and_so_does_a_wait(town: TownCalls, mode: str) -> None:
    async def wait(url: str) -> list[str]:
        async with over_http(url, mode=mode) as client:
            await client.list_tools()  # the client looks at the schemas of answers, which nobody can tell it later
            wanted = {"agents": ["solo"], "state": "working", "timeout_secs": 300}
            pending = structured(await client.call_tool("agent.wait", wanted))["pending"]
            assert isinstance(pending, list)
            return pending

    with serving(town.root, town.env) as process:
        town.ok("spawn", "solo", "--cli", "demo")
        wait_until(lambda: blocked(town) == 1, "the host waits for events")
        headers = {"Mcp-Session-Id": session(process.client), "Accept": "text/event-stream"}
        with process.client.stream("GET", "/mcp", headers=headers) as stream:
            assert stream.status_code == 200

            async def end_while_waiting() -> list[str]:
                answers: list[list[str]] = []

                async def ask() -> None:
                    answers.append(await wait(process.url))

                async with anyio.create_task_group() as group:
                    group.start_soon(ask)
                    await anyio.to_thread.run_sync(lambda: wait_until(lambda: blocked(town) == 2, "the wait has begun"))
                    process.process.send_signal(signal.SIGTERM)
                return answers[0]

            assert run(end_while_waiting) == ["solo"]
            assert b"".join(stream.iter_raw()).strip() in {b"", b": ping"}
        assert process.process.wait(timeout=30) == 0


def test_a_session_is_its_owners(town: TownCalls) -> None:
    one = town.json("auth", "gen-key", "one", "--scope", "admin", "--write")["key"]
    two = town.json("auth", "gen-key", "two", "--scope", "admin", "--write")["key"]
    with serving(town.root, town.env) as process:
        http = process.client
        opened = http.post("/mcp", json=INITIALIZE, headers={**ACCEPT, "X-API-Key": one})
        mine = {**ACCEPT, "Mcp-Session-Id": opened.headers["mcp-session-id"], "X-API-Key": one}
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        assert http.post("/mcp", json=ping, headers=mine).status_code == 200
        assert http.post("/mcp", json=ping, headers={**mine, "X-API-Key": two}).status_code == 404
        assert http.delete("/mcp", headers=mine).status_code == 200
        assert http.post("/mcp", json=ping, headers=mine).status_code == 404


def test_over_stdio_an_agent_may_do_only_what_agents_may(town: TownCalls, tmp_path: Path) -> None:
    town.ok("spawn", "lead", "--cli", "demo")
    town.ok("spawn", "other", "--cli", "demo")
    lead = town.agent("lead")["id"]
    env = {**town.env, "TINYTOWN_AGENT_ID": lead, "TINYTOWN_AGENT_NAME": "lead"}
    inside = town.root / ".tt" / "trees" / "lead"
    inside.mkdir(parents=True)

    async def talk() -> str:
        async with over_stdio(inside, env, tmp_path / "stderr", "--town", str(town.root)) as client:
            sent = structured(await client.call_tool("message.send", {"to": "other", "message": "hello"}))
            assert sent["to_agent"] == "other"
            return refused(await client.call_tool("agent.kill", {"agent": "other"}))

    assert run(talk).startswith("not-allowed: an agent may only stop agents that it spawned")
    inside.rmdir()


@contextmanager
def bare(town: TownCalls, *messages: object) -> Iterator[subprocess.Popen[str]]:
    """`townhall mcp-stdio`, to which these messages are written."""
    with subprocess.Popen(
        [TOWNHALL, "mcp-stdio"],
        cwd=town.root,
        env=town.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None
        process.stdin.writelines(msgspec.json.encode(message).decode() + "\n" for message in messages)
        process.stdin.flush()
        try:
            yield process
        finally:
            process.kill()


CALL = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "mission.dispatch", "arguments": {}}}


def test_nothing_but_the_protocol_is_on_standard_output(town: TownCalls) -> None:
    with bare(town, INITIALIZE, {"jsonrpc": "2.0", "method": "notifications/initialized"}, CALL) as process:
        assert process.stdout is not None
        answers = [msgspec.json.decode(process.stdout.readline()) for _ in range(2)]
        rest, errors = process.communicate(timeout=30)
    assert [answer["id"] for answer in answers] == [1, 2]
    assert answers[1]["result"]["structuredContent"]["missions"] == []
    assert rest == ""
    assert process.returncode == 0, errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_over_stdio_a_signal_ends_it_without_a_word(town: TownCalls, number: signal.Signals) -> None:
    with bare(town, INITIALIZE) as process:
        assert process.stdout is not None
        assert process.stdout.readline(), process.communicate(timeout=30)
        process.send_signal(number)
        assert process.wait(timeout=30) == -number
        assert process.communicate() == ("", "")


def test_over_stdio_it_ends_quietly_when_its_client_has_died(town: TownCalls) -> None:
    with bare(town, INITIALIZE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        process.stdin.write(msgspec.json.encode(CALL).decode() + "\n")
        process.stdin.close()
        assert process.wait(timeout=30) == 0
        assert process.stderr.read() == ""


def test_mcp_alone_takes_the_port_after_rests(town: TownCalls) -> None:
    settle(town.root, "townhall", "rest_port = 65535")
    done = subprocess.run(
        [TOWNHALL, "mcp-http"], cwd=town.root, env=town.env, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: there is no port after 65535, which is REST's; give one with --port\n"


def test_mcp_alone_does_not_listen_where_others_reach_it_without_asking_who_they_are(town: TownCalls) -> None:
    done = not_started(town.root, town.env, "mcp-http", "--bind", "0.0.0.0", "--port", "0")  # noqa: S104  it must not
    assert done.returncode == 2
    assert done.stderr.startswith("error: refusing to listen on 0.0.0.0")


def test_mcp_alone_speaks_tls_and_asks_clients_for_certificates(town: TownCalls) -> None:
    authority = Authority(town.root.parent / "certificates")
    pair, client = authority.server(), authority.client()
    settle(town.root, "townhall.tls", f'cert_file = "{pair.cert}"', f'key_file = "{pair.key}"')
    settle(town.root, "townhall.mtls", f'client_ca_file = "{authority.file}"')
    unknown = ssl.create_default_context(cafile=authority.file)
    known = ssl.create_default_context(cafile=authority.file)
    known.load_cert_chain(*client.files)

    async def tools(url: str) -> int:
        async with over_http(url, tls=known) as opened:
            return len((await opened.list_tools()).tools)

    with serving(town.root, town.env, "mcp-http") as process:
        assert process.url.startswith("https://")
        assert run(lambda: tools(process.url)) == len(SPECS)
        with (
            httpx2.Client(base_url=process.url, verify=unknown, trust_env=False) as stranger,
            pytest.raises(httpx2.TransportError),
        ):
            stranger.get("/health")


def test_a_conductor_has_an_issue_done_over_mcp_alone(town: TownCalls, tmp_path: Path) -> None:
    town.issue(1, "Write a greeting", "```text file=greeting.md\nhello\n```\n")

    async def lead() -> None:
        async with over_stdio(town.root, town.env, tmp_path / "stderr") as client:

            async def call(tool: str, /, **arguments: object) -> dict[str, Any]:
                return structured(await client.call_tool(tool, arguments))

            issue = {"type": "issue", "owner": "local", "repo": town.root.name, "number": 1}
            policy = {"reviewer_required": False, "auto_merge": True}
            await call("agent.spawn", name="backend", cli="demo")
            started = await call("mission.start", objectives=[issue], policy=policy)
            mission, states = started["mission_id"], []
            with anyio.fail_after(60):
                while (state := (await call("mission.status", mission=mission))["mission"]["state"]) != "completed":
                    states.append(state)
                    await call("mission.dispatch")
                    await call("agent.wait", agents=["backend"], timeout_secs=10)
            assert set(states) <= {"running", "blocked"}
            assert (await call("agent.get_result", agent="backend"))["task"]["state"] == "completed"

    run(lead)
    assert town.git.run("show", "main:greeting.md").out == "hello\n"
