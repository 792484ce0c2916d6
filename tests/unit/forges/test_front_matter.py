from __future__ import annotations

import pytest

from tinytown.domain.errors import ForgeError
from tinytown.forges.local.front_matter import IssueText, closed_text, read_issue_text

FILE = "issues/0003-auth-api.md"


def read(text: str) -> IssueText:
    return read_issue_text(text, FILE)


def test_all_fields_are_read() -> None:
    text = "---\ntitle: Auth API\nlabels: [backend, 'kind:test']\nstate: open\nauthor: ada\n---\n\nBody\n"
    assert read(text) == IssueText(
        title="Auth API", body="Body\n", is_open=True, labels=("backend", "kind:test"), author="ada"
    )


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("No heading", "auth api"),
        ("intro\n\n## The heading ##\n", "The heading"),
        ("---\nlabels: x\n---\n# Heading\n", "Heading"),
        ("---\ntitle: 2024\n---\n", "2024"),
        ("---\ntitle: |\n  two\n  lines\n---\n", "two lines"),
        ("\ufeff---\r\ntitle: From Windows\r\n---\r\nBody\r\n", "From Windows"),
        ("---\n---\n# After empty front matter", "After empty front matter"),
    ],
)
def test_the_title_is_found_where_there_is_one(text: str, title: str) -> None:
    assert read(text).title == title


@pytest.mark.parametrize(
    ("value", "labels"),
    [("a, b", ("a", "b")), ("[a, 2]", ("a", "2")), ("", ()), ("[]", ()), ("\n- a\n- b", ("a", "b"))],
)
def test_labels_are_a_list_or_words_between_commas(value: str, labels: tuple[str, ...]) -> None:
    assert read(f"---\nlabels: {value}\n---\n").labels == labels


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert read("---\n\nJust text").body == "---\n\nJust text"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\nauthor: a: b\n---\n", f"{FILE}:2: the front matter is not valid YAML: mapping values are not allowed"),
        ("---\ntitle: x\nlabels: [a\n---\n", f"{FILE}:4: the front matter is not valid YAML"),
        ("---\ntitle: x\nstate: done\n---\n", f"{FILE}:3: the state is 'done'; it must be open or closed"),
        ("---\n- a\n---\n", f"{FILE}:2: the front matter must be fields"),
        ("---\ntitle: x\nbody", f"{FILE}:1: the front matter has no end"),
        ("---\ntitle: \x07\n---\n", f"{FILE}:1: the front matter is not valid YAML"),
        ("---\ntitle: !!python/object:os.system x\n---\n", f"{FILE}:2: the front matter is not valid YAML"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(text: str, message: str) -> None:
    with pytest.raises(ForgeError) as caught:
        read(text)
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "---\n# who\ntitle: 'x'   # why\nstate:  open  # now\nz: 1\n---\nBody\nstate: open\n",
            "---\n# who\ntitle: 'x'   # why\nstate:  closed  # now\nz: 1\n---\nBody\nstate: open\n",
        ),
        ('---\r\nstate: "Open"\r\n---\r\nBody', "---\r\nstate: closed\r\n---\r\nBody"),
        ("---\ntitle: x\n---\nBody", "---\ntitle: x\nstate: closed\n---\nBody"),
        ("---\nstate:\n---\nBody", "---\nstate: closed\n---\nBody"),
        ("# Heading\n", "---\nstate: closed\n---\n\n# Heading\n"),
        ("---\nstate: closed # done\n---\n", "---\nstate: closed # done\n---\n"),
    ],
)
def test_closing_changes_the_state_and_nothing_else(before: str, after: str) -> None:
    assert closed_text(before, FILE) == after
    assert not read(after).is_open


def test_a_form_that_cannot_be_closed_by_line_is_refused() -> None:
    with pytest.raises(ForgeError, match="has no line `state: open`"):
        closed_text("---\n{title: x, state: open}\n---\n", FILE)


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("title: Fix #12 crash", "Fix #12 crash"),
        ("title: Login: a timeout", "Login: a timeout"),
        ('title: "Fix #12"  # a remark', "Fix #12"),
        ("title: 'It''s late'", "It's late"),
        ('title: Say "hello"', 'Say "hello"'),
        ("title: goes on\n  in the next line", "goes on in the next line"),
        ("title:   spaced   ", "spaced"),
    ],
)
def test_an_unquoted_title_is_taken_as_it_is_written(line: str, title: str) -> None:
    assert read_issue_text(f"---\n{line}\nstate: open\n---\nText.\n", "issues/0001-x.md").title == title
