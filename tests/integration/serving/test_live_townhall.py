"""Which new settings a server that runs takes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from tinytown.config import Settings, load_settings
from tinytown.config.townhall import AuthSettings, RateLimitSettings, TlsSettings, TownhallSettings
from tinytown.serving.settings import LiveTownhall

KEYS = TownhallSettings(auth=AuthSettings(mode="api_key"))


class File:
    """Settings as a file would have them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def now(self) -> Settings:
        return self.settings

    def says(self, townhall: TownhallSettings) -> None:
        self.settings = msgspec.structs.replace(self.settings, townhall=townhall)


@pytest.fixture
def file(tmp_path: Path) -> File:
    (tmp_path / "tinytown.toml").write_text('[town]\nname = "shop"\n', "utf-8")
    return File(load_settings(tmp_path, environ={}))


def test_limits_and_keys_are_those_of_now(file: File) -> None:
    live = LiveTownhall(TownhallSettings(), file.now)

    file.says(msgspec.structs.replace(KEYS, rate_limit=RateLimitSettings(burst=7)))

    assert live().rate_limit.burst == 7
    assert live().auth.mode == "api_key"


def test_authentication_is_not_turned_off_while_the_server_runs(file: File) -> None:
    live = LiveTownhall(KEYS, file.now)

    file.says(TownhallSettings(rate_limit=RateLimitSettings(burst=7)))
    with capture_logs() as logged:
        taken = [live(), live()]

    assert [one.auth.mode for one in taken] == ["api_key", "api_key"]
    assert taken[0].rate_limit.burst == 7
    assert [line["action"] for line in logged] == ["settings_kept"]


def test_another_kind_of_authentication_is_taken(file: File) -> None:
    live = LiveTownhall(KEYS, file.now)

    file.says(TownhallSettings(auth=AuthSettings(mode="oidc")))

    assert live().auth.mode == "oidc"


def test_the_address_and_the_certificates_stay(file: File) -> None:
    live = LiveTownhall(KEYS, file.now)

    file.says(TownhallSettings(bind="::", rest_port=1, tls=TlsSettings(cert_file="new.pem")))

    assert (live().bind, live().rest_port, live().tls.cert_file) == ("127.0.0.1", 8080, None)
