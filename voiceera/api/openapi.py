"""The OpenAPI document: what FastAPI derives, with every error answer in our envelope."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from voiceera import __version__
from voiceera.api import idempotency
from voiceera.api.openapi_examples import REQUESTS, error_example
from voiceera.api.routing import policies
from voiceera.api.shapes import ErrorAnswer
from voiceera.rules.permissions import Access

TAGS = {
    "Authentication": "Register, sign in, refresh, sign out.",
    "Users": "The people of an organization.",
    "Organization": "The tenant, who is invited into it, and the keys that programs come with.",
    "Agents": "The AI that speaks: its voice, its brain, its flow.",
    "Campaigns": "Many calls to many contacts, inside their hours.",
    "Do Not Call": "Numbers that must not be rung, by anybody or for one campaign.",
    "Calls": "One call, now.",
    "Call Logs": "Every call that was made, with transcript and notes.",
    "Recordings": "What was said, as audio.",
    "Analytics": "What the calls add up to.",
    "Integrations": "Stored credentials for carriers and providers.",
    "Phone Numbers": "Numbers of your own: who answers them, and which calls come from them.",
    "Prompts": "Your own recordings of what agents say, in whatever language.",
    "Prices": "What you pay your vendors, so that calls say what they cost.",
    "Webhooks": "Events, sent to your own server.",
    "Admin": "For the platform's operator.",
    "Health & Status": "Probes, version, documents.",
}

_WORDS = {
    401: "Not signed in, or the token has expired or was revoked.",
    403: "The caller may not do this.",
    404: "Not found, or not the caller's.",
    409: "The state does not allow it, or the name is taken.",
    413: "The body is too large.",
    415: "The media type is not taken.",
    422: "The body or the query does not fit; `error.fields` says where.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    500: "Something went wrong on our side; `details` carries the request id.",
    503: "A part of the platform is down.",
}


_IDEMPOTENCY_KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "Sent again with the same key and body, the request is answered as the first was, for 24 hours, "
    "and does nothing. Another body with the key, or a first request that is still under way, is a 409.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]{1,255}$"},
}


def operation_id(route: APIRoute) -> str:
    return route.name


def install(app: FastAPI) -> None:
    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document: dict[str, Any] = get_openapi(
        title="VoiceERA API",
        version=__version__,
        description="AI phone agents on your own machine: agents, campaigns, calls, recordings.",
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    error = ErrorAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= error.pop("$defs", {})
    schemas["ErrorAnswer"] = error
    asked = policies(app)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            access = asked.get((method.upper(), path), Access.READ)
            for status in _errors(path, method, operation, access):
                if status == 503 and "503" in operation["responses"]:
                    continue  # a probe's own answer: what is down, and why
                operation["responses"][str(status)] = {
                    "description": _WORDS[status],
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/ErrorAnswer"},
                            "example": error_example(status),
                        }
                    },
                }
            _exemplify(operation)
            if method == "post" and access in (Access.WRITE, Access.OWN, Access.ADMIN):
                operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for name, schema in schemas.items():
        if name.endswith("-Input"):
            # Generators name classes by title: what is sent must not be called as what is shown is.
            schema["title"] = name.replace("-", "")
    return document


def _exemplify(operation: dict[str, Any]) -> None:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        kinds = [kind for kind in content["schema"].get("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            # A body that may be left out: null is none.
            content["schema"] = kinds[0]
    if (example := REQUESTS.get(operation["operationId"])) is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = example


def _errors(path: str, method: str, operation: dict[str, Any], access: Access) -> list[int]:
    statuses = [422, 500, 503]
    if path not in ("/health", "/readiness", "/liveness", "/version"):
        statuses.append(429)
    if access is not Access.PUBLIC:
        statuses += [401, 403]
    if path.startswith(("/auth/", "/invitations/accept")):
        statuses.append(401)
    names_rows = path in ("/do-not-call/check", "/do-not-call/export")
    names_rows |= path.startswith("/analytics/") or (method == "post" and access is not Access.PUBLIC)
    if "{" in path or names_rows:
        statuses.append(404)
    if method != "get":
        statuses.append(409)
    if "requestBody" in operation:
        statuses += [413, 415]
    return sorted(set(statuses))
