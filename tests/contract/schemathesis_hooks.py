"""What schemathesis cannot know from the document: which values mean something in the town that it asks.

A cursor is opaque: one that fits the schema is not sent. Of a new agent the CLI is one that is installed. An id that
another answer has as null is nobody's. Of headers it does not heed the pattern when it covers limits.
"""

from __future__ import annotations

import re
from typing import Any

import schemathesis

from tinytown.domain.ids import NAME_LIMIT
from tinytown.townhall.paging import MAX_CURSOR

CLI = "demo"
RESUMING = "last-event-id"
EVENT_ID = re.compile(r"([0-9]{1,19}-[0-9]{1,19})?")
NOBODY = "00000000-0000-4000-8000-000000000000"


@schemathesis.hook
def before_call(_: Any, case: Any, __: Any) -> None:
    """Make what is valid by the schema valid by its meaning; what is not valid stays as it is."""
    query = case.query
    if isinstance(query, dict) and isinstance(query.get("cursor"), str) and len(query["cursor"]) <= MAX_CURSOR:
        del query["cursor"]
    path = case.path_parameters
    if isinstance(path, dict):
        path |= {name: NOBODY for name, value in path.items() if value in {None, "None"}}
    headers, is_valid = case.headers, case.meta is None or case.meta.generation.mode.is_positive
    if headers and is_valid and not EVENT_ID.fullmatch(headers.get(RESUMING, "0-0")):
        del headers[RESUMING]
    body = case.body
    if case.operation.label == "POST /v1/agents" and isinstance(body, dict):
        cli = body.get("cli", CLI)
        if isinstance(cli, str) and 1 <= len(cli) <= NAME_LIMIT and "\0" not in cli:
            body["cli"] = CLI
