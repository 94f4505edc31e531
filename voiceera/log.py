"""Structured logs: one JSON object a line, or aligned text on a terminal.

Speech, phone numbers and secrets travel in named fields, and the fields named here are cut before anything is
written: a transcript never reaches a log line.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

PRIVATE_FIELDS = frozenset(
    {"text", "transcript", "prompt", "said", "heard", "greeting", "digits", "variables"}
    | {"phone", "phone_number", "to", "number", "email"}
    | {"password", "token", "secret", "authorization", "credentials", "auth_token", "api_key"}
)
_MEDIA_TOKEN = re.compile(r"/media/\S+")
_PHONE = re.compile(r"\+\d{6,15}")


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut what is private: fields by name, media tokens and E.164 numbers wherever they stand in a string."""
    for key, value in event.items():
        if key in PRIVATE_FIELDS:
            event[key] = "[redacted]"
        elif isinstance(value, str):
            event[key] = _PHONE.sub("[number]", _MEDIA_TOKEN.sub("/media/[token]", value))
    return event


def configure(role: str, level: str = "INFO", *, as_json: bool | None = None) -> None:
    """Send this process's logs to standard error, each line naming its `role`."""
    if as_json is None:
        as_json = not sys.stderr.isatty()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(role=role)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)


def get_logger(component: str) -> Any:
    """A logger whose lines carry `component`; `log.info("call_ended", call_id=…, cause=…)`."""
    return structlog.get_logger().bind(component=component)
