"""What each carrier sends, signed by its vendor's own SDK where there is one: who it is, and how to forge it."""

import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from nacl.signing import SigningKey
from plivo.utils import signature_v3
from twilio.request_validator import RequestValidator

from voiceera.ids import new_secret
from voiceera.providers.carriers.sealed_urls import seal

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
    told: Callable[[str], str] = str
    """A callback's URL as the vendor is told it."""
    is_sealed: bool = False
    """All that proves a request is its URL."""

    def unsigned(self, sent: Sent) -> Sent:
        """As somebody would send it who knows everything but secrets."""
        return Sent(sent.url.partition("?")[0], sent.form, {})


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


def _key(secret: str) -> SigningKey:
    return SigningKey(hashlib.sha256(secret.encode()).digest())


def _telnyx(url: str, form: Mapping[str, str], secret: str) -> Sent:
    timestamp = str(int(time.time()))
    signature = _key(secret).sign(f"{timestamp}|{urlencode(form)}".encode()).signature
    encoded = base64.b64encode(signature).decode()
    return Sent(url, form, {"telnyx-signature-ed25519": encoded, "telnyx-timestamp": timestamp})


def _exotel(url: str, form: Mapping[str, str], secret: str) -> Sent:
    return Sent(seal(url.partition("?")[0], secret), form, {})


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

NOWHERE = "http://127.0.0.1:9/"
"""Where nobody answers, and nobody may ask."""

VENDORS = (
    Vendor("plivo", sign=_plivo, **_PLIVO),  # type: ignore[arg-type]
    Vendor("vobiz", sign=_vobiz, signs_body=False, config={"base_url": NOWHERE}, **_PLIVO),  # type: ignore[arg-type]
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
    Vendor(
        "telnyx",
        credentials={"api_key": SECRET},
        config={
            "account_sid": "ACXX",
            "application_sid": "1",
            "public_key": base64.b64encode(bytes(_key(SECRET).verify_key)).decode(),
        },
        sign=_telnyx,
        told=lambda url: seal(url, SECRET),
        ringing=_PROGRESS | {"CallStatus": "ringing", "SequenceNumber": "0"},
        answered={"CallSid": "CA1", "CallStatus": "in-progress"},
        busy=_PROGRESS | {"CallStatus": "busy", "SequenceNumber": "1"},
        rings_in={"CallSid": "CA2", "CallStatus": "ringing", "Direction": "inbound"},
        hung_up={"CallSid": "CA2", "CallStatus": "completed", "Direction": "inbound", "CallDuration": "7"},
    ),
    Vendor(
        "exotel",
        credentials={"api_key": "key", "api_token": SECRET},
        config={
            "base_url": NOWHERE,
            "account_sid": "acc",
            "flow_url": "http://my.exotel.com/acc/exoml/start_voice/1",
        },
        sign=_exotel,
        told=lambda url: seal(url, SECRET),
        is_sealed=True,
        signs_body=False,
        ringing={"CallSid": "e1", "EventType": "ringing"},
        answered={"CallSid": "e1", "EventType": "answered", "Status": "in-progress"},
        busy={"CallSid": "e1", "EventType": "terminal", "Status": "busy"},
        rings_in={"CallSid": "e2", "Direction": "incoming"},
        hung_up={"CallSid": "e2", "EventType": "terminal", "Status": "completed"},
    ),
)
