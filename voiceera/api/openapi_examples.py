"""Examples for the OpenAPI document: what a request of each kind may look like, and what a refusal looks like."""

from typing import Any

_ID = "01906e3a-7a62-7c3c-9d1a-0242ac120002"
_TIME = "2024-01-29T10:30:00.000Z"
_FLOW = {
    "start": "ask",
    "steps": {
        "ask": {
            "kind": "ask",
            "text": "Hello {{name}}, can you come on Monday?",
            "expect": {"type": "yes_no"},
            "save_as": "coming",
            "next": "bye",
        },
        "bye": {"kind": "end", "text": "Thank you. Goodbye."},
    },
}

REQUESTS: dict[str, dict[str, Any]] = {
    "register": {
        "email": "ann@example.com",
        "password": "correct horse battery staple",
        "first_name": "Ann",
        "last_name": "Lee",
        "organization_name": "Riverside Dental",
    },
    "login": {"email": "ann@example.com", "password": "correct horse battery staple"},
    "create_agent": {"name": "Clara", "language": "en-US", "flow": _FLOW},
    "update_agent": {"greeting_message": "Hello, this is Riverside Dental."},
    "clone_agent": {"name": "Clara in the evening"},
    "create_campaign": {"name": "March", "agent_id": _ID, "phone_numbers": ["+12025550123"]},
    "update_campaign": {"max_concurrent_calls": 5},
    "add_contacts": {"contacts": [{"phone_number": "+12025550123", "name": "Maria", "variables": {"day": "Monday"}}]},
    "add_do_not_call": {"phone_numbers": ["+12025550123"], "reason": "asked by letter"},
    "place_call": {"agent_id": _ID, "to": "+12025550123", "variables": {"name": "Maria"}},
    "set_call_notes": {"notes": "Prefers to be called in the afternoon."},
    "create_integration": {
        "name": "Our line",
        "type": "telephony",
        "provider": "plivo",
        "config": {"caller_ids": ["+12025550100"], "allowed_countries": ["US"]},
        "credentials": {"auth_id": "MAXXXXXXXXXXXXXXXXXX", "auth_token": "your-token"},
    },
    "create_phone_number": {
        "phone_number": "+12025550100",
        "integration_id": _ID,
        "agent_id": _ID,
        "label": "Front desk",
    },
    "create_webhook": {"url": "https://example.com/hooks/voiceera", "events": ["call.ended", "campaign.completed"]},
    "create_api_key": {"name": "Reporting", "scope": "read"},
    "create_invitation": {"email": "bob@example.com", "role": "member"},
}
"""Operation id → a body that it takes."""

_ERRORS: dict[int, tuple[str, str, str | None]] = {
    401: ("AUTH_003", "An access token is needed: Authorization: Bearer …", None),
    403: ("AUTH_004", "You may not do this.", None),
    404: ("AGENT_001", "No such agent.", None),
    409: ("AGENT_002", "An agent named 'Clara' exists.", None),
    413: ("REQUEST_003", "The body is too large.", None),
    415: ("REQUEST_004", "The route does not take this media type.", None),
    422: ("VALIDATION_001", "The request does not fit.", None),
    429: ("RATE_001", "Too many requests.", None),
    500: ("SERVER_001", "Something went wrong on our side.", f"request id {_ID}"),
    503: ("SERVER_001", "The database cannot be reached.", None),
}


def error_example(status: int) -> dict[str, Any]:
    """A refusal with this status, as it comes."""
    code, message, details = _ERRORS[status]
    error: dict[str, Any] = {"code": code, "message": message, "details": details}
    if status == 422:
        error["fields"] = [{"field": "name", "message": "Field required"}]
    return {"success": False, "error": error, "timestamp": _TIME}
