from __future__ import annotations

import pytest

from tinytown.domain.errors import ConfigError
from tinytown.store.address import Address, parse_url, redacted


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("unix:///run/redis.sock", Address(scheme="unix", path="/run/redis.sock")),
        ("unix:///a%20b/%C3%A9.sock?db=3", Address(scheme="unix", path="/a b/é.sock", db=3)),
        (
            "unix://ada:s%40cret@/run/r.sock",
            Address(scheme="unix", path="/run/r.sock", username="ada", password="s@cret"),
        ),
        ("redis://localhost", Address(scheme="redis")),
        ("redis://", Address(scheme="redis")),
        ("redis://h:1234/5", Address(scheme="redis", host="h", port=1234, db=5)),
        ("redis://:pw@h", Address(scheme="redis", host="h", password="pw")),
        ("redis://h/?db=2&password=pw", Address(scheme="redis", host="h", db=2, password="pw")),
        ("redis://[::1]:7000", Address(scheme="redis", host="::1", port=7000)),
        (
            "rediss://u:p@h?ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem",
            Address(
                scheme="rediss",
                host="h",
                username="u",
                password="p",
                ssl_ca_certs="/ca.pem",
                ssl_certfile="/c.pem",
                ssl_keyfile="/k.pem",
            ),
        ),
    ],
)
def test_url_is_read(url: str, expected: Address) -> None:
    assert parse_url(url) == expected


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://h", "it must begin with unix://, redis:// or rediss://"),
        ("localhost:6379", "it must begin with unix://, redis:// or rediss://"),
        ("redis://h:port", "the port must be a number up to 65535"),
        ("redis://h:70000", "the port must be a number up to 65535"),
        ("redis://h/x", "the database must be a number"),
        ("redis://h?timeout=3", "unknown option 'timeout'; known are db,"),
        ("redis://h?ssl_keyfile=/k", "need rediss://"),
        ("unix://run/redis.sock", "three slashes"),
        ("unix://", "it names no socket"),
        ("unix:///a%00b", "a path cannot contain a NUL character"),
        ("redis://" + "é" * 80, "label"),
    ],
)
def test_url_that_is_not_valid_is_told(url: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_url(url)
    assert reason in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("url", ["redis://u:hush@h:port", "redis://u:hu/sh@h/x", "redis://h/x?password=hush"])
def test_password_is_not_told(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_url(url)
    assert "hu" not in caught.value.message
    assert "hu" not in redacted(url)


def test_address_is_shown_without_its_password() -> None:
    address = parse_url("redis://u:hush@h:1/2")
    assert str(address) == "redis://h:1?db=2"
    assert "hush" not in repr(address)
