"""The document that townhall serves, compared with the contract and with what we add to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.contract.facts import PROBLEMS, Facts, beyond, distilled, read, written

from tinytown.bootstrap import Town
from tinytown.config import load_settings
from tinytown.domain.access import Scope
from tinytown.townhall.app import make_app
from tinytown.townhall.context import Context
from tinytown.townhall.pool import TownPool

HERE = Path(__file__).parent
CONTRACT = read(HERE / "townhall_v1.toml")
ADDITIONS = HERE / "additions.toml"
OPEN = {"/health", "/ready", "/v1/webhooks/github"}
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}


def _document(folder: Path, auth: str = "") -> dict[str, Any]:
    (folder / "tinytown.toml").write_text(f'[town]\nname = "shop"\n{auth}', encoding="utf-8")
    settings = load_settings(folder, environ={})
    with_towns = Context(towns=TownPool(lambda: Town(settings, {})), settings=settings)
    return make_app(with_towns).openapi()


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    """The document of a town where nobody is asked who they are."""
    return _document(tmp_path)


@pytest.fixture
def served(document: dict[str, Any]) -> Facts:
    """Its facts, told by the contract's names for schemas."""
    named = frozenset(name.removeprefix("schema ") for name in CONTRACT if name.startswith("schema "))
    return distilled(document, named)


def test_nothing_of_the_contract_is_missing_or_different(served: Facts) -> None:
    assert written(beyond(CONTRACT, served)) == "\n"


def test_bodies_are_open_to_further_fields_but_for_those_that_would_take_more_without_them(
    document: dict[str, Any],
) -> None:
    operations = (operation for methods in document["paths"].values() for operation in methods.values())
    sent = str([operation.get("requestBody") for operation in operations])
    closed = {
        name
        for name, schema in document["components"]["schemas"].items()
        if f"/{name}'" in sent and schema.get("additionalProperties") is False
    }
    assert closed == {"PruneRequest", "ReclaimRequest"}


def test_what_is_served_beyond_the_contract_is_what_the_table_of_additions_says(served: Facts) -> None:
    found = beyond(served, CONTRACT)
    without_problems = {
        section: {name: said for name, said in names.items() if name != PROBLEMS or section.startswith("schema ")}
        for section, names in found.items()
    }
    expected = read(ADDITIONS)
    found = {section: names for section, names in without_problems.items() if names}
    assert written(beyond(found, expected)) == "\n", "served, and not in additions.toml"
    assert written(beyond(expected, found)) == "\n", "in additions.toml, and not served"


def test_a_request_of_the_contract_never_lacks_a_field_of_ours(served: Facts) -> None:
    requests = {name for name in CONTRACT if name.startswith("schema ") and name.endswith("Request")}
    added = beyond({name: served[name] for name in requests}, CONTRACT)
    assert {(s, n) for s, names in added.items() for n, said in names.items() if "required" in said} == set()


def test_which_fields_are_required_is_told_exactly_as_in_the_contract(served: Facts) -> None:
    for section, names in CONTRACT.items():
        for name, said in served[section].items():
            if name in names:
                assert ("required" in said) == ("required" in names[name]), (section, name)
            elif section.startswith("schema ") and "." not in name:  # what is below is ours alone
                assert "required" not in said, (section, name)


def test_every_operation_says_which_problems_it_answers_with(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            wanted = {"default"}
            if path not in OPEN:
                wanted |= {"401", "403", "429", "503", "504"}
            if "requestBody" in operation:
                wanted |= {"400", "404", "409", "413", "415"}
            if "{" in path:
                wanted |= {"400", "404"}
            assert wanted <= set(answers), (method, path)
            for status in wanted - {"503"}:
                assert answers[status]["content"] == PROBLEM, (method, path, status)
            assert all("X-Request-ID" in answer["headers"] for answer in answers.values())


def test_frameworks_own_kind_of_error_is_nowhere(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in str(document)


def test_every_operation_but_the_open_ones_says_which_scope_it_needs(document: dict[str, Any]) -> None:
    scopes = {scope.value for scope in Scope}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path in OPEN:
                assert operation["security"] == []
            else:
                assert operation["x-required-scope"] in scopes, (method, path)
                assert f"`{operation['x-required-scope']}`" in operation["description"]


def test_every_tag_is_explained(document: dict[str, Any]) -> None:
    used = {tag for ops in document["paths"].values() for operation in ops.values() for tag in operation["tags"]}
    assert {tag["name"] for tag in document["tags"]} == used


def test_the_document_is_of_openapi_3_1_with_the_contracts_title_and_version(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert (document["info"]["title"], document["info"]["version"]) == ("Townhall API", "1.0.0")


def test_keys_are_asked_for_when_the_settings_say_so(tmp_path: Path) -> None:
    document = _document(tmp_path, '[townhall.auth]\nmode = "api_key"\n')
    assert set(document["components"]["securitySchemes"]) == {"apiKey", "bearer"}
    assert document["paths"]["/v1/town"]["get"]["security"] == [{"apiKey": []}, {"bearer": []}]
    assert document["paths"]["/health"]["get"]["security"] == []


def test_tokens_are_asked_for_with_the_scope_when_the_settings_say_so(tmp_path: Path) -> None:
    oidc = '[townhall.auth]\nmode = "oidc"\n[townhall.auth.oidc]\nissuer = "https://id.example"\naudience = "town"\n'
    document = _document(tmp_path, oidc)
    scheme = document["components"]["securitySchemes"]["openIdConnect"]
    assert scheme["openIdConnectUrl"] == "https://id.example/.well-known/openid-configuration"
    assert document["paths"]["/v1/agents"]["post"]["security"][0] == {"openIdConnect": ["agent.manage"]}
