"""The gate: everything that a request passes before REST or MCP, from outside to inside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
from starlette.types import ASGIApp

from tinytown.config.townhall import TownhallSettings
from tinytown.gate.access_log import AccessLog
from tinytown.gate.answer_headers import AnswerHeaders
from tinytown.gate.asking import OPEN_PATHS
from tinytown.gate.audits import Audits
from tinytown.gate.authentication import Authentication
from tinytown.gate.bodies import Bodies
from tinytown.gate.cors import Cors
from tinytown.gate.framing import Framing
from tinytown.gate.hosts import Hosts
from tinytown.gate.last_resort import LastResort
from tinytown.gate.origins import Origins
from tinytown.gate.rates import RateKeeper, Rates, per_address, per_principal
from tinytown.gate.request_ids import RequestIds
from tinytown.gate.time_limits import TimeLimits
from tinytown.services.audit import Audit


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate is made of; put together by serving."""

    settings: Callable[[], TownhallSettings]
    """As they are now."""
    bound: str
    """The name or address that the server listens on."""
    keeper: RateKeeper
    audit: Audit
    clock: Callable[[], datetime]
    stopping: asyncio.Event
    audited_by_themselves: frozenset[str] = frozenset()
    """Paths of faces that tell the audit of changes themselves."""
    least_secs: Mapping[str, float] = {}
    """Paths of faces that limit the time of requests themselves, and how long those may take at least."""


def guarded(app: ASGIApp, gate: Gate) -> ASGIApp:
    """The application behind the gate."""
    settings = gate.settings
    app = TimeLimits(app, settings, gate.stopping, gate.least_secs)
    app = Bodies(app, settings)
    app = Rates(app, gate.keeper, "principal", per_principal(settings))
    app = Authentication(app, lambda: settings().auth, OPEN_PATHS, gate.clock)
    app = Rates(app, gate.keeper, "address", per_address(settings))
    app = Cors(app, settings)
    app = Origins(app, settings)
    app = Hosts(app, settings, gate.bound)
    app = Framing(app)
    app = LastResort(app)
    app = Audits(app, gate.audit, gate.clock, gate.audited_by_themselves)
    app = AccessLog(app)
    app = AnswerHeaders(app)
    return RequestIds(app)
