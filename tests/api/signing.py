"""What each carrier sends, signed by its vendor's own SDK where there is one: who it is, and how to forge it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from plivo.utils import signature_v3
from twilio.request_validator import RequestValidator

from voiceera.ids import new_secret

SECRET = "the-accounts-own-secret"


@dataclass(frozen=True)
class Sent:
    """One request of a carrier's."""

    url: str
    form: Mapping[str, str]
    headers: Mapping[str, str]


Sign = Callable[[str, Mapping[str, str], str], Sent]
"""(URL, form, secret) → what the vendor would send."""


@dataclass(frozen=True)
class Vendor:
    """How a vendor words the news of one call."""

    name: str
    credentials: Mapping[str, str]
    sign: Sign
    ringing: Mapping[str, str]
    answered: Mapping[str, str]
    busy: Mapping[str, str]
    rings_in: Mapping[str, str]
    """Somebody rings; `From` and `To` are filled in."""
    hung_up: Mapping[str, str]
    """A call that came in is over."""
    plus: str = "+"
    """What numbers begin with."""
    signs_body: bool = True
    config: Mapping[str, Any] = field(default_factory=dict)


def _plivo(url: str, form: Mapping[str, str], secret: str) -> Sent:
    nonce = new_secret()
    base = signature_v3.construct_post_url(url, dict(form)).decode()
    signature = signature_v3.get_signature_v3(secret.encode(), base, nonce.encode()).decode()
    return Sent(url, form, {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": nonce})


def _vobiz(url: str, form: Mapping[str, str], secret: str) -> Sent:
    nonce = new_secret()
    signature = signature_v3.get_signature_v3(secret.encode(), url.partition("?")[0], nonce.encode()).decode()
    return Sent(url, form, {"X-Vobiz-Signature-V3": signature, "X-Vobiz-Signature-V3-Nonce": nonce})


def _twilio(url: str, form: Mapping[str, str], secret: str) -> Sent:
    return Sent(url, form, {"X-Twilio-Signature": RequestValidator(secret).compute_signature(url, dict(form))})


_PLIVO = {
    "credentials": {"auth_id": "MAXX", "auth_token": SECRET},
    "ringing": {"CallUUID": "c-1", "Event": "Ring", "CallStatus": "ringing"},
    "answered": {"CallUUID": "c-1", "Event": "StartApp", "CallStatus": "in-progress"},
    "busy": {"CallUUID": "c-1", "Event": "Hangup", "CallStatus": "busy", "HangupCauseCode": "3010"},
    "rings_in": {"CallUUID": "c-2", "Event": "StartApp", "CallStatus": "ringing", "Direction": "inbound"},
    "hung_up": {"CallUUID": "c-2", "Event": "Hangup", "CallStatus": "completed", "Direction": "inbound"},
    "plus": "",
}
_PROGRESS = {"CallSid": "CA1", "CallbackSource": "call-progress-events"}

VENDORS = (
    Vendor("plivo", sign=_plivo, **_PLIVO),  # type: ignore[arg-type]
    Vendor("vobiz", sign=_vobiz, signs_body=False, **_PLIVO),  # type: ignore[arg-type]
    Vendor(
        "twilio",
        credentials={"account_sid": "ACXX", "auth_token": SECRET},
        sign=_twilio,
        ringing=_PROGRESS | {"CallStatus": "ringing", "SequenceNumber": "0"},
        answered={"CallSid": "CA1", "CallStatus": "in-progress"},
        busy=_PROGRESS | {"CallStatus": "busy", "SequenceNumber": "1"},
        rings_in={"CallSid": "CA2", "CallStatus": "ringing", "Direction": "inbound"},
        hung_up={"CallSid": "CA2", "CallStatus": "completed", "Direction": "inbound", "CallDuration": "7"},
    ),
)
