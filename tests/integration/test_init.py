from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.repositories import commit, isolate, make_repository

from tinytown.config import load_settings
from tinytown.domain.errors import AlreadyExistsError, ConfigError, GitError, InvalidInputError, TinytownError
from tinytown.repository.git import Git
from tinytown.services.machine import machine_id
from tinytown.services.town_template import render_settings
from tinytown.services.towns import InitResult, init_town, is_github


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch)


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """A repository called shop that ignores nothing."""
    git = make_repository(tmp_path / "shop")
    commit(git, {".gitignore": None}, "Ignore nothing")
    return git


def contents(folder: Path) -> dict[str, bytes]:
    """Every file outside .git, and every folder."""
    paths = [path for path in sorted(folder.rglob("*")) if ".git" not in path.relative_to(folder).parts]
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"/" for path in paths}


def refusal(folder: Path, name: str | None = None) -> TinytownError:
    """The error of `init_town`, which must be one line and change nothing."""
    before = contents(folder) if folder.is_dir() else {}
    with pytest.raises(TinytownError) as caught:
        init_town(folder, name)
    assert "\n" not in caught.value.message
    assert (contents(folder) if folder.is_dir() else {}) == before
    return caught.value


def test_init_makes_a_town_named_after_repository_and_branch(git: Git) -> None:
    result = init_town(git.folder)
    root = git.folder.resolve()
    assert result == InitResult(root=root, name="shop-main", forge="local", is_ignore_changed=True)
    settings = load_settings(root, environ={})
    assert settings.town.name == "shop-main"
    assert settings.forge.kind == "local"
    assert stat.S_IMODE((root / ".tt").stat().st_mode) == 0o700
    assert re.fullmatch(r"[0-9a-f-]{36}\n", (root / ".tt" / "machine").read_text())
    assert (root / ".gitignore").read_text() == ".tt/\n"
    assert git.dirty_files() == (".gitignore", "tinytown.toml")


def test_init_in_a_subfolder_makes_the_checkout_the_town(git: Git) -> None:
    inner = git.folder / "src" / "deep"
    inner.mkdir(parents=True)
    assert init_town(inner, "named").root == git.folder.resolve()
    assert not (inner / "tinytown.toml").exists()


def test_init_in_a_linked_worktree_makes_that_checkout_the_town(git: Git, tmp_path: Path) -> None:
    git.run("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    result = init_town(tmp_path / "side")
    assert (result.root, result.name) == ((tmp_path / "side").resolve(), "side-side")


def test_init_twice_is_refused_and_changes_nothing(git: Git) -> None:
    init_town(git.folder)
    error = refusal(git.folder)
    assert isinstance(error, AlreadyExistsError)
    assert "is a town already" in error.message


def test_two_towns_in_one_checkout_are_refused(git: Git) -> None:
    init_town(git.folder)
    inner = git.folder / "services" / "api"
    inner.mkdir(parents=True)
    assert isinstance(refusal(inner, "other"), AlreadyExistsError)


def test_town_in_a_subfolder_is_refused_a_second_one_around_it(git: Git) -> None:
    inner = git.folder / "api"
    inner.mkdir()
    (inner / "tinytown.toml").write_text('[town]\nname = "api"\n')
    assert isinstance(refusal(inner), AlreadyExistsError)


def test_of_many_inits_at_once_one_wins(git: Git) -> None:
    code = (
        "import sys, pathlib\n"
        "from tinytown.domain.errors import AlreadyExistsError\n"
        "from tinytown.services.towns import init_town\n"
        "try: init_town(pathlib.Path(sys.argv[1]))\n"
        "except AlreadyExistsError: sys.exit(9)\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(git.folder)]) for _ in range(4)]
    assert sorted(process.wait(60) for process in started) == [0, 9, 9, 9]
    assert (git.folder / ".gitignore").read_text() == ".tt/\n"
    assert sorted(path.name for path in git.folder.iterdir()) == [
        ".git",
        ".gitignore",
        ".tt",
        "README.md",
        "tinytown.toml",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("*.pyc\n", "*.pyc\n.tt/\n"),
        ("*.pyc", "*.pyc\n.tt/\n"),
        ("*.pyc\r\nbuild\r\n", "*.pyc\r\nbuild\r\n.tt/\r\n"),
        ("", ".tt/\n"),
        (".tt\n", ".tt\n"),
        ("/.tt/\n", "/.tt/\n"),
        (".*\n!.gitignore\n", ".*\n!.gitignore\n"),
    ],
)
def test_gitignore_keeps_its_content_and_gets_the_line_only_when_needed(git: Git, before: str, after: str) -> None:
    path = git.folder / ".gitignore"
    path.write_bytes(before.encode())
    path.chmod(0o640)
    assert init_town(git.folder).is_ignore_changed is (before != after)
    assert path.read_bytes() == after.encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_folder_that_is_no_repository_is_told_to_git_init(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    error = refusal(tmp_path / "plain")
    assert isinstance(error, GitError)
    assert error.message.endswith("is not a git repository; run `git init` first")


def test_repository_without_commits_is_told_to_make_one(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    error = refusal(tmp_path)
    assert isinstance(error, GitError)
    assert "no commits yet; make a first commit" in error.message


def test_bare_repository_and_git_folder_are_refused(git: Git, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "--quiet", "--bare", str(git.folder), str(tmp_path / "bare.git")], check=True)
    assert "is a bare repository" in refusal(tmp_path / "bare.git").message
    assert "run `tt init` in a checkout" in refusal(git.folder / ".git").message


def test_missing_folder_is_told(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere").message == f"{tmp_path / 'nowhere'} does not exist"


def test_agents_worktree_is_no_place_for_a_town(git: Git) -> None:
    init_town(git.folder)
    inside = git.folder / ".tt" / "worktrees" / "x"
    git.run("worktree", "add", "--quiet", "-b", "x", str(inside))
    error = refusal(inside)
    assert isinstance(error, InvalidInputError)
    assert "where agents work" in error.message


def test_detached_head_needs_a_name(git: Git) -> None:
    git.run("checkout", "--quiet", "--detach")
    assert "HEAD is detached" in refusal(git.folder).message
    assert init_town(git.folder, "named").name == "named"


@pytest.mark.parametrize("name", ["two words", "a/b", "x" * 300, "supervisor", "Conductor", "", "-a"])
def test_name_that_is_not_valid_is_refused(git: Git, name: str) -> None:
    assert isinstance(refusal(git.folder, name), InvalidInputError)


@pytest.mark.parametrize(
    ("folder", "branch", "expected"),
    [
        ("my shop", "feat/été#1", "my-shop-feat-t-1"),
        ("_", "_", "town"),
        ("shop", "b" * 200, "shop-" + "b" * 59),
    ],
)
def test_default_name_is_made_valid(tmp_path: Path, folder: str, branch: str, expected: str) -> None:
    git = make_repository(tmp_path / folder)
    git.run("checkout", "--quiet", "-b", branch)
    assert init_town(git.folder).name == expected


def test_remote_gives_the_repositorys_name_and_the_forge(git: Git) -> None:
    git.run("remote", "add", "origin", "git@github.com:acme/storefront.git")
    result = init_town(git.folder)
    assert (result.name, result.forge) == ("storefront-main", "github")
    assert load_settings(git.folder, environ={}).forge.kind == "github"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/acme/shop.git", True),
        ("https://user:token@github.com/acme/shop", True),
        ("https://GitHub.com/acme/shop", True),
        ("git@github.com:acme/shop.git", True),
        ("org-17@github.com:acme/shop.git", True),
        ("ssh://git@github.com/acme/shop.git", True),
        ("ssh://git@ssh.github.com:443/acme/shop.git", True),
        ("git://github.com/acme/shop.git", True),
        ("https://github.com.evil.example/acme/shop", False),
        ("https://notgithub.com/acme/shop", False),
        ("https://gitlab.com/github.com/shop", False),
        ("/srv/github.com/shop.git", False),
        ("../github.com:shop", False),
        ("", False),
    ],
)
def test_github_is_known_by_the_host_of_the_url(url: str, expected: bool) -> None:  # noqa: FBT001  a table's column
    assert is_github(url) is expected


def test_state_that_cannot_be_made_leaves_nothing(git: Git) -> None:
    (git.folder / ".tt").write_text("a file\n")
    error = refusal(git.folder)
    assert isinstance(error, ConfigError)
    assert "make room or allow writing there" in error.message


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_told(git: Git) -> None:
    git.folder.chmod(0o500)
    try:
        error = refusal(git.folder)
    finally:
        git.folder.chmod(0o700)
    assert "permission denied" in error.message


def test_disk_that_is_full_at_the_last_file_leaves_nothing(git: Git) -> None:
    """A limit on the size of files stands for the full disk: the machine's id fits, the settings do not."""
    code = (
        "import pathlib, resource, signal, sys\n"
        "from tinytown.domain.errors import ConfigError\n"
        "from tinytown.services.towns import init_town\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "try: init_town(pathlib.Path(sys.argv[1]))\n"
        "except ConfigError as error: print(error.message)\n"
    )
    before = contents(git.folder)
    done = subprocess.run(
        [sys.executable, "-c", code, str(git.folder)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.endswith("make room or allow writing there, nothing was changed\n")
    assert done.stdout.count("\n") == 1
    assert contents(git.folder) == before


def test_template_with_every_example_spoken_is_valid(tmp_path: Path) -> None:
    uncommented = re.sub(r"^# (?=\[|\w+ = )", "", render_settings("demo", "local"), flags=re.MULTILINE)
    (tmp_path / "tinytown.toml").write_text(uncommented)
    settings = load_settings(tmp_path, environ={})
    assert settings.agent.roles == {"reviewer": "codex"}
    assert settings.agent_clis["mine"]["prompt"] == "stdin"
    assert settings.worktree.after_create == ("npm", "ci")


def test_template_with_all_defaults_spoken_gives_the_default_settings(tmp_path: Path) -> None:
    template = render_settings("demo", "local")
    file = tmp_path / "tinytown.toml"
    file.write_text(template)
    silent = load_settings(tmp_path, environ={})
    github = ("repository", "repository_id", "app_id", "app_key_file", "bots_pattern", "fail_on", "merge_method")
    examples = (
        *github,
        "webhook_secret_file",
        "url",
        "default_branch",
        "after_create",
        "reviewer",
        "command",
        "prompt",
        "mode",
    )
    lines = [
        line if line.removeprefix("# ").split(" ")[0] in examples else re.sub(r"^# (?=\w+ = )", "", line)
        for line in template.splitlines()
    ]
    file.write_text("\n".join(lines))
    spoken = load_settings(tmp_path, environ={})
    assert len(spoken.origins) > len(silent.origins) + 10
    for table in ("redis", "forge", "agent", "worktree", "mission", "townhall"):
        assert getattr(spoken, table) == getattr(silent, table)


def test_machine_id_is_made_once_whoever_asks_first(git: Git) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(machine_id(git.folder))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_machine_file_that_holds_no_id_is_told(git: Git) -> None:
    (git.folder / ".tt").mkdir()
    (git.folder / ".tt" / "machine").write_text("x")
    with pytest.raises(ConfigError, match="holds no id; remove it"):
        machine_id(git.folder)
