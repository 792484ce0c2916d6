"""The layout's version."""

from __future__ import annotations

import pytest

from tinytown.domain.errors import StoreError
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.schema import check_schema


def test_new_town_is_marked_and_accepted_again(connection: Connection, keys: Keys) -> None:
    check_schema(connection, keys)
    check_schema(connection, keys)
    assert connection.execute("GET", keys("schema")) == b"1"


def test_town_of_another_layout_is_refused(connection: Connection, keys: Keys) -> None:
    connection.execute("SET", keys("schema"), "7")
    with pytest.raises(StoreError, match="layout 7"):
        check_schema(connection, keys)
    assert connection.execute("GET", keys("schema")) == b"7"
