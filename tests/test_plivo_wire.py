"""Plivo's dialect against the vendor's own SDK: signatures and XML; callbacks and causes by table."""

import xml.etree.ElementTree as ElementTree

import pytest
from plivo.utils import signature_v3
from plivo.xml import ResponseElement, StreamElement

from voiceera.errors import Invalid
from voiceera.providers.carriers import plivo_wire as wire
from voiceera.providers.protocols import CallbackRequest, CarrierEventKind, EndedAs
from voiceera.rules.audio import L16_16K, ULAW_8K, AudioFormat

TOKEN = "a-token-of-the-account"
URL = "https://voice.example.com/carriers/plivo/o/a/hangup"
FORM = {"CallUUID": "c-1", "To": "12025550123", "CallerName": "Ada & Söhne", "Empty": "", "A": "+1 x=y"}


def signed_by_vendor(
    method: str, url: str, form: dict[str, str], nonce: str = "12345678901234567890"
) -> CallbackRequest:
    """A request as the SDK's own code would sign it."""
    if method == "GET":
        base = signature_v3.construct_get_url(url, dict(form)).decode()
    else:
        base = signature_v3.construct_post_url(url, dict(form)).decode()
    signature = signature_v3.get_signature_v3(TOKEN.encode(), base, nonce.encode()).decode()
    headers = {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": nonce}
    return CallbackRequest(method, url, headers, form)


def is_authentic(request: CallbackRequest, token: str = TOKEN) -> bool:
    return wire.signature_matches(request, token, header_prefix="x-plivo", signs_body=True)


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("url", [URL, URL + "?b=2&a=1", URL + "?a=1&empty=", URL + "?a=hello%20world"])
@pytest.mark.parametrize("form", [{}, FORM])
def test_what_the_vendor_signs_is_authentic(method: str, url: str, form: dict[str, str]) -> None:
    assert is_authentic(signed_by_vendor(method, url, form))


def test_our_signature_passes_the_vendors_own_check() -> None:
    request = CallbackRequest("POST", URL, {}, FORM)
    ours = wire.signature(TOKEN, wire.signed_with_body(request), "42")
    assert signature_v3.validate_v3_signature("POST", URL, "42", TOKEN, ours, dict(FORM))


def test_nothing_altered_is_authentic() -> None:
    good = signed_by_vendor("POST", URL, FORM)
    signature = good.headers["X-Plivo-Signature-V3"]
    nonce = good.headers["X-Plivo-Signature-V3-Nonce"]
    altered = {
        "another body": CallbackRequest("POST", URL, good.headers, FORM | {"To": "12025550199"}),
        "a parameter more": CallbackRequest("POST", URL, good.headers, FORM | {"New": "1"}),
        "another path": CallbackRequest("POST", URL.replace("/a/", "/b/"), good.headers, FORM),
        "another host": CallbackRequest("POST", URL.replace("voice.", "evil."), good.headers, FORM),
        "another method": CallbackRequest("GET", URL, good.headers, FORM),
        "another nonce": CallbackRequest("POST", URL, dict(good.headers) | {"X-Plivo-Signature-V3-Nonce": "1"}, FORM),
        "no nonce": CallbackRequest("POST", URL, {"X-Plivo-Signature-V3": signature}, FORM),
        "no signature": CallbackRequest("POST", URL, {"X-Plivo-Signature-V3-Nonce": nonce}, FORM),
        "an empty signature": CallbackRequest("POST", URL, dict(good.headers) | {"X-Plivo-Signature-V3": ""}, FORM),
        "not base64": CallbackRequest("POST", URL, dict(good.headers) | {"X-Plivo-Signature-V3": "é,ü"}, FORM),
        "the old scheme only": CallbackRequest(
            "POST", URL, {"X-Plivo-Signature-V2": signature, "X-Plivo-Signature-V2-Nonce": nonce}, FORM
        ),
    }
    assert [name for name, request in altered.items() if is_authentic(request)] == []
    assert not is_authentic(good, token="another")
    assert not is_authentic(good, token="")


def test_one_of_several_signatures_is_enough_and_headers_have_no_case() -> None:
    good = signed_by_vendor("POST", URL, FORM)
    signature, nonce = good.headers["X-Plivo-Signature-V3"], good.headers["X-Plivo-Signature-V3-Nonce"]
    several = {"x-plivo-signature-v3": f"AAAA=,{signature},BBBB=", "x-plivo-signature-v3-nonce": nonce}
    main_account = {"X-Plivo-Signature-Ma-V3": signature, "X-Plivo-Signature-V3-Nonce": nonce}
    assert is_authentic(CallbackRequest("POST", URL, several, FORM))
    assert is_authentic(CallbackRequest("POST", URL, main_account, FORM))


def test_vobiz_signs_the_url_alone() -> None:
    request = CallbackRequest("POST", URL + "?a=1", {}, FORM)
    headers = {
        "X-Vobiz-Signature-V3": wire.signature(TOKEN, URL, "7"),
        "X-Vobiz-Signature-V3-Nonce": "7",
    }
    signed = CallbackRequest("POST", request.url, headers, FORM)
    assert wire.signature_matches(signed, TOKEN, header_prefix="x-vobiz", signs_body=False)
    assert not wire.signature_matches(signed, TOKEN, header_prefix="x-plivo", signs_body=False)


@pytest.mark.parametrize(
    ("audio_format", "content_type"), [(L16_16K, "audio/x-l16;rate=16000"), (ULAW_8K, "audio/x-mulaw;rate=8000")]
)
def test_the_stream_xml_is_what_the_vendors_builder_makes(audio_format: AudioFormat, content_type: str) -> None:
    url = "wss://media.example.com/media/plivo/abc.d?x=1&y=<2>"
    theirs = ResponseElement().add(
        StreamElement(url, bidirectional=True, keepCallAlive=True, streamTimeout=86400, contentType=content_type)
    )
    expected = ElementTree.fromstring(theirs.to_string())
    made = ElementTree.fromstring(wire.stream_xml(url, audio_format))
    assert ElementTree.canonicalize(ElementTree.tostring(made), strip_text=True) == ElementTree.canonicalize(
        ElementTree.tostring(expected), strip_text=True
    )


@pytest.mark.parametrize(
    ("form", "ended_as"),
    [
        ({"CallStatus": "completed", "HangupCause": "NORMAL_CLEARING"}, EndedAs.COMPLETED),
        ({"CallStatus": "completed", "HangupCauseCode": "3010"}, EndedAs.COMPLETED),
        ({"CallStatus": "busy", "HangupCause": "USER_BUSY", "HangupCauseCode": "3010"}, EndedAs.BUSY),
        ({"CallStatus": "busy"}, EndedAs.BUSY),
        ({"CallStatus": "no-answer", "HangupCause": "NO_ANSWER"}, EndedAs.NO_ANSWER),
        ({"CallStatus": "timeout", "HangupCauseCode": "6000"}, EndedAs.NO_ANSWER),
        # a finished call's record has no status of that kind
        ({"hangup_cause_code": "6010", "hangup_cause_name": "Ring Timeout Reached"}, EndedAs.NO_ANSWER),
        ({"hangup_cause_code": "3000", "hangup_cause_name": "No Answer", "call_state": "HANGUP"}, EndedAs.NO_ANSWER),
        ({"hangup_cause_code": "6000", "call_state": "ANSWER"}, EndedAs.COMPLETED),
        ({"CallStatus": "failed", "HangupCauseCode": "2000"}, EndedAs.INVALID),
        ({"CallStatus": "failed", "HangupCause": "UNALLOCATED_NUMBER"}, EndedAs.INVALID),
        ({"CallStatus": "failed", "HangupCause": "Invalid number format"}, EndedAs.INVALID),
        ({"CallStatus": "failed", "HangupCause": "NETWORK_OUT_OF_ORDER"}, EndedAs.FAILED),
        ({"CallStatus": "cancel", "HangupCause": "ORIGINATOR_CANCEL"}, EndedAs.CANCELED),
        ({"CallStatus": "a new word", "HangupCause": "ANOTHER"}, EndedAs.FAILED),
        ({}, EndedAs.FAILED),
    ],
)
def test_how_a_call_ended(form: dict[str, str], ended_as: EndedAs) -> None:
    assert wire.ended_as(form) is ended_as


def test_a_hangup_callback_is_read() -> None:
    form = {
        "CallUUID": "c-1",
        "CallStatus": "completed",
        "HangupCause": "NORMAL_CLEARING",
        "HangupCauseName": "Normal Hangup",
        "HangupCauseCode": "4000",
        "Duration": "31",
        "TotalCost": "0.00750",
        "Machine": "false",
    }
    event = wire.event(CallbackRequest("POST", URL, {}, form), CarrierEventKind.ENDED)
    assert (event.kind, event.carrier_call_id, event.ended_as) == (CarrierEventKind.ENDED, "c-1", EndedAs.COMPLETED)
    assert (event.hangup_cause, event.duration_seconds, event.cost) == ("Normal Hangup", 31.0, "0.00750")
    assert event.machine is False


def test_a_hangup_event_sent_to_the_answer_url_is_a_hangup() -> None:
    form = {"CallUUID": "c-1", "Event": "Hangup", "CallStatus": "busy"}
    event = wire.event(CallbackRequest("POST", URL, {}, form), CarrierEventKind.ANSWERED)
    assert (event.kind, event.ended_as) == (CarrierEventKind.ENDED, EndedAs.BUSY)


def test_a_callback_without_a_call_is_refused() -> None:
    with pytest.raises(Invalid, match="names no call"):
        wire.event(CallbackRequest("POST", URL, {}, {"To": "1"}), CarrierEventKind.RINGING)
