"""Telnyx' TeXML wire, as pure functions: signatures, TeXML, callbacks.

Sources: Telnyx' documentation (development/api-fundamentals/webhooks, voice/texml/rest-api/calls, the TeXML verbs
Stream, Dial, Reject; api-reference/callbacks/texml-call-…). TeXML is close to TwiML, and is not the same.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape, quoteattr

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from voiceera.errors import FieldProblem, Invalid
from voiceera.providers.protocols import CallbackRequest, CarrierEvent, CarrierEventKind, EndedAs, RungIn

SIGNATURE, TIMESTAMP = "telnyx-signature-ed25519", "telnyx-timestamp"
TOLERANCE = timedelta(minutes=5)
_E164 = re.compile(r"\+[1-9]\d{6,14}")

# ── signatures ───────────────────────────────────────────────────────────────────────────────────────────────────


def signature_matches(request: CallbackRequest, public_key: str, now: datetime) -> bool:
    """Ed25519 of "timestamp|body" under the account's key, made within five minutes of now. The URL is not in it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    timestamp = headers.get(TIMESTAMP, "")
    if not timestamp.isdecimal() or abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        return False
    try:
        signature = base64.b64decode(headers.get(SIGNATURE, ""), validate=True)
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(signature, f"{timestamp}|".encode() + request.body)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def signature_hash(request: CallbackRequest) -> bytes:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return sha256(headers.get(SIGNATURE, "").encode()).digest()


# ── TeXML ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _response(inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'


def stream_xml(media_url: str) -> str:
    """`Connect` makes the call wait for the socket's end; `rtp` has it play what we send as it comes."""
    codec = 'codec="PCMU" bidirectionalMode="rtp" bidirectionalCodec="PCMU"'
    return _response(f"<Connect><Stream url={quoteattr(media_url)} {codec}/></Connect>")


def transfer_xml(to: str, caller_id: str, ring_seconds: int) -> str:
    """Rings the other number and connects it; where it does not answer, the call ends."""
    dial = f'<Dial callerId={quoteattr(caller_id)} timeout="{ring_seconds}"><Number>{escape(to)}</Number></Dial>'
    return _response(dial)


HANGUP_XML = _response("<Hangup/>")


def reject_xml(*, busy: bool) -> str:
    return _response(f'<Reject reason="{"busy" if busy else "rejected"}"/>')


# ── callbacks ────────────────────────────────────────────────────────────────────────────────────────────────────

ENDED: dict[str, EndedAs] = {
    "completed": EndedAs.COMPLETED,
    "busy": EndedAs.BUSY,
    "no-answer": EndedAs.NO_ANSWER,
    "failed": EndedAs.FAILED,
    "canceled": EndedAs.CANCELED,
}
_CAUSES = {"not_found": EndedAs.INVALID, "unallocated_number": EndedAs.INVALID, "invalid_number": EndedAs.INVALID}


def _form(request: CallbackRequest) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.url).query)) | dict(request.form)


def event(request: CallbackRequest, kind: CarrierEventKind) -> CarrierEvent:
    """All changes of a call come to one URL: the body's own status counts. Raises Invalid for one without a call."""
    form = _form(request)
    if not (call_id := form.get("CallSid")):
        raise Invalid("The callback names no call.", FieldProblem("CallSid", "is missing"))
    status = form.get("CallStatus", "").lower()
    if (ended := ENDED.get(status)) is not None:
        kind = CarrierEventKind.ENDED
        ended = _CAUSES.get(form.get("HangupCause", "").lower(), ended) if ended is EndedAs.FAILED else ended
    elif form.get("CallbackSource") == "call-progress-events":
        kind = CarrierEventKind.ANSWERED if status == "in-progress" else CarrierEventKind.RINGING
    answered_by = form.get("AnsweredBy", "")
    return CarrierEvent(
        kind=kind,
        carrier_call_id=call_id,
        ended_as=ended,
        hangup_cause=_cause(form) if ended else None,
        duration_seconds=_number(form.get("CallDuration")) if ended else None,
        machine=None if answered_by in ("", "not_sure") else answered_by.startswith("machine"),
    )


def rung_in(request: CallbackRequest) -> RungIn:
    """Raises Invalid for a body that names no call, or not who rings whom."""
    form = _form(request)
    missing = [name for name in ("CallSid", "To", "From") if not form.get(name)]
    if missing:
        raise Invalid("The callback names no call.", *(FieldProblem(name, "is missing") for name in missing))
    return RungIn(form["CallSid"], form["To"], form["From"] if _E164.fullmatch(form["From"]) else None)


def _cause(form: Mapping[str, str]) -> str:
    return form.get("HangupCause") or form["CallStatus"]


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
