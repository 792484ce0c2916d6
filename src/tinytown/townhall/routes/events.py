"""The town's events as they happen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response

from tinytown.config.townhall import TownhallSettings
from tinytown.domain.access import Principal
from tinytown.domain.errors import InvalidInputError
from tinytown.domain.event import EVERYTHING, EventFilter, Position, position
from tinytown.services.journal import Journal, Recent
from tinytown.townhall.context import READ, Asking, Context
from tinytown.townhall.event_stream import EventResponse, Wish
from tinytown.townhall.hub import Feed, Hub, Places
from tinytown.townhall.parameters import WHOLE, Flag
from tinytown.townhall.sse import MEDIA_TYPE, frame

MAX_RECENT = 500
MAX_TEXT = 64
"""Characters of a parameter."""

_ID: dict[str, Any] = {"pattern": "^[0-9]{1,19}-[0-9]{1,19}$"}
"""How ids of events look, for the document."""
_ID_OR_NONE: dict[str, Any] = {"pattern": "^([0-9]{1,19}-[0-9]{1,19})?$"}
"""What a reader sends that saw no id yet is empty."""

_SENT: dict[str, Any] = {
    "type": "object",
    "description": "One event of the stream.",
    "properties": {
        "id": {"type": "string", **_ID},
        "event": {"type": "string", "description": "Its type."},
        "data": {"type": "string", "contentMediaType": "application/json", "description": "The event, as JSON."},
        "retry": {"type": "integer", "description": "Milliseconds to wait before asking again."},
    },
}

Text: TypeAlias = str | None


def _word(description: str, alias: str | None = None, **schema: Any) -> Any:
    return Query(
        alias=alias, min_length=1, max_length=MAX_TEXT, description=description, json_schema_extra=schema or None
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    hub: Hub | None = getattr(app.state, "hub", None)
    if hub is not None:
        await hub.close()


router = APIRouter(prefix="/v1", tags=["Events"], dependencies=[READ], lifespan=_lifespan)


def hub_of(app: FastAPI) -> Hub:
    """The server's hub."""
    state = app.state
    if not hasattr(state, "hub"):
        context: Context = state.context
        state.hub = Hub(
            context.towns,
            context.stopping,
            context.pace,
            places=lambda: _places(context.settings_now.townhall),
        )
    hub: Hub = state.hub
    return hub


def _places(settings: TownhallSettings) -> Places:
    return Places(total=settings.max_event_readers, each=settings.max_event_readers_per_principal)


@router.get(
    "/events",
    summary="Follow the town's events",
    operation_id="streamEvents",
    response_class=Response,
    responses={200: {"description": "Server-Sent Events", "content": {MEDIA_TYPE: {"schema": _SENT}}}},
)
async def events(
    request: Request,
    who: Asking,
    *,
    mission: Annotated[Text, _word("Only those of this mission: its id, or how it begins.")] = None,
    agent: Annotated[Text, _word("Only those of this agent: its name, or how its id begins.")] = None,
    prefix: Annotated[Text, _word("Only those whose type begins so, such as `task.`.", alias="type")] = None,
    recent: Annotated[int, Query(ge=0, le=MAX_RECENT, description="Begin with the last events, so many."), WHOLE] = 0,
    after: Annotated[Text, _word("Go on after this event, unless Last-Event-ID says otherwise.", **_ID)] = None,
    messages: Annotated[Flag, Query(description="With the messages that events brought.")] = False,
    last_event_id: Annotated[
        Text, Header(description="Go on after this event; empty: after none.", json_schema_extra=_ID_OR_NONE)
    ] = None,
) -> Response:
    """Events as Server-Sent Events: first what was missed or asked for, then each as it happens.

    Without an id and without `recent` it begins with what happens next.
    """
    hub = hub_of(request.app)
    named = {"header.last-event-id": last_event_id, "query.after": after}
    places = [_place(text, field) for field, text in named.items() if text]
    place = places[0] if places else None
    hub.check_room(who)
    feed = await hub.feed()
    wanted = EVERYTHING
    if mission is not None or agent is not None or prefix is not None:
        chosen = partial(
            Journal.wanted, mission=mission, agent=agent, type_prefix=prefix or "", is_coming_back=place is not None
        )
        wanted = await hub.ask(chosen)
    if place is not None:
        return EventResponse(hub, feed, Wish(wanted=wanted, with_messages=messages, who=who, after=place))
    if recent:
        return await _from_recent(hub, feed, wanted, recent, who, messages=messages)
    return EventResponse(hub, feed, Wish(wanted=wanted, with_messages=messages, who=who, after=feed.window.end))


def _place(text: str, field: str) -> Position:
    try:
        return position(text)
    except InvalidInputError as error:
        raise InvalidInputError(error.message, field=field) from error


async def _from_recent(
    hub: Hub, feed: Feed, wanted: EventFilter, limit: int, who: Principal, *, messages: bool
) -> EventResponse:
    def last(journal: Journal) -> tuple[Recent, Mapping[str, str]]:
        recent = journal.recent(limit, wanted)
        return recent, journal.names(recent)

    found, names = await hub.ask(last)
    first = b"".join(frame(event, names, with_message=messages) for event in found.events)
    wish = Wish(wanted=wanted, with_messages=messages, who=who, after=position(found.position))
    return EventResponse(hub, feed, wish, first)
