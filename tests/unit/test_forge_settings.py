"""`[forge]`: what it takes for GitHub, and what it refuses."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from tinytown.config import ForgeSettings, load_settings
from tinytown.domain.errors import ConfigError
from tinytown.runtime.environment import RunIdentity, child_environment
from tinytown.services.town_template import render_settings


def forge(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> ForgeSettings:
    (tmp_path / "tinytown.toml").write_text(f'[town]\nname = "demo"\n[forge]\n{text}\n')
    return load_settings(tmp_path, environ=environ or {}).forge


def complaint(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        forge(tmp_path, text, environ)
    return str(caught.value).replace(str(tmp_path), "ROOT")


def test_defaults_are_those_of_github(tmp_path: Path) -> None:
    found = forge(tmp_path, "")
    assert found.api_url == "https://api.github.com"
    assert found.trusted_authors == ("owner", "members", "collaborators")
    assert "cursor[bot]" in found.bots
    assert (found.quota_reserve, found.no_checks_grace_secs, found.merge_method) == (0.1, 300, None)
    assert (found.repository, found.app_id, found.app_key_file, found.flaky) == (None, None, None, ())


def test_values_are_read_as_they_are_meant(tmp_path: Path) -> None:
    found = forge(
        tmp_path,
        'api_url = "https://git.corp.example/api/v3/"\nrepository = "octo/town"\napp_id = 12345\n'
        'app_key_file = "key.pem"\ntrusted_authors = ["owner", " ada "]\nbots = ["x[bot]"]\n'
        'flaky = ["timed out after \\\\d+ s"]\nquota_reserve = 0\nmerge_method = "squash"',
    )
    assert found.api_url == "https://git.corp.example/api/v3"
    assert (found.app_id, found.app_key_file) == ("12345", "key.pem")
    assert (found.trusted_authors, found.bots) == (("owner", "ada"), ("x[bot]",))
    assert found.flaky == ("timed out after \\d+ s",)
    assert (found.quota_reserve, found.merge_method) == (0, "squash")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:8080"])
def test_plain_http_is_for_servers_on_this_machine(tmp_path: Path, url: str) -> None:
    assert forge(tmp_path, f'api_url = "{url}"').api_url == url


def test_environment_separates_names_by_commas_and_leaves_patterns_whole(tmp_path: Path) -> None:
    environ = {
        "TINYTOWN_FORGE__TRUSTED_AUTHORS": "owner, ada",
        "TINYTOWN_FORGE__FLAKY": "a{1,2}",
        "TINYTOWN_FORGE__APP_ID": "12345",
        "TINYTOWN_FORGE__QUOTA_RESERVE": "0.25",
    }
    found = forge(tmp_path, "", environ)
    assert (found.trusted_authors, found.flaky) == (("owner", "ada"), ("a{1,2}",))
    assert (found.app_id, found.quota_reserve) == ("12345", 0.25)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('api_url = "github.com"', "expected the URL of an API"),
        ('api_url = "ftp://x.example"', "expected the URL of an API"),
        ('api_url = "https://"', "expected the URL of an API"),
        ('api_url = "https://x.example:port"', "expected the URL of an API"),
        ("api_url = 3", "expected the URL of an API"),
        ('api_url = ""', "expected the URL of an API"),
        ('api_url = "https://u:p@x.example"', "has no user name"),
        ('api_url = "https://x.example?a=1"', "has no user name, query or fragment"),
        ('api_url = "http://git.corp.example/api/v3"', "expected https"),
        ('api_url = "http://127.0.0.1.evil.example"', "expected https"),
        ("app_id = true", "expected the id of a GitHub App"),
        ('app_id = "../x"', "expected the id of a GitHub App"),
        ("trusted_authors = 3", "expected an array of names"),
        ("bots = [1]", "expected an array of names"),
        ('flaky = ["("]', "'(' is not a regular expression"),
        ('bots_pattern = "("', "'(' is not a regular expression"),
        ("bots_pattern = 3", "expected a regular expression"),
        ('fail_on = "some"', 'expected one of all, required, found the text "some"'),
        ("quota_reserve = 1", "expected a number, 0 or more and below 1, found 1"),
        ("quota_reserve = -0.1", "expected a number, 0 or more and below 1"),
        ('merge_method = "fast"', 'expected one of merge, squash, rebase, found the text "fast"'),
        ("no_checks_grace_secs = 0", "expected a number above 0"),
        ('repository = ""', "expected a text that is not empty"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    said = complaint(tmp_path, text)
    assert said.startswith("ROOT/tinytown.toml:4: forge.")
    assert message in said


def test_password_in_an_api_url_is_not_repeated(tmp_path: Path) -> None:
    assert "hunter22" not in complaint(tmp_path, 'api_url = "https://me:hunter22@x.example"')


def test_commented_defaults_of_the_template_are_settings(tmp_path: Path) -> None:
    lines = render_settings("demo", "github").split("[forge]")[1].split("[forge.local]")[0].splitlines()
    said = tomllib.loads("\n".join(line.removeprefix("# ") for line in lines if " = " in line))
    known = set(ForgeSettings.__struct_fields__)
    assert set(said) <= known
    assert known - set(said) == {"local"}


def test_agents_do_not_see_the_secret_of_webhooks(tmp_path: Path) -> None:
    run = RunIdentity(agent_id="a", agent_name="ada", run_id="r", town=tmp_path)
    name = forge(tmp_path, "").webhook_secret_env
    assert name not in child_environment({name: "s3cret", "PATH": ""}, run)
