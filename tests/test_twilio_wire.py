"""Twilio's dialect against the vendor's own SDK: signatures and TwiML; callbacks by table."""

import xml.etree.ElementTree as ElementTree

import pytest
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Connect, Dial, VoiceResponse

from voiceera.errors import Invalid
from voiceera.providers.carriers import twilio_wire as wire
from voiceera.providers.protocols import CallbackRequest, CarrierEventKind, EndedAs

TOKEN = "a-token-of-the-account"
URL = "https://voice.example.com/carriers/twilio/o/a/hangup"
FORM = {"CallSid": "CA1", "To": "+12025550123", "CallerName": "Ada & Söhne", "Empty": "", "A": "+1 x=y"}


def signed_by_vendor(url: str, form: dict[str, str], told_url: str = "", method: str = "POST") -> CallbackRequest:
    """A request as the SDK's own code would sign it; `told_url`: as we were asked, if it differs."""
    signature = RequestValidator(TOKEN).compute_signature(url, form if method == "POST" else {})
    return CallbackRequest(method, told_url or url, {"X-Twilio-Signature": signature}, form)


@pytest.mark.parametrize("url", [URL, URL + "?b=2&a=1", URL + "?a=hello%20world"])
@pytest.mark.parametrize("form", [{}, FORM])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_the_vendor_signs_is_authentic(url: str, form: dict[str, str], method: str) -> None:
    assert wire.signature_matches(signed_by_vendor(url, form, method=method), TOKEN)


def test_a_port_in_the_signed_url_does_not_matter() -> None:
    with_port = URL.replace("example.com", "example.com:443")
    assert wire.signature_matches(signed_by_vendor(with_port, FORM, told_url=URL), TOKEN)
    assert wire.signature_matches(signed_by_vendor(URL, FORM, told_url=with_port), TOKEN)
    assert not wire.signature_matches(signed_by_vendor(URL.replace(".com", ".com:8443"), FORM, told_url=URL), TOKEN)


def test_our_signature_passes_the_vendors_own_check() -> None:
    assert RequestValidator(TOKEN).validate(URL, FORM, wire.signature(TOKEN, URL, FORM))


def test_nothing_altered_is_authentic() -> None:
    good = signed_by_vendor(URL, FORM)
    altered = {
        "another body": CallbackRequest("POST", URL, good.headers, FORM | {"To": "+12025550199"}),
        "a parameter more": CallbackRequest("POST", URL, good.headers, FORM | {"New": "1"}),
        "a parameter less": CallbackRequest("POST", URL, good.headers, {"CallSid": "CA1"}),
        "another path": CallbackRequest("POST", URL.replace("/a/", "/b/"), good.headers, FORM),
        "another host": CallbackRequest("POST", URL.replace("voice.", "evil."), good.headers, FORM),
        "no signature": CallbackRequest("POST", URL, {}, FORM),
        "an empty signature": CallbackRequest("POST", URL, {"X-Twilio-Signature": ""}, FORM),
        "not base64": CallbackRequest("POST", URL, {"X-Twilio-Signature": "é,ü"}, FORM),
    }
    assert [name for name, request in altered.items() if wire.signature_matches(request, TOKEN)] == []
    assert not wire.signature_matches(good, "another")
    assert not wire.signature_matches(good, "")


def canonical(xml: str) -> str:
    return ElementTree.canonicalize(xml, strip_text=True)


def test_the_twiml_is_what_the_vendors_builder_makes() -> None:
    url = 'wss://media.example.com/media/twilio/abc.d?x="1"&y=<2>'
    theirs = VoiceResponse()
    theirs.append(_connected(url))
    assert canonical(wire.stream_xml(url)) == canonical(str(theirs))

    theirs = VoiceResponse()
    dial = Dial(caller_id="+12025550100", timeout=30)
    dial.number("+12025550142")
    theirs.append(dial)
    assert canonical(wire.transfer_xml("+12025550142", "+12025550100", 30)) == canonical(str(theirs))

    theirs = VoiceResponse()
    theirs.hangup()
    assert canonical(wire.HANGUP_XML) == canonical(str(theirs))

    theirs = VoiceResponse()
    theirs.reject(reason="busy")
    assert canonical(wire.reject_xml(busy=True)) == canonical(str(theirs))


def _connected(url: str) -> Connect:
    connect = Connect()
    connect.stream(url=url)
    return connect


PROGRESS = {"CallSid": "CA1", "CallbackSource": "call-progress-events"}


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
        (PROGRESS | {"CallStatus": "failed", "SipResponseCode": "503"}, CarrierEventKind.ENDED, EndedAs.FAILED),
        (PROGRESS | {"CallStatus": "failed", "SipResponseCode": "404"}, CarrierEventKind.ENDED, EndedAs.INVALID),
        ({"CallSid": "CA1", "CallStatus": "in-progress"}, CarrierEventKind.ANSWERED, None),
        ({"CallSid": "CA1", "CallStatus": "completed"}, CarrierEventKind.ENDED, EndedAs.COMPLETED),
    ],
)
def test_what_a_callback_says(form: dict[str, str], kind: CarrierEventKind, ended_as: EndedAs | None) -> None:
    event = wire.event(CallbackRequest("POST", URL, {}, form), CarrierEventKind.ANSWERED)
    assert (event.kind, event.ended_as, event.carrier_call_id) == (kind, ended_as, "CA1")


def test_the_end_says_how_long_and_why() -> None:
    form = PROGRESS | {
        "CallStatus": "completed",
        "CallDuration": "31",
        "SipResponseCode": "200",
        "AnsweredBy": "human",
    }
    event = wire.event(CallbackRequest("POST", URL, {}, form), CarrierEventKind.ENDED)
    assert (event.duration_seconds, event.hangup_cause, event.machine) == (31.0, "completed (SIP 200)", False)


def test_a_callback_without_a_call_is_refused() -> None:
    with pytest.raises(Invalid, match="names no call"):
        wire.event(CallbackRequest("POST", URL, {}, {"To": "1"}), CarrierEventKind.RINGING)
