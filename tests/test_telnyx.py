"""What the Telnyx adapter makes of the vendor's answers, each from a real server."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from tests.far_end import far_end
from tests.vendor_end import DIAL, ScriptedVendor, answer
from voiceera.errors import ProviderError
from voiceera.providers.carriers.telnyx import Telnyx, TelnyxCredentials, TelnyxSettings
from voiceera.providers.outbound import allow_list
from voiceera.providers.protocols import EndedAs, Placed, Transfer

CREDENTIALS = TelnyxCredentials(api_key=SecretStr("secret"))
CALLS = "/v2/texml/Accounts/acc-1/Calls"


@asynccontextmanager
async def carrier(*answers: bytes | None) -> AsyncIterator[tuple[Telnyx, ScriptedVendor]]:
    far = ScriptedVendor(list(answers))
    async with far_end(far.serve) as far.port:
        config = {"base_url": f"http://127.0.0.1:{far.port}/v2", "account_sid": "acc-1", "application_sid": "app-1"}
        settings = TelnyxSettings.model_validate(config | {"public_key": "A" * 44})
        near = Telnyx(settings, CREDENTIALS, allow_list(f"127.0.0.1/32:{far.port}"))
        yield near, far
        await near.close()


async def test_a_dial_says_all_that_the_vendor_needs_and_seals_its_urls() -> None:
    async with carrier(answer(200, {"from": DIAL.caller_id, "to": DIAL.to, "status": "queued"})) as (near, far):
        answered = await near.dial(DIAL)
    assert (answered.placed, answered.carrier_call_id) == (Placed.ACCEPTED, None)
    line, headers, body = far.requests[0]
    assert (line, headers["authorization"]) == (f"POST {CALLS}", "Bearer secret")
    sent = json.loads(body)
    assert sent["Url"].startswith(DIAL.answer_url + "?seal=")
    assert sent["StatusCallback"].startswith(DIAL.hangup_url + "?seal=")
    assert (sent["ApplicationSid"], sent["To"], sent["From"]) == ("app-1", DIAL.to, DIAL.caller_id)
    assert (sent["Timeout"], sent["TimeLimit"], sent["StatusCallbackEvent"]) == (30, 300, "ringing completed")


@pytest.mark.parametrize(
    ("reply", "placed", "invalid_number", "fault"),
    [
        (answer(200, {"status": "queued", "sid": "v3:1"}), Placed.ACCEPTED, False, False),
        (answer(422, {"errors": [{"code": "10016", "detail": "not E.164"}]}), Placed.REFUSED, True, False),
        (answer(422, {"errors": [{"code": "10010", "detail": "From"}]}), Placed.REFUSED, False, False),
        (answer(401, {"errors": [{"code": "10009"}]}), Placed.REFUSED, False, True),
        (answer(429), Placed.BUSY_NOW, False, False),
        (answer(500), Placed.UNKNOWN, False, True),
        (answer(200, {}), Placed.UNKNOWN, False, False),
        (None, Placed.UNKNOWN, False, True),
    ],
)
async def test_an_answer_is_taken_for_what_it_proves(
    reply: bytes | None, placed: Placed, invalid_number: bool, fault: bool
) -> None:
    async with carrier(reply) as (near, _):
        answered = await near.dial(DIAL)
    assert (answered.placed, answered.invalid_number, answered.fault) == (placed, invalid_number, fault)


async def test_a_call_is_ended_led_elsewhere_and_pressed_into() -> None:
    ok = answer(200, {})
    async with carrier(ok, answer(404), ok, ok) as (near, far):
        await near.hang_up("v3:1")
        await near.hang_up("v3:1")
        await near.transfer("v3:1", Transfer("+12025550142", "+12025550100", "https://v.example/transfer"))
        await near.send_digits("v3:1", "12#")
    assert [line for line, _, _ in far.requests] == [
        *[f"POST {CALLS}/v3:1"] * 3,
        "POST /v2/calls/v3:1/actions/send_dtmf",
    ]
    assert far.requests[0][2] == b"Status=completed"
    assert json.loads(far.requests[3][2]) == {"digits": "12#"}


async def test_an_attempt_is_found_by_its_numbers_in_whatever_state() -> None:
    def shown(sid: str, status: str, created: str) -> dict[str, Any]:
        return {"sid": sid, "status": status, "to": DIAL.to, "from": DIAL.caller_id, "date_created": created}

    listed = [
        shown("v3:3", "in-progress", "Tue, 24 Nov 2026 10:00:40 +0000"),
        shown("v3:2", "no-answer", "Tue, 24 Nov 2026 10:00:10 +0000"),
        shown("v3:1", "completed", "Tue, 24 Nov 2026 09:00:00 +0000"),
    ]
    async with carrier(answer(200, {"calls": listed})) as (near, _):
        found = await near.find(
            to=DIAL.to,
            caller_id=DIAL.caller_id,
            placed_after=datetime(2026, 11, 24, 10, 0, tzinfo=UTC),
            placed_before=datetime(2026, 11, 24, 10, 1, tzinfo=UTC),
        )
    assert [(call.carrier_call_id, call.live, call.ended_as) for call in found] == [
        ("v3:3", True, None),
        ("v3:2", False, EndedAs.NO_ANSWER),
    ]


async def test_a_look_up_that_fails_is_never_taken_for_nothing_found() -> None:
    async with carrier(answer(500)) as (near, _):
        with pytest.raises(ProviderError, match="500"):
            await near.find(to="+1", caller_id="+1", placed_after=datetime.now(UTC), placed_before=datetime.now(UTC))
