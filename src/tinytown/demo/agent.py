"""`tt-demo-agent`: a coding agent without a model, which does what fenced blocks in the issue tell it.

    ```python file=auth/tokens.py                    writes the file on a work task
    ```python file=auth/tokens.py when=fix           writes it on a fix task instead
    ```python file=auth/tokens.py when=fix:checks    ... only when that is among the causes of the fix
    ```require file=auth/endpoints.py                lines that must occur in the file for a review to approve

It reads its prompt on stdin, works in the current folder (a git worktree), commits, and reports with `tt`.
TINYTOWN_DEMO_DELAY_SECS makes it think between steps, so that people can watch.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

from tinytown import __version__

_AUTHOR = ("-c", "user.name=Demo Agent", "-c", "user.email=demo@tinytown.invalid", "-c", "commit.gpgsign=false")
_OTHER_AUTHOR = ("GIT_AUTHOR_", "GIT_COMMITTER_")
_BEGIN = re.compile(r"^\W{0,3}<{3,}\s*ISSUE TEXT\b", re.IGNORECASE)
_END = re.compile(r"^\W{0,3}>{3,}\s*END OF ISSUE TEXT\b", re.IGNORECASE)
_BOUNDARY = re.compile(r"boundary [\w-]+")
_KIND = re.compile(r"^\W{0,4}task kind\W{1,6}(work|review|fix)\b", re.IGNORECASE | re.MULTILINE)
_CAUSES = re.compile(r"^\W{0,4}fix causes\W{1,6}(.+)$", re.IGNORECASE | re.MULTILINE)
_TITLE = re.compile(r"\s*title:[ \t]{0,3}(.+?)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_KEY = re.compile(r"^Item: (\S*#\d+) \(", re.MULTILINE)
_TASK_TEXT = re.compile(r"^<{3,}\s*TASK TEXT\b.*\n\s*(.+?)[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_TITLE_CHARS = 100
_SHOWN_MISSING = 20


# named tuples, not structs: this starts often, and has to start fast
class Block(NamedTuple):
    """A fenced block that names a file."""

    file: str
    text: str
    when: str
    """`work`, `fix`, `fix:<cause>`, or `review` for what a reviewer requires."""


class Assignment(NamedTuple):
    """What the prompt asks for."""

    kind: str
    causes: frozenset[str]
    title: str
    blocks: tuple[Block, ...]
    has_issue: bool


class CannotDoError(Exception):
    """The task cannot be done; the message says why."""


def main() -> int:
    """Do the task in the prompt on stdin; the exit code is 0 when it was done and reported."""
    # told to stop, it stops at once, without a traceback in the log
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.argv[1:] == ["--version"]:
        _say(__version__)
        return 0
    assignment = read_prompt(sys.stdin.buffer.read().decode("utf-8", "replace"))
    _say(f"{assignment.kind}: {assignment.title}")
    _think()
    try:
        report = _review(assignment) if assignment.kind == "review" else _work(assignment)
    except (CannotDoError, OSError) as error:
        _say(f"cannot do it: {error}")
        _report("fail", "--reason", str(error))
        return 1
    _think()
    return _report(*report)


def read_prompt(prompt: str) -> Assignment:
    """What a prompt asks for. The kind of task counts only outside of the issue's text, which anybody may write."""
    before, issue, after = _split(prompt)
    orders = f"{before}\n{after}"
    kind = _KIND.search(orders)
    causes = _CAUSES.search(orders)
    return Assignment(
        kind=kind[1].lower() if kind else "work",
        causes=frozenset(re.findall(r"[a-z]+", causes[1].lower())) if causes else frozenset(),
        title=_title(before, issue),
        blocks=tuple(_blocks(issue)),
        has_issue=bool(issue.strip()),
    )


def _split(prompt: str) -> tuple[str, str, str]:
    """The prompt before, in and after the issue's text. Marks that the text forges lack the boundary of the real ones."""
    lines = prompt.splitlines()
    begins = [at for at, line in enumerate(lines) if _BEGIN.match(line)]
    if not begins:
        return prompt, prompt, ""
    run_id = os.environ.get("TINYTOWN_RUN_ID", "")
    begin = next((at for at in begins if run_id and run_id in lines[at]), begins[0])
    boundary = _BOUNDARY.search(lines[begin])
    ends = [at for at in range(begin + 1, len(lines)) if _END.match(lines[at])]
    real = [at for at in ends if boundary is None or boundary[0] in lines[at]]
    end = real[-1] if real else len(lines)
    return "\n".join(lines[:begin]), _unquoted(lines[begin + 1 : end]), "\n".join(lines[end + 1 :])


def _unquoted(lines: list[str]) -> str:
    if all(line.startswith(">") or not line.strip() for line in lines):
        lines = [line.removeprefix(">").removeprefix(" ") for line in lines]
    return "\n".join(lines) + "\n"


def _title(before: str, issue: str) -> str:
    found = _TITLE.match(issue) or _TASK_TEXT.search(before) or _HEADING.search(issue)
    first = next((line.strip() for line in issue.splitlines() if line.strip()), "")
    title = (found[1] if found else first)[:_TITLE_CHARS].strip() or "Demo work"
    key = _KEY.search(before)
    return f"{title} ({key[1]})" if key else title


def _blocks(issue: str) -> Iterable[Block]:
    depth = 0
    for token in MarkdownIt().parse(issue):
        depth += (token.type == "blockquote_open") - (token.type == "blockquote_close")
        if token.type == "fence" and depth == 0 and (block := _block(token.info, token.content)):
            yield block


def _block(info: str, text: str) -> Block | None:
    try:
        words = shlex.split(info)
    except ValueError:  # an unmatched quote
        words = info.split()
    options = dict(word.split("=", 1) for word in words if "=" in word)
    if "file" not in options:
        return None
    when = "review" if words[0] == "require" else options.get("when", "work")
    return Block(options["file"], text, when.lower())


def _work(assignment: Assignment) -> tuple[str, ...]:
    blocks = [block for block in assignment.blocks if _is_wanted(block, assignment)]
    if not blocks:
        causes = f" for {', '.join(sorted(assignment.causes))}" if assignment.causes else ""
        raise CannotDoError(f"the issue has no block that tells what to write on a {assignment.kind} task{causes}")
    root = Path.cwd().resolve()
    targets = [(confined(root, block.file), block) for block in blocks]  # all of them, before anything is written
    for target, block in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.text, encoding="utf-8")
        _say(f"wrote {block.file}")
        _think()
    names = tuple(dict.fromkeys(target.relative_to(root).as_posix() for target, _ in targets))
    head = _commit(names, assignment)
    return ("complete", "--result", f"Wrote {', '.join(names)} (commit {head[:12]})")


def _is_wanted(block: Block, assignment: Assignment) -> bool:
    if assignment.kind == "work":
        return block.when == "work"
    kind, _, cause = block.when.partition(":")
    return kind == "fix" and (not cause or cause in assignment.causes)


def confined(root: Path, name: str) -> Path:
    """Where `name` is below `root`; CannotDoError when it leads elsewhere, by `..`, a symbolic link, or into `.git`."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise CannotDoError(f"file={name} does not lead into the worktree")
    if any(part.lower() == ".git" for part in path.parts):
        raise CannotDoError(f"file={name} leads into git's own files")
    target = (root / path).resolve()
    if not target.is_relative_to(root) or target == root:
        raise CannotDoError(f"file={name} leads out of the worktree by a symbolic link")
    return target


def _commit(names: tuple[str, ...], assignment: Assignment) -> str:
    """Commit these files and return the head; what an interrupted run committed already is left as it is."""
    _git("add", "--", *names)
    if _git("status", "--porcelain", "--", *names):
        title = (
            f"Fix {' and '.join(sorted(assignment.causes))}: " if assignment.kind == "fix" and assignment.causes else ""
        )
        _git(*_AUTHOR, "commit", "--quiet", "-m", title + assignment.title, "--", *names)
        _say("committed")
    else:
        _say("it is all there already")
    return _git("rev-parse", "HEAD")


def _git(*arguments: str) -> str:
    # variables that name an author win over the configuration given with -c
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_OTHER_AUTHOR)}
    done = subprocess.run(
        ("git", *arguments), capture_output=True, text=True, errors="replace", check=False, env=environ
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise CannotDoError(f"git {next(word for word in arguments if word.isalpha())} failed: {last[0]}")
    return done.stdout.strip()


def _review(assignment: Assignment) -> tuple[str, ...]:
    if not assignment.has_issue:
        raise CannotDoError("the prompt has no issue text to review by")
    required = [block for block in assignment.blocks if block.when == "review"]
    root = Path.cwd().resolve()
    problems = [problem for block in required if (problem := _lack(root, block))]
    if problems:
        return ("reject", "--reason", "\n".join(problems))
    files = ", ".join(dict.fromkeys(block.file for block in required))
    return (
        "approve",
        "--comment",
        f"Looked at {files}: nothing is missing" if files else "The issue requires nothing in particular",
    )


def _lack(root: Path, block: Block) -> str | None:
    """What a file lacks of what is required of it, None when it lacks nothing."""
    path = confined(root, block.file)
    _say(f"looking at {block.file}")
    if not path.is_file():
        return f"{block.file} is missing"
    text = path.read_text(encoding="utf-8", errors="replace")
    missing = [line.strip() for line in block.text.splitlines() if line.strip() and line.strip() not in text]
    return f"{block.file} lacks: {'; '.join(missing[:_SHOWN_MISSING])}" if missing else None


def _report(*words: str) -> int:
    """Report with `tt task`; its failure is ours."""
    _say(f"tt task {words[0]}")
    try:
        return subprocess.run(("tt", "task", *words), check=False).returncode and 1
    except OSError as error:
        _say(f"cannot report: tt: {error.strerror}")
        return 1


def _say(line: str) -> None:
    print(f"demo agent: {line}", flush=True)  # noqa: T201  an agent CLI talks on stdout


def _think() -> None:
    try:
        secs = float(os.environ.get("TINYTOWN_DEMO_DELAY_SECS", "0"))
    except ValueError:
        return
    if 0 < secs < 3600:  # noqa: PLR2004  an hour is a mistake
        time.sleep(secs)


if __name__ == "__main__":
    sys.exit(main())
