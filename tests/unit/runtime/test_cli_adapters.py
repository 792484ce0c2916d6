"""One contract for every CLI adapter, and recorded lines of each CLI's output."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tinytown.domain.errors import ConfigError, InvalidInputError
from tinytown.runtime.clis import BUILT_IN, Adapter, Reading, adapter, known
from tinytown.runtime.clis.base import ARGUMENT_LIMIT, NOTHING
from tinytown.runtime.usage import Usage

NAMES = ("claude", "auggie", "codex", "codex-mini", "gemini", "aider", "copilot", "cursor", "opencode", "demo")
TABLES: dict[str, dict[str, object]] = {
    "mine": {"command": ["mine", "--file={prompt_file}"], "prompt": "file"},
    "events": {"command": ["events"], "resume": ["events", "--go-on", "{session}"], "output": "jsonl"},
    "spoken": {"command": ["spoken", "--say", "{prompt}", "--fast"], "prompt": "argument"},
}
ALL = (*NAMES, *TABLES)

NONSENSE = (
    b"",
    b"\x00\xff\xfe",
    b"{",
    b"[]",
    b"null",
    b'{"type": 7}',
    b'{"type": "result", "usage": [], "result": {"a": 1}, "total_cost_usd": "much", "session_id": ["x"]}',
    b'{"type": "result", "usage": {"input_tokens": -5, "output_tokens": 1e400}, "total_cost_usd": NaN}',
    b'{"type": "turn.completed", "usage": {"input_tokens": true, "output_tokens": 99999999999999999999}}',
    b'{"type": "system", "session_id": "--dangerous; rm -rf"}',
    b'{"type":"result","session_id":"' + b"x" * 100_000 + b'"}',
    b'{"a":' * 20_000,
    b"\x1b[31m\x1b]8;;" + b"x" * 10_000,
)


@pytest.fixture
def prompt_file(tmp_path: Path) -> Path:
    path = tmp_path / "prompt.md"
    path.write_text("Do #2; `rm -rf /` $(reboot) {session} {prompt_file}\n")
    return path


def read_all(cli: Adapter, *lines: bytes) -> Reading:
    reading = NOTHING
    for line in lines:
        reading = reading.then(cli.read(line))
    return reading


def test_every_cli_of_the_documents_is_known() -> None:
    assert tuple(BUILT_IN) == NAMES
    assert known(TABLES) == ALL


@pytest.mark.parametrize("name", ALL)
def test_an_adapter_knows_its_name_and_its_program(name: str) -> None:
    cli = adapter(name, TABLES)

    assert cli.name == name
    assert cli.program
    assert "/" not in cli.program


@pytest.mark.parametrize("name", ALL)
def test_the_prompt_goes_in_by_stdin_or_file_or_as_one_argument(name: str, prompt_file: Path) -> None:
    invocation = adapter(name, TABLES).launch(prompt_file)

    carriers = [word for word in invocation.argv if str(prompt_file) in word or prompt_file.read_text() == word]
    assert len(carriers) == (0 if invocation.stdin_from_prompt else 1)
    assert invocation.argv[0] == adapter(name, TABLES).program
    assert not {"sh", "bash", "-c"} & set(invocation.argv)


@pytest.mark.parametrize("name", ALL)
def test_a_session_is_resumed_where_the_cli_can(name: str, prompt_file: Path) -> None:
    cli = adapter(name, TABLES)
    carried = [word for word in cli.launch(prompt_file, "3f2a-9").argv if "3f2a-9" in word]

    assert len(carried) == (0 if name in {"auggie", "aider", "demo", "mine", "spoken"} else 1)
    assert cli.launch(prompt_file, None).argv == cli.launch(prompt_file, "").argv


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("line", NONSENSE, ids=range(len(NONSENSE)))
def test_a_line_that_makes_no_sense_is_no_trouble(name: str, line: bytes) -> None:
    reading = adapter(name, TABLES).read(line)

    assert reading.session is None
    assert reading.usage == Usage()


@pytest.mark.parametrize("name", ALL)
def test_a_usage_limit_printed_as_plain_text_is_understood(name: str) -> None:
    reading = adapter(name, TABLES).read(b"Error: usage limit reached|1787412000\n")

    assert reading.rate_limit is not None
    assert reading.rate_limit.resets_at == datetime.fromtimestamp(1787412000, UTC)
    assert reading.error == "Error: usage limit reached|1787412000"


@pytest.mark.parametrize("name", ["auggie", "aider", "demo", "mine", "spoken"])
def test_an_agent_that_talks_about_rate_limits_has_not_hit_one(name: str) -> None:
    assert adapter(name, TABLES).read(b"I added a test that the client backs off when rate limited.").rate_limit is None


SAMPLES: dict[str, tuple[tuple[bytes, ...], Reading]] = {
    "claude": (
        (
            b'{"type":"system","subtype":"init","session_id":"0c1f-77","model":"m","tools":["Bash"],"cwd":"/w"}',
            b'{"type":"rate_limit_event","rate_limit_info":{"status":"allowed","resetsAt":1784979600}}',
            b'{"type":"assistant","message":{"content":[{"type":"text","text":"rate limited, 429"}]},"session_id":"0c1f-77"}',
            (
                b'{"type":"result","subtype":"success","is_error":false,"duration_ms":5,"num_turns":2,"result":"Done.",'
                b'"session_id":"0c1f-77","total_cost_usd":0.0421,"usage":{"input_tokens":10,"cache_creation_input_tokens":200,'
                b'"cache_read_input_tokens":3000,"output_tokens":45}}'
            ),
        ),
        Reading(session="0c1f-77", text="Done.", usage=Usage(tokens_in=3210, tokens_out=45, cost_usd=0.0421)),
    ),
    "codex": (
        (
            b'{"type":"thread.started","thread_id":"0199a213-81c0"}',
            b'{"type":"turn.started"}',
            b'{"type":"item.completed","item":{"id":"i1","type":"command_execution","command":"ls","status":"completed"}}',
            b'{"type":"item.completed","item":{"id":"i2","type":"agent_message","text":"Repo has docs."}}',
            b'{"type":"turn.completed","usage":{"input_tokens":24763,"cached_input_tokens":24448,"output_tokens":122}}',
        ),
        Reading(session="0199a213-81c0", text="Repo has docs.", usage=Usage(tokens_in=24763, tokens_out=122)),
    ),
    "gemini": (
        (
            b'{"type":"init","timestamp":"2026-01-01T00:00:00Z","session_id":"abc-1","model":"g"}',
            b'{"type":"message","role":"user","content":"Do it"}',
            b'{"type":"message","role":"assistant","content":"Finished.","delta":true}',
            b'{"type":"error","severity":"warning","message":"Loop detected"}',
            b'{"type":"result","status":"success","stats":{"total_tokens":250,"input_tokens":50,"output_tokens":200}}',
        ),
        Reading(session="abc-1", text="Finished.", usage=Usage(tokens_in=50, tokens_out=200)),
    ),
    "aider": (
        (
            b"Applied edit to solar.py",
            b"Tokens: 4.3k sent, 1.2k cache write, 1.8k received. Cost: $0.04 message, $0.04 session.",
            b"Tokens: 12,345 sent, 678 received.",
        ),
        Reading(text="Applied edit to solar.py", usage=Usage(tokens_in=16645, tokens_out=2478, cost_usd=0.04)),
    ),
    "copilot": (
        (
            b'{"type":"assistant.message_delta","data":{"deltaContent":"He"}}',
            b'{"type":"assistant.message","data":{"messageId":"m1","content":"Hello","toolRequests":[],"outputTokens":7}}',
            b'{"type":"result","sessionId":"35059dc3","exitCode":0,"usage":{"premiumRequests":3,"totalApiDurationMs":1763}}',
        ),
        Reading(session="35059dc3", text="Hello", usage=Usage(tokens_out=7)),
    ),
    "cursor": (
        (
            b'{"type":"system","subtype":"init","session_id":"c6b6","model":"Auto","permissionMode":"default"}',
            b'{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"x"}]},"session_id":"c6b6"}',
            (
                b'{"type":"result","subtype":"success","is_error":false,"duration_ms":1234,"result":"All set","session_id":"c6b6",'
                b'"usage":{"inputTokens":3,"outputTokens":4,"cacheReadTokens":5,"cacheWriteTokens":0}}'
            ),
        ),
        Reading(session="c6b6", text="All set", usage=Usage(tokens_in=8, tokens_out=4)),
    ),
    "opencode": (
        (
            b'{"type":"step_start","timestamp":1,"sessionID":"ses_3b11","part":{"type":"step-start"}}',
            b'{"type":"text","timestamp":2,"sessionID":"ses_3b11","part":{"type":"text","text":"hello"}}',
            (
                b'{"type":"step_finish","sessionID":"ses_3b11","part":{"reason":"tool-calls","cost":0.5,'
                b'"tokens":{"input":10,"output":3,"reasoning":2,"cache":{"read":5,"write":1}}}}'
            ),
            b'{"type":"step_finish","sessionID":"ses_3b11","part":{"reason":"stop","cost":0.25,"tokens":{"input":1,"output":1}}}',
        ),
        Reading(session="ses_3b11", text="hello", usage=Usage(tokens_in=17, tokens_out=6, cost_usd=0.75)),
    ),
    "auggie": ((b"\x1b[2mReading files\x1b[0m", b"I added the endpoint."), Reading(text="I added the endpoint.")),
    "demo": ((b"demo agent: committed",), Reading(text="demo agent: committed")),
    "events": (
        (
            b'{"event":"start","sessionId":"s-9"}',
            b'{"text":"ok","usage":{"prompt_tokens":4,"completion_tokens":2},"cost_usd":0.1}',
        ),
        Reading(session="s-9", text="ok", usage=Usage(tokens_in=4, tokens_out=2, cost_usd=0.1)),
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_recorded_run_tells_session_tokens_cost_and_the_last_word(name: str) -> None:
    lines, expected = SAMPLES[name]

    assert msgspec.to_builtins(read_all(adapter(name, TABLES), *lines)) == msgspec.to_builtins(expected)


FAILURES: dict[str, tuple[bytes, str, float | None]] = {
    "claude": (
        b'{"type":"result","subtype":"success","is_error":true,"result":"Claude AI usage limit reached|1755772800"}',
        "Claude AI usage limit reached|1755772800",
        1755772800,
    ),
    "codex": (
        b'{"type":"turn.failed","error":{"message":"You\'ve hit your usage limit. Try again in 2 days 17 hours 14 minutes."}}',
        "You've hit your usage limit. Try again in 2 days 17 hours 14 minutes.",
        2 * 86400 + 17 * 3600 + 14 * 60,
    ),
    "gemini": (
        b'{"type":"result","status":"error","error":{"type":"X","message":"RESOURCE_EXHAUSTED: Please retry in 34.5s."}}',
        "RESOURCE_EXHAUSTED: Please retry in 34.5s.",
        34.5,
    ),
    "copilot": (
        b'{"type":"session.error","data":{"errorType":"session","message":"429 Too Many Requests, retry-after: 60"}}',
        "429 Too Many Requests, retry-after: 60",
        60,
    ),
    "cursor": (b'{"type":"result","is_error":true,"result":"no credits"}', "no credits", None),
    "opencode": (
        b'{"type":"error","sessionID":"s","error":{"name":"APIError","data":{"message":"Rate limit exceeded"}}}',
        "Rate limit exceeded",
        300,
    ),
    "events": (b'{"type":"error","error":{"message":"boom"}}', "boom", None),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_recorded_failure_tells_why_and_until_when(name: str) -> None:
    line, error, wait = FAILURES[name]
    now = datetime.fromtimestamp(0 if wait and wait < 1e9 else 1755772000, UTC)

    reading = adapter(name, TABLES).read(line)

    assert reading.error == error
    until = reading.rate_limit.until(now).timestamp() if reading.rate_limit else None
    assert until == wait


def test_a_limit_announced_before_it_is_hit_is_no_limit() -> None:
    line = b'{"type":"rate_limit_event","rate_limit_info":{"status":"%s","resetsAt":1755772800}}'

    assert adapter("claude").read(line % b"allowed_warning").rate_limit is None
    assert adapter("claude").read(line % b"rejected").rate_limit is not None


def test_a_limit_that_claude_calls_a_success_is_still_a_limit() -> None:
    reading = adapter("claude").read(
        b'{"type":"result","is_error":false,"result":"Claude AI usage limit reached|1755772800"}'
    )

    assert reading.rate_limit is not None
    assert reading.text is None


@pytest.mark.parametrize("prompt", ["x" * (ARGUMENT_LIMIT + 1), "--help", "a\0b"], ids=["long", "option", "nul"])
def test_a_prompt_that_cannot_be_an_argument_stays_in_its_file(prompt: str, tmp_path: Path) -> None:
    path = tmp_path / "prompt.md"
    path.write_text(prompt)

    argv = adapter("spoken", TABLES).launch(path).argv

    assert argv == ("spoken", "--say", f"Read your instructions in {path} and follow them.", "--fast")


def test_an_unknown_cli_is_refused_with_what_was_meant_and_what_there_is() -> None:
    with pytest.raises(
        InvalidInputError, match=r"no agent CLI 'cluade'; did you mean 'claude'\? Known: claude, auggie.*mine"
    ):
        adapter("cluade", TABLES)
    with pytest.raises(InvalidInputError, match=r"no agent CLI 'zzz'\. Known: claude"):
        adapter("zzz")


def test_a_table_wins_over_the_built_in_cli_of_its_name(tmp_path: Path) -> None:
    assert adapter("claude", {"claude": {"command": ["my-claude", "-p"]}}).launch(tmp_path).argv == ("my-claude", "-p")


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({}, r"\[agent_clis.x\]: command must be a list of words"),
        ({"command": "my-agent -p"}, "command must be a list of words"),
        ({"command": []}, "command must be a list of words"),
        ({"command": ["a", 1]}, "command must be a list of words"),
        ({"command": ["a"], "promt": "stdin"}, "unknown key 'promt'; it may have command, resume, prompt, output"),
        ({"command": ["a"], "prompt": "pipe"}, "prompt must be one of stdin, file, argument, not 'pipe'"),
        ({"command": ["a"], "output": 3}, "output must be one of text, jsonl, not 3"),
        ({"command": ["a"], "prompt": "file"}, "command must contain {prompt_file} when prompt is 'file'"),
        ({"command": ["a"], "resume": ["a", "--last"]}, "resume must contain {session}"),
    ],
)
def test_a_table_that_cannot_be_used_says_what_is_wrong(table: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        adapter("x", {"x": table})
