"""Exotel's wire, as pure functions: what it asks and tells, the documents that answer it.

Sources: Exotel's documentation (docs/voice-v1/api-reference/status-callback and call-details,
docs/agentstream/stream-voicebot-applet). Exotel signs nothing: its requests come to URLs that carry a seal of ours.
"""

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from voiceera.errors import FieldProblem, Invalid
from voiceera.providers.protocols import CallbackRequest, CarrierEvent, CarrierEventKind, EndedAs
from voiceera.rules.phones import NotANumber, to_e164

IST = timezone(timedelta(hours=5, minutes=30))
"""The vendor's times are Indian ones, and say no zone."""
LIVE = frozenset({"queued", "ringing", "in-progress"})
ENDED: dict[str, EndedAs] = {
    "completed": EndedAs.COMPLETED,
    "busy": EndedAs.BUSY,
    "no-answer": EndedAs.NO_ANSWER,
    "failed": EndedAs.FAILED,
    "canceled": EndedAs.CANCELED,
}


def told(request: CallbackRequest) -> dict[str, str]:
    """What a request says: in its query (applets), its form or its JSON body (status callbacks)."""
    said = dict(parse_qsl(urlsplit(request.url).query)) | dict(request.form)
    if request.body.startswith(b"{"):
        try:
            body = json.loads(request.body)
        except ValueError as error:
            raise Invalid("The callback is no JSON.", FieldProblem("body", "is no JSON")) from error
        said |= {name: str(value) for name, value in body.items() if isinstance(value, str | int | float)}
    return said


def event(request: CallbackRequest, kind: CarrierEventKind) -> CarrierEvent:
    """Raises Invalid for a body that names no call."""
    said = told(request)
    if not (call_id := said.get("CallSid")):
        raise Invalid("The callback names no call.", FieldProblem("CallSid", "is missing"))
    status = said.get("Status", "").lower()
    ended = ENDED.get(status)
    if said.get("EventType") == "answered":
        kind, ended = CarrierEventKind.ANSWERED, None
    elif ended is not None or said.get("EventType") == "terminal":
        kind, ended = CarrierEventKind.ENDED, ended or EndedAs.FAILED
    return CarrierEvent(kind=kind, carrier_call_id=call_id, ended_as=ended, hangup_cause=status or None)


def fingerprint(request: CallbackRequest) -> bytes:
    """There is no nonce, but no two events of a call are alike."""
    return sha256(request.url.encode() + b"\0" + request.body).digest()


def number(text: object, region: str) -> str | None:
    """E.164, of the many ways in which the vendor writes numbers; None: it is none."""
    try:
        return to_e164(str(text), region)
    except NotANumber:
        return None


def time(text: object) -> datetime | None:
    """ "2017-03-03 10:48:33", in India."""
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=IST).astimezone(UTC)
    except ValueError:
        return None


def written_time(instant: datetime) -> str:
    return f"{instant.astimezone(IST):%Y-%m-%d %H:%M:%S}"


def stream_document(media_url: str) -> str:
    """What the Voicebot applet expects of the URL that it asks."""
    return json.dumps({"url": media_url})


NO_STREAM = json.dumps({})
"""The applet gives up, and the flow goes on with what follows it: let that be a hang-up."""


def call_in(body: dict[str, Any]) -> dict[str, Any]:
    shown = body.get("Call")
    return shown if isinstance(shown, dict) else {}
