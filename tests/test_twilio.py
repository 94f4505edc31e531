"""What the Twilio adapter makes of the vendor's answers, each from a real server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from tests.far_end import far_end
from tests.vendor_end import DIAL, ScriptedVendor, answer
from voiceera.errors import ProviderError
from voiceera.providers.carriers.twilio import Twilio, TwilioCredentials, TwilioSettings
from voiceera.providers.outbound import allow_list
from voiceera.providers.protocols import EndedAs, Placed, Transfer

CREDENTIALS = TwilioCredentials(account_sid="ACXX", auth_token=SecretStr("secret"))
TRANSFER = Transfer("+12025550142", "+12025550100", "https://v.example/transfer")


@asynccontextmanager
async def carrier(*answers: bytes | None) -> AsyncIterator[tuple[Twilio, ScriptedVendor]]:
    far = ScriptedVendor(list(answers))
    async with far_end(far.serve) as far.port:
        settings = TwilioSettings.model_validate({"base_url": f"http://127.0.0.1:{far.port}/2010-04-01"})
        near = Twilio(settings, CREDENTIALS, allow_list(f"127.0.0.1/32:{far.port}"))
        yield near, far
        await near.close()


async def test_a_dial_says_all_that_the_vendor_needs() -> None:
    async with carrier(answer(201, {"sid": "CA1", "status": "queued"})) as (near, far):
        answered = await near.dial(DIAL)
    assert (answered.placed, answered.carrier_call_id) == (Placed.ACCEPTED, "CA1")
    line, _, body = far.requests[0]
    assert line == "POST /2010-04-01/Accounts/ACXX/Calls.json"
    assert parse_qs(body.decode()) == {
        "To": [DIAL.to],
        "From": [DIAL.caller_id],
        "Url": [DIAL.answer_url],
        "Method": ["POST"],
        "StatusCallback": [DIAL.hangup_url],
        "StatusCallbackMethod": ["POST"],
        "StatusCallbackEvent": ["ringing", "completed"],
        "Timeout": ["30"],
        "TimeLimit": ["300"],
    }


@pytest.mark.parametrize(
    ("reply", "placed", "invalid_number", "fault"),
    [
        (answer(400, {"code": 21211, "message": "not a phone number"}), Placed.REFUSED, True, False),
        (answer(400, {"code": 21214, "message": "cannot be reached"}), Placed.REFUSED, True, False),
        (answer(400, {"code": 21215, "message": "no permission for the country"}), Placed.REFUSED, False, False),
        (answer(400, {"code": 21212, "message": "From is not valid"}), Placed.REFUSED, False, False),
        (answer(401, {"code": 20003, "message": "Authenticate"}), Placed.REFUSED, False, True),
        (answer(429, {"code": 20429, "message": "Too many requests"}), Placed.BUSY_NOW, False, False),
        (answer(503), Placed.BUSY_NOW, False, False),
        (answer(500), Placed.UNKNOWN, False, True),
        (answer(201, {"status": "queued"}), Placed.UNKNOWN, False, False),
        (None, Placed.UNKNOWN, False, True),
    ],
)
async def test_an_answer_is_taken_for_what_it_proves(
    reply: bytes | None, placed: Placed, invalid_number: bool, fault: bool
) -> None:
    async with carrier(reply) as (near, _):
        answered = await near.dial(DIAL)
    assert (answered.placed, answered.invalid_number, answered.fault) == (placed, invalid_number, fault)


async def test_a_call_is_ended_and_led_elsewhere() -> None:
    async with carrier(answer(200, {}), answer(404), answer(200, {})) as (near, far):
        await near.hang_up("CA1")
        await near.hang_up("CA1")
        await near.transfer("CA1", TRANSFER)
    assert {line for line, _, _ in far.requests} == {"POST /2010-04-01/Accounts/ACXX/Calls/CA1.json"}
    bodies = [parse_qs(body.decode()) for _, _, body in far.requests]
    assert bodies[0] == {"Status": ["completed"]}
    assert "<Number>+12025550142</Number>" in bodies[2]["Twiml"][0]


async def test_what_the_vendor_refuses_is_said() -> None:
    async with carrier(answer(404), answer(500)) as (near, _):
        with pytest.raises(ProviderError, match="404"):
            await near.transfer("CA1", TRANSFER)
        with pytest.raises(ProviderError, match="500"):
            await near.hang_up("CA1")


def shown(sid: str, status: str, created: str) -> dict[str, Any]:
    return {"sid": sid, "status": status, "to": DIAL.to, "from": DIAL.caller_id, "date_created": created}


async def test_an_attempt_is_found_by_its_numbers_in_whatever_state() -> None:
    listed = [
        shown("CA4", "queued", "Tue, 24 Nov 2026 10:02:00 +0000"),
        shown("CA3", "in-progress", "Tue, 24 Nov 2026 10:00:40 +0000"),
        shown("CA2", "busy", "Tue, 24 Nov 2026 10:00:10 +0000"),
        shown("CA1", "completed", "Tue, 24 Nov 2026 09:00:00 +0000"),
    ]
    async with carrier(answer(200, {"calls": listed})) as (near, far):
        found = await near.find(
            to=DIAL.to,
            caller_id=DIAL.caller_id,
            placed_after=datetime(2026, 11, 24, 10, 0, tzinfo=UTC),
            placed_before=datetime(2026, 11, 24, 10, 1, tzinfo=UTC),
        )
    assert [(call.carrier_call_id, call.live, call.ended_as) for call in found] == [
        ("CA3", True, None),
        ("CA2", False, EndedAs.BUSY),
    ]
    assert "To=%2B12025550123&From=%2B12025550100" in far.requests[0][0]


async def test_a_look_up_that_fails_is_never_taken_for_nothing_found() -> None:
    async with carrier(answer(500)) as (near, _):
        with pytest.raises(ProviderError, match="500"):
            await near.find(to="+1", caller_id="+1", placed_after=datetime.now(UTC), placed_before=datetime.now(UTC))
