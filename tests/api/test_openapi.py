"""The OpenAPI document, as somebody who generates a client from it needs it."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI

from tests.api.surface import routes
from tests.consequences.table import not_yet, rows
from voiceera.api.openapi_examples import REQUESTS
from voiceera.rules.permissions import Access

UNLISTED = {"/docs", "/redoc", "/openapi.json"}
"""Served, but not part of a document."""


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path.rstrip("/") or "/")


def test_every_row_of_the_contract_is_described_with_its_status_an_answer_and_its_group(
    document: dict[str, Any],
) -> None:
    """What the contract's own check_openapi.py asks, and the group as a tag."""
    served = {(method, shape(path)): operation for method, path, operation in operations(document)}
    short = {}
    for name, row in rows().items():
        operation = served.get((row["method"], shape(row["path"])))
        if row["path"] in UNLISTED or (operation is None and name in not_yet()):
            continue
        answer = (operation or {}).get("responses", {}).get(row["status"])
        if operation is None or answer is None:
            short[name] = "missing" if operation is None else f"no {row['status']} answer"
        elif row["status"] != "204" and not all(
            _has_schema(each) for each in answer.get("content", {"": {}}).values()
        ):
            short[name] = "its answer has no schema"
        elif operation["tags"] != [row["group"]]:
            short[name] = f"tagged {operation['tags']}"
    assert short == {}


def _has_schema(content: dict[str, Any]) -> bool:
    return bool(content.get("schema"))


def test_operation_ids_are_unique_words(document: dict[str, Any]) -> None:
    ids = Counter(operation["operationId"] for _, _, operation in operations(document))
    assert [name for name, times in ids.items() if times > 1 or not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


def test_every_operation_says_what_it_does_and_stands_under_one_known_tag(document: dict[str, Any]) -> None:
    known = {tag["name"] for tag in document["tags"]}
    thin = [
        f"{method} {path}"
        for method, path, operation in operations(document)
        if not operation.get("description")
        or len(operation.get("tags", [])) != 1
        or operation["tags"][0] not in known
    ]
    assert thin == []


def test_every_answer_but_an_empty_one_has_a_schema_and_every_refusal_is_our_envelope(
    document: dict[str, Any],
) -> None:
    thin = []
    for method, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            if path == "/metrics" and status == "200":
                continue  # Prometheus' own text format
            contents = answer.get("content", {})
            if status != "204" and not (contents and all(_has_schema(each) for each in contents.values())):
                thin.append(f"{method} {path} {status}")
            if status >= "400" and status != "503":
                [content] = contents.values()
                if content["schema"] != {"$ref": "#/components/schemas/ErrorAnswer"}:
                    thin.append(f"{method} {path} {status} is no refusal")
    assert thin == []


def test_a_bearer_token_is_asked_for_just_where_the_route_asks_for_one(
    app: FastAPI, document: dict[str, Any]
) -> None:
    access = {(route.method, route.path): route.access for route in routes(app)}
    wrong = []
    for method, path, operation in operations(document):
        schemes = {name for each in operation.get("security", []) for name in each}
        wanted = set() if access[method, path] is Access.PUBLIC else {"bearer"}
        if schemes - {"refresh"} != wanted:
            wrong.append(f"{method} {path}: {schemes}")
    assert wrong == []
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_a_flows_steps_are_one_discriminated_union(document: dict[str, Any]) -> None:
    steps = document["components"]["schemas"]["Flow-Input"]["properties"]["steps"]["additionalProperties"]
    assert steps["discriminator"]["propertyName"] == "kind"
    assert set(steps["discriminator"]["mapping"]) == {"say", "ask", "branch", "tool", "language", "end"}


def test_every_post_that_writes_takes_an_idempotency_key(app: FastAPI, document: dict[str, Any]) -> None:
    writing = {route.path for route in routes(app) if route.method == "POST" and route.access is Access.WRITE}
    taking = {
        path
        for method, path, operation in operations(document)
        if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", []))
    }
    assert writing and writing <= taking


def test_lists_share_their_parameters(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        names = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
        if "cursor" in names:
            assert {"skip", "limit", "sort", "order", "total"} <= names, f"{method} {path}"


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_an_example_fits_the_body_that_it_is_an_example_of(document: dict[str, Any], name: str) -> None:
    by_id = {operation["operationId"]: operation for _, _, operation in operations(document)}
    content = by_id[name]["requestBody"]["content"]["application/json"]
    assert content["example"] == REQUESTS[name]
    schema = {**content["schema"], "components": document["components"]}
    errors = [error.message for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(content["example"])]
    assert errors == []


def test_examples_of_refusals_are_refusals(document: dict[str, Any]) -> None:
    schema = {"$ref": "#/components/schemas/ErrorAnswer", "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema)
    examples = {
        json.dumps(content["example"])
        for _, _, operation in operations(document)
        for answer in operation["responses"].values()
        for content in answer.get("content", {}).values()
        if "success" in content.get("example", {})
    }
    assert len(examples) > 8
    assert [example for example in examples if not validator.is_valid(json.loads(example))] == []


def test_lists_take_every_filter_that_their_rows_have(document: dict[str, Any]) -> None:
    lacking = []
    for method, path, operation in operations(document):
        names = {each["name"] for each in operation.get("parameters", [])}
        if "cursor" not in names:
            continue
        rows_have = _properties_of_items(document, operation)
        wanted: set[str] = {
            name for name in ("status", "agent_id", "campaign_id", "phone_number") if name in rows_have
        }
        wanted |= {"search"} if rows_have & {"name", "description", "first_name"} else set()
        if "created_at" in rows_have and "{date}" not in path:
            wanted |= {"date_from", "date_to", "timezone"}
        lacking += [f"{method} {path} lacks {sorted(wanted - names)}"] if wanted - names else []
    assert lacking == []


def _properties_of_items(document: dict[str, Any], operation: dict[str, Any]) -> set[str]:
    def resolved(schema: dict[str, Any]) -> dict[str, Any]:
        name = schema.get("$ref", "").rpartition("/")[2]
        found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
        return found

    answer = resolved(operation["responses"]["200"]["content"]["application/json"]["schema"])
    page = resolved(answer["properties"]["data"])
    return set(resolved(page["properties"]["items"]["items"])["properties"])
