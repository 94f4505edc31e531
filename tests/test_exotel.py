"""Exotel: what the adapter makes of the vendor's answers, each from a real server; what its requests say."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from pydantic import SecretStr

from tests.far_end import far_end
from tests.vendor_end import DIAL, ScriptedVendor, answer
from voiceera.errors import Invalid, ProviderError
from voiceera.providers.carriers import exotel_wire as wire
from voiceera.providers.carriers.exotel import Exotel, ExotelCredentials, ExotelSettings
from voiceera.providers.outbound import allow_list
from voiceera.providers.protocols import CallbackRequest, CarrierEventKind, EndedAs, Placed

CREDENTIALS = ExotelCredentials(api_key="key", api_token=SecretStr("secret"))
FLOW = "http://my.exotel.com/acc/exoml/start_voice/1"
URL = "https://v.example/carriers/exotel/o/inbound/answer"
NOW = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)


@asynccontextmanager
async def carrier(*answers: bytes | None) -> AsyncIterator[tuple[Exotel, ScriptedVendor]]:
    far = ScriptedVendor(list(answers))
    async with far_end(far.serve) as far.port:
        config = {"base_url": f"http://127.0.0.1:{far.port}/v1", "account_sid": "acc", "flow_url": FLOW}
        near = Exotel(ExotelSettings.model_validate(config), CREDENTIALS, allow_list(f"127.0.0.1/32:{far.port}"))
        yield near, far
        await near.close()


async def test_a_dial_leads_to_the_flow_and_carries_our_reference_sealed() -> None:
    async with carrier(answer(200, {"Call": {"Sid": "e1", "Status": "in-progress"}})) as (near, far):
        answered = await near.dial(DIAL)
        line, _, body = far.requests[0]
        sent = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        asked = CallbackRequest(
            "GET", f"{URL}?{urlencode({'CallSid': 'e1', 'CustomField': sent['CustomField']})}", {}
        )
        assert near.reference(asked) == DIAL.reference
        forged = sent["CustomField"].replace(DIAL.reference, "r-2")
        for field in ("", DIAL.reference, forged, f"{DIAL.reference}."):
            url = f"{URL}?{urlencode({'CallSid': 'e1', 'CustomField': field})}"
            assert near.reference(CallbackRequest("GET", url, {})) is None
    assert (answered.placed, answered.carrier_call_id) == (Placed.ACCEPTED, "e1")
    assert line == "POST /v1/Accounts/acc/Calls/connect.json"
    assert (sent["From"], sent["CallerId"], sent["Url"]) == (DIAL.to, DIAL.caller_id, FLOW)
    assert sent["StatusCallback"].startswith(DIAL.hangup_url + "?seal=")


@pytest.mark.parametrize(
    ("reply", "placed", "invalid_number"),
    [
        (answer(400, {"RestException": {"Message": "From is not a valid phone number"}}), Placed.REFUSED, True),
        (answer(400, {"RestException": {"Message": "CallerId is not yours"}}), Placed.REFUSED, False),
        (answer(401), Placed.REFUSED, False),
        (answer(429), Placed.BUSY_NOW, False),
        (answer(500), Placed.UNKNOWN, False),
        (answer(200, {}), Placed.UNKNOWN, False),
        (None, Placed.UNKNOWN, False),
    ],
)
async def test_an_answer_is_taken_for_what_it_proves(
    reply: bytes | None, placed: Placed, invalid_number: bool
) -> None:
    async with carrier(reply) as (near, _):
        answered = await near.dial(DIAL)
    assert (answered.placed, answered.invalid_number) == (placed, invalid_number)


async def find(near: Exotel, name: str | None) -> list[tuple[str, bool, EndedAs | None]]:
    found = await near.find(
        to="+919876543210",
        caller_id="+918011112222",
        placed_after=datetime(2026, 11, 24, 10, 0, tzinfo=UTC),
        placed_before=datetime(2026, 11, 24, 10, 1, tzinfo=UTC),
        carrier_call_id=name,
    )
    return [(call.carrier_call_id, call.live, call.ended_as) for call in found]


async def test_a_call_is_looked_up_by_its_name_or_among_the_finished() -> None:
    def shown(sid: str, status: str, **more: Any) -> dict[str, Any]:
        numbers = {"From": "09876543210", "To": "08011112222", "PhoneNumberSid": "08011112222"}
        return {"Sid": sid, "Status": status, "DateCreated": "2026-11-24 15:30:10"} | numbers | more

    live = answer(200, {"Call": shown("e1", "in-progress")})
    listed = answer(200, {"Calls": [shown("e2", "busy"), shown("e3", "completed", From="09999999999")]})
    async with carrier(live, answer(404), listed) as (near, far):
        assert await find(near, "e1") == [("e1", True, None)]
        assert await find(near, "e1") == []
        assert await find(near, None) == [("e2", False, EndedAs.BUSY)]
    span = "gte%3A2026-11-24+15%3A30%3A00%3Blte%3A2026-11-24+15%3A31%3A01"
    assert span in far.requests[2][0]


async def test_what_the_vendor_cannot_do_is_said_without_asking_it() -> None:
    async with carrier() as (near, far):
        for refused in (near.hang_up("e1"), near.send_digits("e1", "1")):
            with pytest.raises(ProviderError) as error:
                await refused
            assert error.value.permanent
    assert far.requests == []


async def test_only_a_sealed_url_is_authentic() -> None:
    async with carrier() as (near, _):
        sealed = near.shared_url(URL)
        assert near.is_authentic(CallbackRequest("GET", sealed + "&CallSid=e1", {}), NOW)
        assert not near.is_authentic(CallbackRequest("GET", URL + "?CallSid=e1", {}), NOW)
        assert not near.is_authentic(CallbackRequest("GET", sealed.replace("/o/", "/p/"), {}), NOW)


@pytest.mark.parametrize(
    ("said", "kind", "ended_as"),
    [
        ({"EventType": "answered", "Status": "in-progress"}, CarrierEventKind.ANSWERED, None),
        ({"EventType": "terminal", "Status": "completed"}, CarrierEventKind.ENDED, EndedAs.COMPLETED),
        ({"EventType": "terminal", "Status": "no-answer"}, CarrierEventKind.ENDED, EndedAs.NO_ANSWER),
        ({"EventType": "terminal", "Status": "a new word"}, CarrierEventKind.ENDED, EndedAs.FAILED),
        ({"Status": "busy"}, CarrierEventKind.ENDED, EndedAs.BUSY),
    ],
)
def test_a_status_callback_is_read_as_json_and_as_a_form(
    said: dict[str, str], kind: CarrierEventKind, ended_as: EndedAs | None
) -> None:
    said = {"CallSid": "e1"} | said
    as_json = CallbackRequest("POST", URL, {}, {}, json.dumps(said | {"Legs": []}).encode())
    for request in (as_json, CallbackRequest("POST", URL, {}, said)):
        event = wire.event(request, CarrierEventKind.RINGING)
        assert (event.kind, event.ended_as, event.carrier_call_id) == (kind, ended_as, "e1")


def test_a_callback_that_is_none_is_refused() -> None:
    for body in (b"{", b"{}"):
        with pytest.raises(Invalid):
            wire.event(CallbackRequest("POST", URL, {}, {}, body), CarrierEventKind.RINGING)


def test_who_rings_whom_is_read_from_national_numbers() -> None:
    settings = ExotelSettings.model_validate({"account_sid": "acc", "flow_url": FLOW})
    near = Exotel(settings, CREDENTIALS)
    url = f"{URL}?{urlencode({'CallSid': 'e2', 'CallFrom': '09876543210', 'CallTo': '08047112233'})}"
    rung_in = near.rung_in(CallbackRequest("GET", url, {}))
    assert (rung_in.number, rung_in.person) == ("+918047112233", "+919876543210")
