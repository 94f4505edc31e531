"""Telnyx' TeXML dialect: signatures against the vendor's own SDK; TeXML and callbacks by table."""

import base64
import time
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime

import pytest
from nacl.signing import SigningKey
from telnyx import Telnyx as Sdk

from voiceera.errors import Invalid
from voiceera.lab.telnyx import signatures
from voiceera.providers.carriers import telnyx_wire as wire
from voiceera.providers.carriers.sealed_urls import is_sealed, seal
from voiceera.providers.protocols import CallbackRequest, CarrierEventKind, EndedAs

URL = "https://voice.example.com/carriers/telnyx/o/a/hangup"
KEY = SigningKey(b"k" * 32)
PUBLIC = base64.b64encode(bytes(KEY.verify_key)).decode()
NOW = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
BODY = b"CallSid=v3%3A1&CallStatus=completed"


def signed(body: bytes = BODY, at: datetime = NOW, key: SigningKey = KEY) -> CallbackRequest:
    timestamp = str(int(at.timestamp()))
    signature = base64.b64encode(key.sign(timestamp.encode() + b"|" + body).signature).decode()
    headers = {"Telnyx-Signature-Ed25519": signature, "Telnyx-Timestamp": timestamp}
    return CallbackRequest("POST", URL, headers, {}, body)


def test_what_is_signed_under_the_accounts_key_is_authentic() -> None:
    assert wire.signature_matches(signed(), PUBLIC, NOW)


@pytest.mark.parametrize(("seconds", "is_authentic"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_a_signature_lives_for_five_minutes(seconds: int, is_authentic: bool) -> None:
    sent = signed(at=datetime.fromtimestamp(NOW.timestamp() + seconds, UTC))
    assert wire.signature_matches(sent, PUBLIC, NOW) is is_authentic


def test_nothing_altered_is_authentic() -> None:
    good = signed()
    headers = dict(good.headers)
    other_time = str(int(NOW.timestamp()) + 1)
    altered = {
        "another body": CallbackRequest("POST", URL, headers, {}, BODY + b"&More=1"),
        "another time": CallbackRequest("POST", URL, headers | {"Telnyx-Timestamp": other_time}, {}, BODY),
        "no time": CallbackRequest("POST", URL, {"Telnyx-Signature-Ed25519": headers["Telnyx-Signature-Ed25519"]}),
        "no signature": CallbackRequest("POST", URL, {"Telnyx-Timestamp": headers["Telnyx-Timestamp"]}, {}, BODY),
        "not base64": CallbackRequest("POST", URL, headers | {"Telnyx-Signature-Ed25519": "é"}, {}, BODY),
        "too short": CallbackRequest("POST", URL, headers | {"Telnyx-Signature-Ed25519": "AAAA"}, {}, BODY),
        "a time that is none": CallbackRequest("POST", URL, headers | {"Telnyx-Timestamp": "-1"}, {}, BODY),
        "another's key": signed(key=SigningKey(b"x" * 32)),
    }
    assert [name for name, request in altered.items() if wire.signature_matches(request, PUBLIC, NOW)] == []
    assert not wire.signature_matches(good, "not a key", NOW)
    assert not wire.signature_matches(good, "", NOW)


def test_the_vendors_sdk_takes_what_the_lab_signs_and_so_do_we() -> None:
    """The SDK knows JSON bodies only; what is signed is bytes all the same."""
    body = b'{"data": {"event_type": "call.hangup"}}'
    headers = signatures.signed_headers("lab", body)
    key = signatures.public_key("lab")
    Sdk(api_key="k").webhooks.unwrap(body.decode(), headers=headers, key=key)
    request = CallbackRequest("POST", URL, headers, {}, body)
    assert wire.signature_matches(request, key, datetime.fromtimestamp(time.time(), UTC))


def test_a_seal_is_of_one_path_under_one_secret() -> None:
    sealed = seal(URL, "secret")
    assert is_sealed(sealed, "secret") and is_sealed(sealed + "&more=1", "secret")
    assert not is_sealed(URL, "secret") and not is_sealed(sealed, "another") and not is_sealed(seal(URL, ""), "")
    assert not is_sealed(sealed.replace("/a/", "/b/"), "secret")


def test_the_texml_connects_a_two_way_stream_of_the_lines_format() -> None:
    url = 'wss://media.example.com/media/telnyx/abc.d?x="1"&y=<2>'
    stream = ElementTree.fromstring(wire.stream_xml(url)).find("Connect/Stream")
    assert stream is not None and stream.attrib == {
        "url": url,
        "codec": "PCMU",
        "bidirectionalMode": "rtp",
        "bidirectionalCodec": "PCMU",
    }
    dial = ElementTree.fromstring(wire.transfer_xml("+12025550142", "+12025550100", 30)).find("Dial")
    assert dial is not None and dial.findtext("Number") == "+12025550142"
    reject = ElementTree.fromstring(wire.reject_xml(busy=True)).find("Reject")
    assert reject is not None and reject.attrib == {"reason": "busy"}


PROGRESS = {"CallSid": "v3:1", "CallbackSource": "call-progress-events"}


@pytest.mark.parametrize(
    ("form", "kind", "ended_as"),
    [
        (PROGRESS | {"CallStatus": "ringing"}, CarrierEventKind.RINGING, None),
        (PROGRESS | {"CallStatus": "in-progress"}, CarrierEventKind.ANSWERED, None),
        (PROGRESS | {"CallStatus": "completed"}, CarrierEventKind.ENDED, EndedAs.COMPLETED),
        (PROGRESS | {"CallStatus": "busy"}, CarrierEventKind.ENDED, EndedAs.BUSY),
        (PROGRESS | {"CallStatus": "no-answer"}, CarrierEventKind.ENDED, EndedAs.NO_ANSWER),
        (PROGRESS | {"CallStatus": "canceled"}, CarrierEventKind.ENDED, EndedAs.CANCELED),
        (PROGRESS | {"CallStatus": "failed"}, CarrierEventKind.ENDED, EndedAs.FAILED),
        (PROGRESS | {"CallStatus": "failed", "HangupCause": "not_found"}, CarrierEventKind.ENDED, EndedAs.INVALID),
        ({"CallSid": "v3:1", "CallStatus": "in-progress"}, CarrierEventKind.ANSWERED, None),
    ],
)
def test_what_a_callback_says(form: dict[str, str], kind: CarrierEventKind, ended_as: EndedAs | None) -> None:
    event = wire.event(CallbackRequest("POST", URL, {}, form), CarrierEventKind.ANSWERED)
    assert (event.kind, event.ended_as, event.carrier_call_id) == (kind, ended_as, "v3:1")


def test_a_callback_without_a_call_is_refused() -> None:
    with pytest.raises(Invalid, match="names no call"):
        wire.event(CallbackRequest("POST", URL, {}, {"To": "1"}), CarrierEventKind.RINGING)
