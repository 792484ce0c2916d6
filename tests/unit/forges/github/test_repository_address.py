"""Which repository of which GitHub."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytown.domain.errors import ConfigError
from tinytown.forges.github.address import Repository, graphql_url, https_hosts, repository_of, web_host

PUBLIC = "https://api.github.com"
COMPANY = "https://git.corp.example/api/v3"
TOWN = Repository(host="github.com", owner="octo", name="town")

FORMS = [
    "https://github.com/octo/town",
    "https://github.com/octo/town.git",
    "https://github.com/octo/town.git/",
    "https://github.com/octo/town/",
    "https://GitHub.com/octo/town",
    "https://user@github.com/octo/town",
    "https://user:secret@github.com/octo/town.git",
    "https://github.com:443/octo/town",
    "https://www.github.com/octo/town",
    "http://github.com/octo/town",
    "git://github.com/octo/town.git",
    "ssh://git@github.com/octo/town.git",
    "ssh://git@github.com:22/octo/town",
    "ssh://git@ssh.github.com:443/octo/town.git",
    "git+ssh://git@github.com/octo/town",
    "git@github.com:octo/town.git",
    "git@github.com:octo/town",
    "git@github.com:/octo/town.git",
    "github.com:octo/town.git",
    "[git@github.com:22]:octo/town.git",
    "org-123@github.com:octo/town.git",
    "git@github-work:octo/town.git",
    "gh:octo/town",
]


@pytest.mark.parametrize("url", FORMS)
def test_each_form_of_a_remote_names_its_repository(url: str) -> None:
    assert repository_of([url], PUBLIC) == TOWN


@pytest.mark.parametrize(
    "url",
    [
        "/srv/git/town.git",
        "../town.git",
        "octo/town",
        "./octo:a/town",
        "file:///octo/town",
        "C:octo/town",
        "C:\\octo\\town",
        "https://github.com/octo",
        "https://github.com/",
        "https://github.com/octo/town/tree/main",
        "https://github.com/octo/..",
        "https://github.com/octo/.git",
        "https://github.com/-octo/town",
        "https://github.com/oc to/town",
        "https://github.com/octo/to%2Fwn",
        "https://[::1/octo/town",
        "git@github.com:town",
        "https://gitlab.com/octo/town",
        "git@gitlab.com:octo/town.git",
        "https://evilgithub.com/octo/town",
        "https://github.com.evil.example/octo/town",
        "",
    ],
)
def test_what_names_no_repository_of_github_is_refused_with_the_way_out(url: str) -> None:
    with pytest.raises(ConfigError, match=r'\[forge\] repository = "owner/repo"'):
        repository_of([url], PUBLIC)


def test_refusal_shows_no_password_of_the_url() -> None:
    with pytest.raises(ConfigError) as caught:
        repository_of(["https://me:hunter22@gitlab.com/octo/town"], PUBLIC)
    assert "hunter22" not in str(caught.value)
    assert "octo/town of gitlab.com" in str(caught.value)


@pytest.mark.parametrize(
    "urls",
    [
        ["/srv/mirror.git", "https://github.com/octo/town"],
        ["https://github.com/octo/town", "/srv/mirror.git"],
        ["gh:other/thing", "https://github.com/octo/town"],
        ["https://proxy.corp/other/thing", "git@github.com:octo/town.git"],
    ],
)
def test_of_the_raw_and_the_rewritten_url_the_one_that_names_a_repository_counts(urls: list[str]) -> None:
    assert repository_of(urls, PUBLIC) == TOWN


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://git.corp.example/octo/town", COMPANY),
        ("ssh://git@git.corp.example:2222/octo/town.git", COMPANY),
        ("git@ssh.git.corp.example:octo/town", COMPANY),
        ("git@push.elsewhere.example:octo/town", COMPANY),
        ("https://git.corp.example:8443/octo/town", "https://git.corp.example:8443/api/v3"),
        ("git@acme.ghe.com:octo/town", "https://api.acme.ghe.com"),
        ("https://github.com/octo/town", "http://127.0.0.1:4010"),
        ("git@git.corp.example:octo/town", "http://127.0.0.1:4010"),
    ],
)
def test_companies_servers_and_test_servers_have_repositories_too(url: str, api: str) -> None:
    assert repository_of([url], api) == Repository(host=web_host(api), owner="octo", name="town")


def test_configured_repository_wins() -> None:
    assert repository_of(["https://github.com/a/b"], PUBLIC, "octo/town") == TOWN
    assert repository_of([], COMPANY, "octo/town").host == "git.corp.example"


@pytest.mark.parametrize("text", ["town", "octo/town/x", "https://github.com/octo/town", "", "octo/", "oc to/town"])
def test_configured_repository_must_be_one(text: str) -> None:
    with pytest.raises(ConfigError, match="write owner/repo"):
        repository_of(["https://github.com/a/b"], PUBLIC, text)


@pytest.mark.parametrize(
    ("api", "host", "graphql"),
    [
        (PUBLIC, "github.com", "https://api.github.com/graphql"),
        (f"{PUBLIC}/", "github.com", "https://api.github.com/graphql"),
        (COMPANY, "git.corp.example", "https://git.corp.example/api/graphql"),
        ("https://api.acme.ghe.com", "acme.ghe.com", "https://api.acme.ghe.com/graphql"),
        ("http://127.0.0.1:4010", "127.0.0.1:4010", "http://127.0.0.1:4010/graphql"),
        ("http://[::1]:4010", "[::1]:4010", "http://[::1]:4010/graphql"),
        ("https://git.corp.example:443/api/v3", "git.corp.example", "https://git.corp.example:443/api/graphql"),
    ],
)
def test_pages_and_graphql_of_an_api_are_known(api: str, host: str, graphql: str) -> None:
    assert (web_host(api), graphql_url(api)) == (host, graphql)


def test_values_in_paths_are_encoded_slashes_too() -> None:
    assert TOWN.path("/branches/{b}", b="tt/1 #x") == "/repos/octo/town/branches/tt%2F1%20%23x"
    assert TOWN.path() == "/repos/octo/town"
    assert TOWN.path("/issues/{n}", n=3) == "/repos/octo/town/issues/3"


OWNERS = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?", fullmatch=True)
NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True).filter(
    lambda name: name not in {".", "..", ".git"} and not name.endswith(".git")
)


@given(owner=OWNERS, name=NAMES, port=st.none() | st.integers(1, 65535), ending=st.sampled_from(["", ".git", "/"]))
def test_any_repository_is_found_again_in_any_form(owner: str, name: str, port: int | None, ending: str) -> None:
    at = f":{port}" if port else ""
    for url in (
        f"https://github.com{at}/{owner}/{name}{ending}",
        f"ssh://git@github.com{at}/{owner}/{name}{ending}",
        f"git@github.com:{owner}/{name}{ending}",
    ):
        assert repository_of([url], PUBLIC) == Repository(host="github.com", owner=owner, name=name)


@given(st.text())
def test_any_text_is_a_repository_or_is_refused_in_one_line(text: str) -> None:
    try:
        found = repository_of([text], PUBLIC)
    except ConfigError as error:
        assert "\n" not in str(error)  # noqa: PT017  both ends are allowed
    else:
        assert found.host == "github.com"


def test_hosts_of_https_urls_are_found_without_what_signs_in() -> None:
    urls = (
        "https://user:pa@ss@GitHub.com:443/octo/town",
        "https://github.com/octo/town.git",
        "HTTPS://git.corp.example:8443/octo/town",
        "https://[::1",
        "http://plain.example/octo/town",
        "git@github.com:octo/town.git",
        "../town.git",
    )
    assert https_hosts(urls) == ("github.com", "git.corp.example:8443", "[::1")
