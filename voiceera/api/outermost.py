"""The outermost layer: a request id in and out, and an answer even to a bug."""

import re
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voiceera import clock, ids
from voiceera.api import envelope
from voiceera.api.http_metrics import HttpMetrics
from voiceera.errors import VoiceEraError
from voiceera.log import get_logger

log = get_logger("api")

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class Outermost:
    """Sets `scope["state"]["request_id"]`; no trace ever leaves, the log keeps it under the request's id."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("x-request-id", "")
        request_id = sent if _ACCEPTED_ID.fullmatch(sent) else str(ids.new_id())
        scope.setdefault("state", {})["request_id"] = request_id
        started = clock.monotonic()
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                for name, value in scope["state"].get("rate_limit", {}).items():
                    headers[name] = value
            await send(message)

        # Who asks is bound once it is known; here, so that it ends with the request.
        with structlog.contextvars.bound_contextvars(request_id=request_id, user_id=None, organization_id=None):
            try:
                await self.app(scope, receive, send_named)
            except Exception as error:
                known = envelope.known(error)
                log.error("request_failed", route=_route(scope), method=scope["method"], **_told(error, known))
                if status:
                    raise
                if known is None:
                    response = envelope.answer(
                        500, "SERVER_001", "Something went wrong on our side.", f"request id {request_id}"
                    )
                else:
                    response = envelope.refusal(known)
                await response(scope, receive, send_named)
            seconds = clock.monotonic() - started
            self.metrics.answered(scope["method"], _route(scope), status, seconds)
            milliseconds = round(seconds * 1000, 1)
            log.debug(
                "request", method=scope["method"], route=_route(scope), status=status, milliseconds=milliseconds
            )


def _told(error: Exception, known: VoiceEraError | None) -> dict[str, Any]:
    """Where a bug stands in the code; of a part that is down, that it is."""
    return {"exc_info": error} if known is None else {"problem": type(error).__name__}


def _route(scope: Scope) -> str:
    """The path as it is declared: what stands in its place may be anything."""
    return getattr(scope.get("route"), "path", None) or "none"
