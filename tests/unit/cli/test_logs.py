from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from tinytown.cli.logs import configure_logs
from tinytown.runtime.redaction import MASK


@pytest.fixture(autouse=True)
def _own_configuration() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_logs_of_daemons_have_no_secrets(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "correct-horse")
    configure_logs()

    log = structlog.get_logger("tinytown.test")
    log.warning("refused", action="refused", reason="https://me:hunter2@host said correct-horse")
    log.warning("broke", action="broke", exc_info=ValueError("correct-horse"))

    said = capsys.readouterr().err
    assert f"https://{MASK}@host said {MASK}" in said
    assert f"ValueError: {MASK}" in said
    assert "correct-horse" not in said
    assert "hunter2" not in said
