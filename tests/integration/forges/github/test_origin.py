"""The remote `origin` of a real checkout, as written and as git uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinytown.forges.github.address import Repository, origin_urls, repository_of
from tinytown.repository.git import Git

API = "https://api.github.com"
TOWN = Repository(host="github.com", owner="octo", name="town")


@pytest.fixture
def git(tmp_path: Path) -> Git:
    git = Git(tmp_path)
    git.run("init", "--quiet")
    return git


def test_checkout_without_origin_has_no_urls(git: Git) -> None:
    assert origin_urls(git) == ()


def test_url_is_there_once_when_nothing_rewrites_it(git: Git) -> None:
    git.run("remote", "add", "origin", "git@github.com:octo/town.git")
    assert origin_urls(git) == ("git@github.com:octo/town.git",)


def test_written_url_counts_when_git_goes_elsewhere(git: Git, tmp_path: Path) -> None:
    git.run("remote", "add", "origin", "https://github.com/octo/town")
    git.run("config", f"url.{tmp_path}/bare.insteadOf", "https://github.com/octo/town")
    assert origin_urls(git) == ("https://github.com/octo/town", f"{tmp_path}/bare")
    assert repository_of(origin_urls(git), API) == TOWN


def test_rewritten_url_counts_when_the_written_one_is_an_abbreviation(git: Git) -> None:
    git.run("remote", "add", "origin", "work:town")
    git.run("config", "url.https://github.com/octo/.insteadOf", "work:")
    assert repository_of(origin_urls(git), API) == TOWN
