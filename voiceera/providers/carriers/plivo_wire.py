"""Plivo's wire, as pure functions: signatures, XML, callbacks, hang-up causes. Vobiz speaks it with small changes.

Sources: Plivo's documentation (voice/concepts/signature-validation, voice/xml/audiostream, voice/xml/request,
voice/troubleshooting/hangup-causes, voice/api/calls) and Vobiz' (concepts/validating-callbacks,
compare/plivo/webhooks).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape, quoteattr

from voiceera.errors import FieldProblem, Invalid
from voiceera.providers.protocols import CallbackRequest, CarrierEvent, CarrierEventKind, EndedAs, RungIn
from voiceera.rules.audio import AudioFormat, Encoding

# ── signatures ───────────────────────────────────────────────────────────────────────────────────────────────────


def signed_with_body(request: CallbackRequest) -> str:
    """What Plivo's V3 signs, before the nonce: the URL with its query sorted, then for a POST the sorted form.

    The odd "?" and "." are the vendor's: a POST with a form gets "?" even without a query, and "." after one.
    """
    url = urlsplit(request.url)
    base = f"{url.scheme}://{url.netloc}{url.path}"
    parameters = list(parse_qsl(url.query, keep_blank_values=True))
    posts = request.method.upper() != "GET"
    if not posts:
        parameters += request.form.items()
    query = "&".join(f"{key}={value}" for key, value in sorted(parameters))
    form = "".join(f"{key}{value}" for key, value in sorted(request.form.items())) if posts else ""
    if query or form:
        base += "?" + query
    if query and form:
        base += "."
    return base + form


def signed_without_body(request: CallbackRequest) -> str:
    """What Vobiz' V3 signs, before the nonce: the URL alone, without its query."""
    url = urlsplit(request.url)
    return f"{url.scheme}://{url.netloc}{url.path}"


def signature(auth_token: str, signed: str, nonce: str) -> str:
    digest = hmac.new(auth_token.encode(), f"{signed}.{nonce}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def signature_matches(request: CallbackRequest, auth_token: str, *, header_prefix: str, signs_body: bool) -> bool:
    """Whether one of the V3 signatures (comma-separated; the main account's in its own header) is ours.

    V2 is not accepted: it covers the URL only, the vendor calls it deprecated, and a forger would choose the weaker.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    nonce = headers.get(f"{header_prefix}-signature-v3-nonce", "")
    if not nonce or not auth_token:
        return False
    signed = signed_with_body(request) if signs_body else signed_without_body(request)
    expected = signature(auth_token, signed, nonce).encode()
    offered = ",".join(headers.get(f"{header_prefix}-signature-{kind}", "") for kind in ("v3", "ma-v3"))
    # Every offer is compared, each in constant time.
    matches = [hmac.compare_digest(offer.strip().encode(), expected) for offer in offered.split(",")]
    return any(matches)


def nonce_hash(request: CallbackRequest, *, header_prefix: str) -> bytes:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return hashlib.sha256(headers.get(f"{header_prefix}-signature-v3-nonce", "").encode()).digest()


# ── XML ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_CONTENT_TYPE = {Encoding.ULAW: "audio/x-mulaw", Encoding.L16: "audio/x-l16"}


def stream_xml(media_url: str, audio_format: AudioFormat, *, maximum_seconds: int = 86_400) -> str:
    """Opens the two-way media socket; `keepCallAlive` makes the call live exactly as long as the stream."""
    content_type = f"{_CONTENT_TYPE[audio_format.encoding]};rate={audio_format.sample_rate}"
    attributes = f'bidirectional="true" keepCallAlive="true" streamTimeout="{maximum_seconds}"'
    stream = f"<Stream {attributes} contentType={quoteattr(content_type)}>{escape(media_url)}</Stream>"
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{stream}</Response>'


def transfer_xml(to: str, caller_id: str, ring_seconds: int) -> str:
    """Rings the other number and connects it; where it does not answer, the call ends (docs: voice/xml/dial)."""
    dial = f'<Dial callerId={quoteattr(caller_id)} timeout="{ring_seconds}"><Number>{escape(to)}</Number></Dial>'
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{dial}</Response>'


HANGUP_XML = '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup/></Response>'


def rejection_xml(*, busy: bool) -> str:
    """Before anything else in the document this is a rejection, which is not charged (docs: voice/xml/hangup)."""
    reason = "busy" if busy else "rejected"
    return f'<?xml version="1.0" encoding="UTF-8"?><Response><Hangup reason="{reason}"/></Response>'


# ── callbacks ────────────────────────────────────────────────────────────────────────────────────────────────────

_EVENTS = {
    "ring": CarrierEventKind.RINGING,
    "ringing": CarrierEventKind.RINGING,
    "startapp": CarrierEventKind.ANSWERED,
    "hangup": CarrierEventKind.ENDED,
}


def event(request: CallbackRequest, kind: CarrierEventKind) -> CarrierEvent:
    """A callback's body. Vobiz may send its ring and hang-up events to the answer URL: the body's own word counts.

    Raises Invalid for a body that names no call.
    """
    form = dict(parse_qsl(urlsplit(request.url).query)) | dict(request.form)
    call_id = form.get("CallUUID") or form.get("RequestUUID")
    if not call_id:
        raise Invalid("The callback names no call.", FieldProblem("CallUUID", "is missing"))
    kind = _EVENTS.get(form.get("Event", "").lower(), kind)
    ended = kind is CarrierEventKind.ENDED
    return CarrierEvent(
        kind=kind,
        carrier_call_id=call_id,
        ended_as=ended_as(form) if ended else None,
        hangup_cause=(form.get("HangupCauseName") or form.get("HangupCause")) if ended else None,
        duration_seconds=_number(form.get("Duration")) if ended else None,
        cost=form.get("TotalCost") or None,
        machine={"true": True, "false": False}.get(form.get("Machine", "").lower()),
    )


def rung_in(request: CallbackRequest) -> RungIn:
    """Raises Invalid for a body that names no call, or not who rings whom."""
    form = dict(parse_qsl(urlsplit(request.url).query)) | dict(request.form)
    missing = [name for name in ("CallUUID", "To", "From") if not form.get(name)]
    if missing:
        raise Invalid("The callback names no call.", *(FieldProblem(name, "is missing") for name in missing))
    person = form["From"].removeprefix("+")
    return RungIn(form["CallUUID"], f"+{form['To'].removeprefix('+')}", f"+{person}" if person.isdecimal() else None)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


# Plivo's own codes first: they are the most exact.
_BY_CODE = {
    "1000": EndedAs.CANCELED,
    "1010": EndedAs.FAILED,
    "1020": EndedAs.FAILED,
    "2000": EndedAs.INVALID,
    "2010": EndedAs.FAILED,
    "3000": EndedAs.NO_ANSWER,
    "3010": EndedAs.BUSY,
    "3020": EndedAs.BUSY,
    "4000": EndedAs.COMPLETED,
    "4010": EndedAs.COMPLETED,
    "6000": EndedAs.NO_ANSWER,
    "6010": EndedAs.NO_ANSWER,
    "6020": EndedAs.COMPLETED,
}
# The telephone network's (ITU-T Q.850, by FreeSWITCH's names).
_BY_CAUSE = {
    "NORMAL_CLEARING": EndedAs.COMPLETED,
    "USER_BUSY": EndedAs.BUSY,
    "CALL_REJECTED": EndedAs.BUSY,
    "NO_ANSWER": EndedAs.NO_ANSWER,
    "NO_USER_RESPONSE": EndedAs.NO_ANSWER,
    "SUBSCRIBER_ABSENT": EndedAs.NO_ANSWER,
    "ALLOTTED_TIMEOUT": EndedAs.NO_ANSWER,
    "PROGRESS_TIMEOUT": EndedAs.NO_ANSWER,
    "ORIGINATOR_CANCEL": EndedAs.CANCELED,
    "LOSE_RACE": EndedAs.CANCELED,
    "UNALLOCATED_NUMBER": EndedAs.INVALID,
    "INVALID_NUMBER_FORMAT": EndedAs.INVALID,
    "NUMBER_CHANGED": EndedAs.INVALID,
    "NO_ROUTE_DESTINATION": EndedAs.FAILED,
}
_BY_STATUS = {
    "completed": EndedAs.COMPLETED,
    "busy": EndedAs.BUSY,
    "no-answer": EndedAs.NO_ANSWER,
    "timeout": EndedAs.NO_ANSWER,
    "cancel": EndedAs.CANCELED,
    "canceled": EndedAs.CANCELED,
    "failed": EndedAs.FAILED,
}


def ended_as(form: Mapping[str, str]) -> EndedAs:
    """How a call ended, from a hang-up callback or a finished call's record. Unknown words: failed."""
    status = (form.get("CallStatus") or form.get("call_status") or "").lower()
    if status == "completed" or form.get("call_state") == "ANSWER":
        return EndedAs.COMPLETED
    code = str(form.get("HangupCauseCode") or form.get("hangup_cause_code") or "")
    cause = (form.get("HangupCause") or form.get("hangup_cause_name") or "").upper().replace(" ", "_")
    return _BY_CODE.get(code) or _BY_CAUSE.get(cause) or _BY_STATUS.get(status) or EndedAs.FAILED
