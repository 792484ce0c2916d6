"""Which repository of which GitHub: from the `origin` remote in any of its forms, or as it is configured.

https://git-scm.com/docs/git-clone#_git_urls
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, quote, unquote, urlsplit

import msgspec

from tinytown.domain.errors import ConfigError
from tinytown.repository.git import Git

_PUBLIC_HOST = "github.com"
_SCHEMES = frozenset({"https", "http", "ssh", "git", "git+ssh", "ssh+git"})
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
_SCP = re.compile(r"(?:[^@/:\[\]]+@)?(?:\[(?P<boxed>[^\]/@]*@?[^\]/@]+)\]|(?P<host>[^/:@\[\]]{2,})):(?P<path>.+)")
"""`[user@]host:path`; a host of one letter is a drive of Windows."""
_HTTPS = re.compile(r"https://(?:[^/?#]*@)?(?P<host>[^/?#@]+)", re.IGNORECASE)
_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?")
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository of a GitHub."""

    host: str
    """Where its pages are, with the port when it is not the usual one: `github.com`."""
    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"

    def path(self, template: str = "", **values: object) -> str:
        """A path of the API under this repository: `path("/branches/{b}", b="a/b")` ends in `/branches/a%2Fb`."""
        encoded = {name: quote(str(value), safe="") for name, value in values.items()}
        return f"/repos/{quote(self.owner)}/{quote(self.name)}{template.format_map(encoded)}"


def repository_of(remotes: Iterable[str], api_url: str, configured: str | None = None) -> Repository:
    """The repository that missions work on.

    Of several remote URLs (as written, and as `insteadOf` rewrites them) the first on the API's own host is taken, else
    the first that names a repository at all: git may push through another host. Only for github.com itself another full
    host name is refused: the same name may belong to somebody else there.

    Args:
        remotes: URLs of `origin`.
        api_url: as `[forge] api_url`.
        configured: `[forge] repository`, which wins.

    Raises:
        ConfigError: none of them names a repository of that GitHub.
    """
    host = web_host(api_url)
    if configured is not None:
        return _configured(configured, host)
    named = [found for url in remotes if (found := _read(url)) is not None]
    fitting = [found for found in named if _is_on(found.host, host)] or [
        found for found in named if _may_stand_for(found.host, host)
    ]
    if fitting:
        return msgspec.structs.replace(fitting[0], host=host)
    raise ConfigError(f'{_unfit(named, host)}; name it in tinytown.toml: [forge] repository = "owner/repo"')


def origin_urls(git: Git) -> tuple[str, ...]:
    """The URLs of `origin` as written and as git uses them; none when there is no such remote."""
    written = git.run("config", "--get-all", "remote.origin.url", accept=(0, 1)).out.splitlines()
    used = git.run("remote", "get-url", "--all", "origin", accept=(0, 2, 128)).out.splitlines()
    return tuple(dict.fromkeys((*written, *used)))


def https_hosts(urls: Iterable[str]) -> tuple[str, ...]:
    """The hosts of those of the URLs that are https, with the port when it is not the usual one."""
    matches = (_HTTPS.match(url) for url in urls)
    return tuple(dict.fromkeys(match["host"].lower().removesuffix(":443") for match in matches if match))


def web_host(api_url: str) -> str:
    """The host of the pages that belong to an API: `github.com`, a company's server, a test server with its port."""
    parts = urlsplit(api_url)
    host = (parts.hostname or "").removeprefix("api.")
    port = _port(parts)
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if port is None or port == {"https": 443, "http": 80}[parts.scheme] else f"{bracketed}:{port}"


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is this machine."""
    return any(_LOOPBACK.fullmatch(name) for name in (host, _without_port(host)))


def graphql_url(api_url: str) -> str:
    """Where the GraphQL interface is that belongs to a REST interface."""
    base = api_url.rstrip("/")
    return f"{base.removesuffix('/v3')}/graphql" if base.endswith("/api/v3") else f"{base}/graphql"


def _configured(text: str, host: str) -> Repository:
    found = _of_path(host, text)
    if found is None:
        raise ConfigError(f"[forge] repository: '{text}' is not a repository; write owner/repo")
    return found


def _read(url: str) -> Repository | None:
    """The repository a remote URL names, with the host as the URL has it; None when it names none."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    if "://" in url:
        is_remote = parts.scheme.lower() in _SCHEMES and parts.hostname
        return _of_path(parts.hostname or "", parts.path) if is_remote else None
    match = _SCP.fullmatch(url.strip())
    if match is None:
        return None
    host = match["host"] or re.sub(r":\d+$", "", match["boxed"].rpartition("@")[2])
    return _of_path(host.lower(), match["path"])


def _of_path(host: str, path: str) -> Repository | None:
    owner, _, name = unquote(path).strip("/").partition("/")
    name = name.removesuffix(".git")
    if not _OWNER.fullmatch(owner) or not _NAME.fullmatch(name):
        return None
    return Repository(host=host.lower(), owner=owner, name=name)


def _is_on(host: str, web: str) -> bool:
    """Whether git's host belongs to the GitHub at `web`: itself, or `ssh.` or `www.` of it."""
    bare = _without_port(web)
    return host == bare or host.endswith(f".{bare}")


def _may_stand_for(host: str, web: str) -> bool:
    """Whether git's host may be a name for, or a way to, the GitHub at `web`: aliases of ssh have no dot."""
    return web != _PUBLIC_HOST or ("." not in host and not is_loopback(host))


def _unfit(named: list[Repository], host: str) -> str:
    if not named:
        return f"origin names no repository of {host}"
    return f"origin is {named[0]} of {named[0].host}, not of {host}"


def _without_port(host: str) -> str:
    return re.sub(r":\d+$", "", host).strip("[]")


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return None
