from __future__ import annotations

import pytest

from tinytown.domain.errors import ConfigError
from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import WorkKind
from tinytown.planner.manifest import Manifest, Override, named_issue, parse_manifest

ELSEWHERE = "https://gitlab.com/acme/shop/issues/3"
TUTORIAL = """\
# Override issue handling
[[overrides]]
issue = 1
owner_role = "architect"
priority = 10

[[overrides]]
issue = "octo/lib#2"
depends_on = [1, "#3", "octo/lib#4", 1]
owner_role = " backend "
kind = "test"

[[overrides]]
issue = "#3"
skip = true  # Exclude from mission
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_manifest(text, "mission.toml")
    return caught.value.message.splitlines()


def test_manifest_of_the_tutorial_is_read() -> None:
    assert parse_manifest(TUTORIAL, "mission.toml") == Manifest(
        overrides=(
            Override(issue=1, owner_role="architect", priority=10),
            Override(
                issue=IssueRef("octo", "lib", 2),
                depends_on=(1, 3, IssueRef("octo", "lib", 4)),
                owner_role="backend",
                kind=WorkKind.TEST,
            ),
            Override(issue=3, skip=True),
        )
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "overrides = []"])
def test_manifest_without_overrides_changes_nothing(text: str) -> None:
    assert parse_manifest(text, "mission.toml") == Manifest()


def test_inline_tables_are_as_good() -> None:
    assert parse_manifest("overrides = [{issue = 1, skip = true}]", "m").overrides == (Override(issue=1, skip=True),)


@pytest.mark.parametrize("line", [f"issue = '{ELSEWHERE}'", f"issue = 1\ndepends_on = ['a/b#1', '{ELSEWHERE}']"])
def test_issue_of_another_host_is_a_problem(line: str) -> None:
    with pytest.raises(ConfigError, match=f"'{ELSEWHERE}' is not on github.com"):
        parse_manifest(f"[[overrides]]\n{line}\n", "m", host="github.com")
    assert parse_manifest(f"[[overrides]]\n{line}\n".replace("gitlab", "github"), "m", host="github.com").overrides


def test_number_means_the_home_repository() -> None:
    assert named_issue(5, ("octo", "town")) == IssueRef("octo", "town", 5)
    assert named_issue(IssueRef("a", "b", 5), ("octo", "town")) == IssueRef("a", "b", 5)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[overrides]\n", "mission.toml:1:12: expected ']]' at the end of an array declaration"),
        ("[[overrides]]\nissue = \n", "mission.toml:2:9: invalid value"),
        ("[[overrides]]\nissue = [1,", "mission.toml:2:12: invalid value"),
        ("issue = 1\nissue = 2", "mission.toml:2:10: cannot overwrite a value"),
        ("a = " + "[" * 5_000, "mission.toml:1:5005: maximum recursion depth exceeded"),
    ],
)
def test_broken_toml_is_reported_with_line_and_column(text: str, problem: str) -> None:
    (line,) = problems(text)

    assert line.startswith(problem)


KEYS = ("issue", "owner_role", "kind", "priority", "depends_on", "skip")
ISSUE_FORMS = "write 23, #23, owner/repo#23 or the issue's URL"


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("onwer_role = 'x'", "unknown key 'onwer_role'; did you mean 'owner_role'?"),
        ("colour = 1", "unknown key 'colour'; an override has issue, owner_role, kind, priority, depends_on, skip"),
        ("owner_role = 5", "owner_role: must be the name of a role"),
        ("owner_role = ' '", "owner_role: must be the name of a role"),
        (
            "owner_role = 'back end'",
            (
                "owner_role: role name 'back end' is not valid; use letters, digits, '.', '_' and '-',"
                " beginning and ending with a letter or digit"
            ),
        ),
        (f"owner_role = '{'b' * 65}'", "owner_role: role name is 65 characters long; use at most 64"),
        ("owner_role = 'Conductor'", "owner_role: role name 'Conductor' is reserved; choose another"),
        ("kind = 'work'", "kind: must be one of design, implement, test, review, merge_gate, followup"),
        ("kind = 5", "kind: must be one of design, implement, test, review, merge_gate, followup"),
        ("priority = 'high'", "priority: must be a whole number from -1000000 to 1000000"),
        ("priority = true", "priority: must be a whole number from -1000000 to 1000000"),
        ("priority = 1000001", "priority: must be a whole number from -1000000 to 1000000"),
        ("depends_on = 5", "depends_on: must be a list of issues, e.g. [1, 'owner/repo#5']"),
        ("depends_on = ['x']", f"depends_on: 'x' is not an issue; {ISSUE_FORMS}"),
        ("depends_on = [0]", "depends_on: must be an issue's number or 'owner/repo#5'"),
        ("depends_on = [true]", "depends_on: must be an issue's number or 'owner/repo#5'"),
        ("skip = 'yes'", "skip: must be true or false"),
    ],
)
def test_bad_setting_is_reported_with_its_line(setting: str, problem: str) -> None:
    assert problems(f"\n[[overrides]]\nissue = 5\n{setting}\n") == [f"mission.toml:4: {problem}"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("overides = 1", "1: unknown key 'overides'; a manifest has [[overrides]] tables only"),
        ("\n[policy]\nx = 1", "2: unknown key 'policy'; a manifest has [[overrides]] tables only"),
        ("\n[overrides]\nissue = 1", "2: overrides must be tables; write [[overrides]]"),
        ("\noverrides = [1]", "2: overrides must be tables; write [[overrides]]"),
        ("\n[[overrides]]\nskip = true", "2: this override does not say which issue it is for; add 'issue = 5'"),
        ("[[overrides]]\nissue = 'x'", f"2: issue: 'x' is not an issue; {ISSUE_FORMS}"),
        ("[[overrides]]\nissue = 1.5", "2: issue: must be an issue's number or 'owner/repo#5'"),
        ("[[overrides]]\nissue = 10000000000", "2: issue: must be an issue's number or 'owner/repo#5'"),
        ("[[overrides]]\nissue = 1\n[[overrides]]\nissue = '#1'", "4: issue #1 is overridden on line 2 already"),
        (
            "[[overrides]]\nissue = 'a/b#1'\n[[overrides]]\nissue = 'A/B#1'",
            "4: issue A/B#1 is overridden on line 2 already",
        ),
        ("\noverrides = [{issue = 1, skipp = true}]", "2: unknown key 'skipp'; did you mean 'skip'?"),
    ],
)
def test_bad_table_is_reported_with_its_line(text: str, problem: str) -> None:
    assert problems(text) == [f"mission.toml:{problem}"]


def test_all_problems_are_reported_in_the_order_of_their_lines() -> None:
    text = "[[overrides]]\nissue = 1\nskipp = 1\npriority = 'x'\n[[overrides]]\nkind = 1\n[other]\n"

    assert [line.split(": ")[0] for line in problems(text)] == [
        "mission.toml:3",
        "mission.toml:4",
        "mission.toml:5",
        "mission.toml:6",
        "mission.toml:7",
    ]


@pytest.mark.parametrize(
    "before",
    [
        'owner_role = """\n[[overrides]]\nnope = 1\n\\""" # still text\n"""\n',
        "owner_role = '''\n[[overrides]]\nnope = 1\n''''\n",
        "owner_role = '[['\n\n\n\n",
        "depends_on = [\n  1, # [[overrides]]\n  'a/b#2',\n]\n",
        "# nope = 1\n'priority' = 1\n\n\n",
        '"owner_role" = "a = [ # \\" {"\n\n\n\n',
    ],
)
def test_line_is_right_behind_what_looks_like_toml_and_is_not(before: str) -> None:
    text = f"[[ 'overrides' ]]\nissue = 1\n{before}nope = 2\n"

    told = [line for line in problems(text) if "owner_role: " not in line]  # no role, but text all the same
    assert told == [f"mission.toml:{text.count(chr(10))}: unknown key 'nope'; an override has {', '.join(KEYS)}"]


def test_table_inside_an_override_is_an_unknown_key_on_its_line() -> None:
    text = "[[overrides]]\nissue = 1\n[overrides.notes]\nx = 1\n[[overrides]]\nissue = 2\nnotes.x = 1\n"

    assert [line.split("; ")[0] for line in problems(text)] == [
        "mission.toml:3: unknown key 'notes'",
        "mission.toml:7: unknown key 'notes'",
    ]
