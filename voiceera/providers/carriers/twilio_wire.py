"""Twilio's wire, as pure functions: signatures, TwiML, callbacks.

Sources: Twilio's documentation (usage/security, voice/twiml/stream, voice/twiml/dial, voice/twiml/reject,
voice/api/call-resource).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape, quoteattr

from voiceera.errors import FieldProblem, Invalid
from voiceera.providers.protocols import CallbackRequest, CarrierEvent, CarrierEventKind, EndedAs, RungIn

SIGNATURE = "x-twilio-signature"
_E164 = re.compile(r"\+[1-9]\d{6,14}")
"""Who withholds a number has a word in its place ("anonymous")."""

# ── signatures ───────────────────────────────────────────────────────────────────────────────────────────────────


def signature(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """HMAC-SHA1 of the URL with every parameter of the form behind it, names sorted, name and value run together."""
    signed = url + "".join(f"{name}{value}" for name, value in sorted(form.items()))
    return base64.b64encode(hmac.digest(auth_token.encode(), signed.encode(), hashlib.sha1)).decode()


def signature_matches(request: CallbackRequest, auth_token: str) -> bool:
    """The vendor signs the URL with or without its port, depending on who asks: both are tried."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    offered = headers.get(SIGNATURE, "").encode()
    if not offered or not auth_token:
        return False
    form = request.form if request.method.upper() == "POST" else {}
    matches = [
        hmac.compare_digest(offered, signature(auth_token, url, form).encode()) for url in _spellings(request.url)
    ]
    return any(matches)


def signature_hash(request: CallbackRequest) -> bytes:
    """There is neither nonce nor time, but no two events of a call are alike: they are numbered and dated."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return hashlib.sha256(headers.get(SIGNATURE, "").encode()).digest()


def _spellings(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    bare, full = parts._replace(netloc=host).geturl(), parts._replace(netloc=f"{host}:{port}").geturl()
    return bare, full


# ── TwiML ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _response(inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'


def stream_xml(media_url: str) -> str:
    """`Connect` makes it two-way, and the call waits for the socket's end; nothing follows, so that it ends, too."""
    return _response(f"<Connect><Stream url={quoteattr(media_url)}/></Connect>")


def transfer_xml(to: str, caller_id: str, ring_seconds: int) -> str:
    """Rings the other number and connects it; where it does not answer, the call ends."""
    dial = f'<Dial callerId={quoteattr(caller_id)} timeout="{ring_seconds}"><Number>{escape(to)}</Number></Dial>'
    return _response(dial)


HANGUP_XML = _response("<Hangup/>")


def reject_xml(*, busy: bool) -> str:
    """Turns a call away before it is answered, which costs nobody anything."""
    return _response(f'<Reject reason="{"busy" if busy else "rejected"}"/>')


# ── callbacks ────────────────────────────────────────────────────────────────────────────────────────────────────

ENDED: dict[str, EndedAs] = {
    "completed": EndedAs.COMPLETED,
    "busy": EndedAs.BUSY,
    "no-answer": EndedAs.NO_ANSWER,
    "failed": EndedAs.FAILED,
    "canceled": EndedAs.CANCELED,
}
_INVALID_SIP = frozenset({"404", "410", "484", "604"})
"""SIP's words for a number that does not exist (RFC 3261; RFC 3398 maps ISUP's "unallocated" to 404)."""


def event(request: CallbackRequest, kind: CarrierEventKind) -> CarrierEvent:
    """All changes of a call come to one URL, in no sure order: the body's own status counts.

    Raises Invalid for a body that names no call.
    """
    form = dict(parse_qsl(urlsplit(request.url).query)) | dict(request.form)
    if not (call_id := form.get("CallSid")):
        raise Invalid("The callback names no call.", FieldProblem("CallSid", "is missing"))
    status = form.get("CallStatus", "").lower()
    if (ended := ENDED.get(status)) is not None:
        kind = CarrierEventKind.ENDED
    elif form.get("CallbackSource") == "call-progress-events":
        kind = CarrierEventKind.ANSWERED if status == "in-progress" else CarrierEventKind.RINGING
    if ended is EndedAs.FAILED and form.get("SipResponseCode") in _INVALID_SIP:
        ended = EndedAs.INVALID
    answered_by = form.get("AnsweredBy", "")
    return CarrierEvent(
        kind=kind,
        carrier_call_id=call_id,
        ended_as=ended,
        hangup_cause=_cause(form) if ended else None,
        duration_seconds=_number(form.get("CallDuration")) if ended else None,
        machine=None if answered_by in ("", "unknown") else answered_by != "human",
    )


def rung_in(request: CallbackRequest) -> RungIn:
    """Raises Invalid for a body that names no call, or not who rings whom."""
    form = dict(parse_qsl(urlsplit(request.url).query)) | dict(request.form)
    missing = [name for name in ("CallSid", "To", "From") if not form.get(name)]
    if missing:
        raise Invalid("The callback names no call.", *(FieldProblem(name, "is missing") for name in missing))
    return RungIn(form["CallSid"], form["To"], form["From"] if _E164.fullmatch(form["From"]) else None)


def _cause(form: Mapping[str, str]) -> str:
    code = form.get("SipResponseCode")
    return f"{form['CallStatus']} (SIP {code})" if code else form["CallStatus"]


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
