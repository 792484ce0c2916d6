"""The secret that webhooks are signed with: from a variable or a file, never from the settings themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tinytown.config import ForgeSettings
from tinytown.domain.errors import ConfigError

EVENTS = (
    "branch or tag creation, branch or tag deletion, branch protection rules, check runs, check suites, issue comments,"
    " issues, merge groups, pull requests, pull request reviews, pull request review comments, pull request review"
    " threads, pushes, repository rulesets, statuses, workflow jobs, workflow runs"
)
"""What is to be ticked at GitHub; more does no harm."""


def find_secret(settings: ForgeSettings, root: Path, environ: Mapping[str, str]) -> str | None:
    """The secret, None when none is set. The file wins.

    Raises:
        ConfigError: the file that is named cannot be used.
    """
    if settings.webhook_secret_file is None:
        return environ.get(settings.webhook_secret_env, "").strip() or None
    file = secret_file(settings, root)
    assert file is not None  # noqa: S101  narrows the type
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or "").lower() if isinstance(error, OSError) else "not text"
        raise ConfigError(f"{file}: {reason}; it should hold the secret of the webhook") from error
    if not text:
        raise ConfigError(f"{file} is empty; it should hold the secret of the webhook")
    return text


def secret_file(settings: ForgeSettings, root: Path) -> Path | None:
    """Where the secret is, when it is in a file."""
    name = settings.webhook_secret_file
    return None if name is None else root / Path(name).expanduser()


def required_secret(settings: ForgeSettings, root: Path, environ: Mapping[str, str]) -> str:
    """The secret.

    Raises:
        ConfigError: there is none; says how to set it here and at GitHub.
    """
    secret = find_secret(settings, root, environ)
    if secret is None:
        raise ConfigError(
            f"there is no secret for webhooks: set {settings.webhook_secret_env} (or [forge] webhook_secret_file) to a long"
            " random text such as that of `openssl rand -hex 32`; then add a webhook on GitHub (the repository's Settings,"
            " Webhooks): the public URL that leads here, content type application/json, the same secret, and these"
            f" events: {EVENTS}"
        )
    return secret
