"""What the adapter makes of a carrier's answers, each from a real server: a misreading would ring somebody twice."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr, TypeAdapter

from tests.far_end import far_end
from tests.vendor_end import DIAL, ScriptedVendor, answer
from voiceera.errors import Invalid, ProviderError
from voiceera.providers.carriers.plivo import Plivo, PlivoCredentials, PlivoSettings, Vobiz
from voiceera.providers.outbound import allow_list
from voiceera.providers.protocols import EndedAs, Placed, Transfer
from voiceera.providers.registry import Kind, carrier_factory, load, names

CREDENTIALS = PlivoCredentials(auth_id="MAXXXX", auth_token=SecretStr("secret"))


@asynccontextmanager
async def carrier(*answers: bytes | None, vendor: type[Plivo] = Plivo) -> AsyncIterator[tuple[Plivo, ScriptedVendor]]:
    far = ScriptedVendor(list(answers))
    async with far_end(far.serve) as far.port:
        settings = vendor.Settings.model_validate({"base_url": f"http://127.0.0.1:{far.port}/v1"})
        near = vendor(settings, CREDENTIALS, allow_list(f"127.0.0.1/32:{far.port}"))
        yield near, far
        await near.close()


async def test_a_dial_says_all_that_the_vendor_needs() -> None:
    async with carrier(answer(201, {"request_uuid": "u-1", "message": "call fired"})) as (near, far):
        answered = await near.dial(DIAL)
    assert (answered.placed, answered.carrier_call_id) == (Placed.ACCEPTED, "u-1")
    line, headers, body = far.requests[0]
    assert line == "POST /v1/Account/MAXXXX/Call/"
    assert headers["authorization"] == "Basic " + base64.b64encode(b"MAXXXX:secret").decode()
    sent = json.loads(body)
    assert (sent["from"], sent["to"], sent["ring_timeout"], sent["time_limit"]) == (
        "12025550100",
        "12025550123",
        30,
        300,
    )
    assert [sent["answer_url"], sent["ring_url"], sent["hangup_url"]] == [
        DIAL.answer_url, DIAL.ringing_url, DIAL.hangup_url
    ]  # fmt: skip


async def test_vobiz_signs_in_by_its_own_headers() -> None:
    async with carrier(answer(201, {"request_uuid": "u-1"}), vendor=Vobiz) as (near, far):
        assert (await near.dial(DIAL)).placed is Placed.ACCEPTED
    assert (far.requests[0][1]["x-auth-id"], far.requests[0][1]["x-auth-token"]) == ("MAXXXX", "secret")


@pytest.mark.parametrize(
    ("reply", "placed", "invalid_number", "permanent"),
    [
        (answer(400, {"error": "12025550123 is not a valid phone number"}), Placed.REFUSED, True, True),
        (answer(404, {"error": "destination does not exist"}), Placed.REFUSED, True, True),
        (answer(400, {"error": "from parameter is not your number"}), Placed.REFUSED, False, True),
        (answer(400, {"error": "answer_url is missing"}), Placed.REFUSED, False, True),
        (answer(401, {"error": "sign in"}), Placed.REFUSED, False, True),
        (answer(403), Placed.REFUSED, False, True),
        (answer(302, None, Location="http://10.0.0.1/"), Placed.REFUSED, False, True),
        (answer(429, {"error": "slow down"}, Retry_After="7"), Placed.BUSY_NOW, False, False),
        (answer(503), Placed.BUSY_NOW, False, False),
        (answer(500, {"error": "oops"}), Placed.UNKNOWN, False, False),
        (answer(502), Placed.UNKNOWN, False, False),
        (answer(504), Placed.UNKNOWN, False, False),
        (answer(408), Placed.UNKNOWN, False, False),
        (answer(200), Placed.UNKNOWN, False, False),
        (answer(201, {"message": "call fired"}), Placed.UNKNOWN, False, False),
        (answer(201, ["u-1"]), Placed.UNKNOWN, False, False),
        (b"HTTP/1.1 201 X\r\nContent-Length: 99\r\n\r\n{", Placed.UNKNOWN, False, False),
        (b"what is this\r\n\r\n", Placed.UNKNOWN, False, False),
        (b"", Placed.UNKNOWN, False, False),
        (None, Placed.UNKNOWN, False, False),
    ],
)
async def test_an_answer_is_taken_for_what_it_proves(
    reply: bytes | None, placed: Placed, invalid_number: bool, permanent: bool
) -> None:
    async with carrier(reply) as (near, _):
        answered = await near.dial(DIAL)
    assert (answered.placed, answered.invalid_number, answered.permanent) == (placed, invalid_number, permanent)


async def test_retry_after_is_passed_on() -> None:
    async with carrier(answer(429, None, Retry_After="7")) as (near, _):
        assert (await near.dial(DIAL)).retry_after_seconds == 7


async def test_a_refused_connection_placed_nothing() -> None:
    async with carrier() as (near, far):
        pass
    near = Plivo(
        PlivoSettings.model_validate({"base_url": f"http://127.0.0.1:{far.port}/v1"}),
        CREDENTIALS,
        allow_list(f"127.0.0.1/32:{far.port}"),
    )
    assert (await near.dial(DIAL)).placed is Placed.BUSY_NOW
    await near.close()


async def test_an_inside_address_is_refused_without_a_request() -> None:
    near = Plivo(PlivoSettings.model_validate({"base_url": "http://127.0.0.1:9/v1"}), CREDENTIALS)
    answered = await near.dial(DIAL)
    assert (answered.placed, answered.permanent) == (Placed.REFUSED, True)
    with pytest.raises(Invalid):
        await near.hang_up("u-1")
    await near.close()


async def test_a_call_that_is_over_is_hung_up_without_complaint() -> None:
    async with carrier(answer(404), answer(404)) as (near, far):
        await near.hang_up("u-1")
    assert [request[0] for request in far.requests] == [
        "DELETE /v1/Account/MAXXXX/Call/u-1/",
        "DELETE /v1/Account/MAXXXX/Request/u-1/",
    ]


async def test_hanging_up_says_when_the_carrier_fails() -> None:
    async with carrier(answer(500), None) as (near, _):
        with pytest.raises(ProviderError, match="500"):
            await near.hang_up("u-1")
        with pytest.raises(ProviderError, match="no answer"):
            await near.hang_up("u-1")


async def test_an_attempt_is_found_among_queued_live_and_finished() -> None:
    def finished(uuid: str, to: str, at: str, **more: Any) -> dict[str, Any]:
        return {"call_uuid": uuid, "from_number": "12025550100", "to_number": to, "initiation_time": at, **more}

    replies = (
        answer(200, {"calls": []}),
        answer(200, {"calls": ["u-1", "u-2"]}),
        answer(200, {"from": "12025550100", "to": "12025550123", "session_start": "2026-11-24 10:00:01.5"}),
        answer(404),
        answer(
            200,
            {
                "objects": [
                    finished("u-3", "12025550123", "2026-11-24 15:30:02+05:30", hangup_cause_code=3010),
                    finished("u-4", "12025550123", "2026-11-24 09:00:00+00:00"),
                    finished("u-5", "12025550199", "2026-11-24 10:00:02+00:00"),
                ]
            },
        ),
    )
    async with carrier(*replies) as (near, far):
        found = await near.find(
            to="+12025550123",
            caller_id="+12025550100",
            placed_after=datetime(2026, 11, 24, 10, 0, tzinfo=UTC),
            placed_before=datetime(2026, 11, 24, 10, 1, tzinfo=UTC),
        )
    assert [(call.carrier_call_id, call.live, call.ended_as) for call in found] == [
        ("u-1", True, None),
        ("u-3", False, EndedAs.BUSY),
    ]
    assert "from_number=12025550100&to_number=12025550123" in far.requests[-1][0]


async def test_a_look_up_that_fails_is_never_taken_for_nothing_found() -> None:
    async with carrier(answer(200, {"calls": []}), answer(500)) as (near, _):
        with pytest.raises(ProviderError, match="500"):
            await near.find(
                to="+1202", caller_id="+1", placed_after=datetime.now(UTC), placed_before=datetime.now(UTC)
            )


def test_the_registry_knows_the_carriers_and_draws_their_forms() -> None:
    assert names(Kind.CARRIER) == ["exotel", "plivo", "scripted", "telnyx", "twilio", "vobiz"]
    factory = carrier_factory("plivo")
    assert "base_url" in TypeAdapter(factory.Settings).json_schema()["properties"]
    assert TypeAdapter(factory.Credentials).json_schema()["required"] == ["auth_id", "auth_token"]
    with pytest.raises(Invalid, match="there are: exotel"):
        load(Kind.CARRIER, "bell")


async def test_a_call_is_handed_over_by_having_the_vendor_fetch_what_to_do() -> None:
    async with carrier(answer(202, {"message": "call transferred"})) as (near, far):
        await near.transfer("c-1", Transfer("+12025550177", "+12025550100", "https://v.example/transfer/12025550177"))
    line, _, body = far.requests[0]
    assert line == "POST /v1/Account/MAXXXX/Call/c-1/"
    assert json.loads(body) == {
        "legs": "aleg",
        "aleg_url": "https://v.example/transfer/12025550177",
        "aleg_method": "POST",
    }


async def test_keys_are_pressed_into_a_call() -> None:
    async with carrier(answer(202, {"message": "digits sent"})) as (near, far):
        await near.send_digits("c-1", "12#")
    line, _, body = far.requests[0]
    assert line == "POST /v1/Account/MAXXXX/Call/c-1/DTMF/"
    assert json.loads(body) == {"digits": "12#", "leg": "aleg"}


@pytest.mark.parametrize("status", [401, 404, 500])
async def test_a_transfer_that_the_vendor_refuses_is_an_error(status: int) -> None:
    async with carrier(answer(status, {"error": "no"})) as (near, _far):
        with pytest.raises(ProviderError):
            await near.transfer("c-1", Transfer("+12025550177", "+12025550100", "https://v.example/"))
