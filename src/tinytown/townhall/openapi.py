"""The document at `/openapi.json`: FastAPI's, with what it cannot know: scopes, credentials and problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts

from tinytown.config.townhall import AuthSettings
from tinytown.gate.problems import MEDIA_TYPE
from tinytown.schemas.problems import ProblemDetails, WrongField
from tinytown.townhall.context import Needs

VERSION = "1.0.0"
"""Of the contract, not of the program."""
TITLE = "Townhall API"
_ABOUT = (
    "The town over HTTP: its agents, tasks, backlog, messages and missions. Errors are problem documents (RFC 7807);"
    " lists take `limit` and `cursor`. Requests that change something may carry an `Idempotency-Key` (1 to 255 visible"
    " ASCII characters): sent again under it within a day, they are answered as before (`Idempotent-Replayed: true`)"
    " and not carried out again; another request under the same key is 422, one that is still under way 409."
)
TAGS = {
    "Health": "Whether the server lives and can work, and figures for monitoring and scaling.",
    "Town": "The town at a glance.",
    "Agents": "Starting, stopping and looking at agents.",
    "Tasks": "Giving work to agents, and what came of it.",
    "Backlog": "Work that nobody has yet.",
    "Messages": "Words between agents and people.",
    "Recovery": "Agents whose host is gone, and the work they had.",
    "Missions": "Sets of issues and documents on their way to merged pull requests.",
    "Events": "What happens, as it happens.",
}
_WRITING = frozenset({"post", "put", "patch", "delete"})
_REF = "#/components/schemas/"
_TEXT = {"schema": {"type": "string"}}
_SECS = {"schema": {"type": "integer", "minimum": 0}}
_REQUEST_ID = {"X-Request-ID": {"description": "The id of the request, as logs have it.", **_TEXT}}
_RETRY = {"Retry-After": {"description": "Seconds after which to ask again.", **_SECS}}
_CHALLENGE = {"WWW-Authenticate": {"description": "How to be recognised (RFC 6750).", **_TEXT}}

_PROBLEMS = {
    "400": "Something in the request is not valid; `errors` names it",
    "401": "Who asks is not known",
    "403": "A scope is missing, or the caller may not do that",
    "404": "There is no such thing",
    "409": "The state does not allow it; nothing was changed",
    "413": "The body is too large",
    "415": "The body does not say that it is JSON",
    "429": "Too many requests",
    "503": "The store, or what else this needs, cannot be reached just now",
    "504": "It took too long",
    "default": "Anything else that goes wrong",
}
_HEADERS: dict[str, dict[str, Any]] = {"401": _CHALLENGE, "403": _CHALLENGE, "429": _RETRY, "503": _RETRY}


def document(app: FastAPI, auth: AuthSettings) -> dict[str, Any]:
    """The document of the application as it is, with the credentials that the settings ask for."""
    made = get_openapi(
        title=TITLE,
        version=VERSION,
        description=_ABOUT,
        routes=app.routes,
        license_info={"name": "MIT", "identifier": "MIT"},
        separate_input_output_schemas=False,
    )
    scopes = _scopes(iter_route_contexts(app.routes))
    schemes = _schemes(auth)
    used = set()
    for path, method, operation in _operations(made):
        _say_scope(operation, scopes.get((path, method)), schemes)
        _add_problems(method, operation, is_guarded=(path, method) in scopes)
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = _without_null(parameter["schema"])
        used |= set(operation["tags"])
    made["tags"] = [{"name": name, "description": text} for name, text in TAGS.items() if name in used]
    _complete(made, schemes)
    return made


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema: it may be left out, but there is no null in a path, query or header."""
    kept = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(kept) != 1:
        return schema
    return {**kept[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def _scopes(routes: Iterable[RouteContext]) -> dict[tuple[str, str], str]:
    """The scope that each operation needs, as its dependencies have it."""
    found: dict[tuple[str, str], str] = {}
    for route in routes:
        for depends in getattr(route, "dependencies", None) or ():
            if isinstance(depends.dependency, Needs):
                scope = depends.dependency.scope.value
                found |= {(str(route.path_format), method.lower()): scope for method in route.methods or ()}
    return found


def _schemes(auth: AuthSettings) -> dict[str, dict[str, Any]]:
    bearer = {"type": "http", "scheme": "bearer"}
    match auth.mode:
        case "api_key":
            key = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
            return {
                "apiKey": {**key, "description": "A key that `tt auth gen-key` made."},
                "bearer": {**bearer, "description": "The same key as a bearer token."},
            }
        case "oidc":
            url = f"{(auth.oidc.issuer or '').rstrip('/')}/.well-known/openid-configuration"
            return {
                "openIdConnect": {"type": "openIdConnect", "openIdConnectUrl": url},
                "bearer": {**bearer, "bearerFormat": "JWT", "description": "A token of that issuer."},
            }
        case "none":
            return {}


def _say_scope(operation: dict[str, Any], scope: str | None, schemes: dict[str, dict[str, Any]]) -> None:
    if scope is None:
        operation["security"] = []
        return
    operation["x-required-scope"] = scope
    operation["security"] = [{name: [scope] if name == "openIdConnect" else []} for name in schemes]
    about = operation.get("description", "").strip()
    operation["description"] = f"{about}\n\nNeeds the scope `{scope}`.".strip()


def _add_problems(method: str, operation: dict[str, Any], *, is_guarded: bool) -> None:
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for status in _statuses(method, operation, is_guarded=is_guarded):
        _add_problem(responses, status)
    for status, response in responses.items():
        response.setdefault("headers", {}).update(_REQUEST_ID | _HEADERS.get(status, {}))
        content = response.get("content", {})
        if "ProblemDetails" in str(content.get("application/json", "")):
            content[MEDIA_TYPE] = content.pop("application/json")


def _statuses(method: str, operation: dict[str, Any], *, is_guarded: bool) -> Iterator[str]:
    parameters = operation.get("parameters", ())
    has_body = "requestBody" in operation
    has_id = any(one["in"] == "path" for one in parameters)
    if parameters or has_body:
        yield "400"
    if is_guarded:
        yield from ("401", "403", "429", "503", "504")
    if has_id or has_body:
        yield "404"
    if method in _WRITING:
        yield from ("409", "413")
    if has_body:
        yield "415"
    yield "default"


def _add_problem(responses: dict[str, Any], status: str) -> None:
    text = _PROBLEMS.get(status) or HTTPStatus(int(status)).phrase
    response = responses.setdefault(status, {"description": text})
    response.setdefault("content", {MEDIA_TYPE: {"schema": {"$ref": f"{_REF}ProblemDetails"}}})


def _complete(made: dict[str, Any], schemes: dict[str, dict[str, Any]]) -> None:
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for model in (ProblemDetails, WrongField):
        schema = model.model_json_schema(ref_template=f"{_REF}{{model}}")
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    components["schemas"] = dict(sorted(schemas.items()))
    if schemes:
        components["securitySchemes"] = schemes
