"""Carrier callbacks through the real application: only what the carrier signed changes anything."""

from dataclasses import dataclass
from uuid import UUID, uuid4
from xml.etree import ElementTree

import httpx
import pytest
from fastapi import FastAPI
from plivo.utils import signature_v3

from tests.world import NOON, World, make_world, number
from voiceera.config import Settings
from voiceera.ids import new_id, new_secret
from voiceera.services import calls
from voiceera.store import integrations
from voiceera.store.base import Database
from voiceera.store.vault import Vault

PUBLIC = "https://voice.example.com"
TOKEN = "the-accounts-own-token"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_url": PUBLIC})


@dataclass
class Far:
    """The carrier's end: sends what its vendor would, signed with the vendor's own code."""

    client: httpx.AsyncClient
    world: World
    attempt_id: UUID

    def path(self, kind: str, *, organization: UUID | None = None, carrier: str = "plivo") -> str:
        return f"/carriers/{carrier}/{organization or self.world.organization_id}/{self.attempt_id}/{kind}"

    async def send(self, kind: str, form: dict[str, str], token: str = TOKEN, path: str = "") -> httpx.Response:
        path = path or self.path(kind)
        base = signature_v3.construct_post_url(PUBLIC + path, dict(form)).decode()
        nonce = new_secret()
        signature = signature_v3.get_signature_v3(token.encode(), base, nonce.encode()).decode()
        headers = {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": nonce}
        return await self.client.post(path, data=form, headers=headers)

    async def state(self) -> str:
        return str(await self.world.value("SELECT state FROM attempts WHERE id = :id", id=self.attempt_id))


RING = {"CallUUID": "c-1", "Event": "Ring", "CallStatus": "ringing"}
ANSWER = {"CallUUID": "c-1", "Event": "StartApp", "CallStatus": "in-progress"}
HANGUP = {"CallUUID": "c-1", "Event": "Hangup", "CallStatus": "busy", "HangupCauseCode": "3010"}


@pytest.fixture
async def far(app: FastAPI, anyone: httpx.AsyncClient, database: Database, settings: Settings) -> Far:
    world = await make_world(database)
    async with database.organization(world.organization_id) as connection:
        await integrations.add(
            connection,
            Vault.load(settings),
            world.organization_id,
            new_id(),
            name="carrier",
            type_="telephony",
            provider="plivo",
            config={"caller_ids": [world.caller_id], "allowed_countries": ["US"], "wideband_prefixes": ["+1202"]},
            credentials={"auth_id": "MAXX", "auth_token": TOKEN},
            created_by=None,
            now=NOON,
        )
        to = number(1)
        attempt_id = await calls.place(connection, world.organization_id, agent_id=world.agent_id, to=to, now=NOON)
    await world.rows("UPDATE attempts SET state = 'dialing' WHERE id = :id RETURNING id", id=attempt_id)
    async with database.platform() as connection:
        await connection.exec_driver_sql("UPDATE media_nodes SET seen_at = now()")
    return Far(anyone, world, attempt_id)


async def test_it_rings(far: Far) -> None:
    assert (await far.send("ringing", RING)).status_code == 200
    assert await far.state() == "ringing"


async def test_an_answer_is_led_to_a_media_socket_in_the_numbers_own_format(far: Far) -> None:
    response = await far.send("answer", ANSWER)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/xml")
    stream = ElementTree.fromstring(response.text).find("Stream")
    assert stream is not None and stream.text is not None
    assert stream.attrib["contentType"] == "audio/x-l16;rate=16000"
    assert stream.text.startswith(f"ws://127.0.0.1:8001/media/plivo/{far.world.organization_id.hex}.")
    assert await far.state() == "in_progress"


async def test_without_a_media_process_the_call_is_hung_up(far: Far) -> None:
    async with far.world.database.platform() as connection:
        await connection.exec_driver_sql("DELETE FROM media_nodes")
    assert ElementTree.fromstring((await far.send("answer", ANSWER)).text).find("Hangup") is not None


async def test_a_hangup_ends_the_attempt_and_a_second_one_changes_nothing(far: Far) -> None:
    assert (await far.send("hangup", HANGUP)).status_code == 200
    assert await far.state() == "ended"
    assert (await far.send("hangup", HANGUP | {"CallStatus": "completed"})).status_code == 200
    assert await far.world.value("SELECT outcome FROM attempts WHERE id = :id", id=far.attempt_id) == "busy"


async def test_a_hangup_told_at_the_answer_url_ends_the_attempt_too(far: Far) -> None:
    assert (await far.send("answer", HANGUP)).status_code == 200
    assert await far.state() == "ended"


async def test_what_the_carrier_did_not_sign_changes_nothing(far: Far) -> None:
    unsigned = await far.client.post(far.path("hangup"), data=HANGUP)
    forged = await far.send("hangup", HANGUP, token="another-token")
    elsewhere = await far.send("hangup", HANGUP, path=far.path("hangup", organization=uuid4()))
    other_carrier = await far.send("hangup", HANGUP, path=far.path("hangup", carrier="vobiz"))
    moved = await far.client.post(
        far.path("hangup"), data=HANGUP, headers=(await far.send("ringing", RING)).request.headers
    )
    assert {response.status_code for response in (unsigned, forged, elsewhere, other_carrier, moved)} == {403}
    assert {response.content for response in (unsigned, forged, elsewhere, other_carrier, moved)} == {b""}
    assert await far.state() == "ringing"


async def test_a_signed_callback_for_an_attempt_that_never_was_is_not_found(far: Far) -> None:
    path = f"/carriers/plivo/{far.world.organization_id}/{uuid4()}/hangup"
    assert (await far.send("hangup", HANGUP, path=path)).status_code == 404


async def test_callbacks_are_not_rate_limited_and_not_documented(far: Far) -> None:
    response = await far.send("ringing", RING)
    assert "X-RateLimit-Limit" not in response.headers
    assert "/carriers" not in (await far.client.get("/openapi.json")).text


async def test_where_a_call_is_transferred_to_stands_in_the_signed_path(far: Far) -> None:
    path = far.path("transfer/12025550177")
    response = await far.send("", {"CallUUID": "c-1"}, path=path)
    dial = ElementTree.fromstring(response.text).find("Dial")
    assert dial is not None and dial.findtext("Number") == "12025550177"
    assert dial.attrib["callerId"] == far.world.caller_id.removeprefix("+")
    forged = await far.send("", {"CallUUID": "c-1"}, token="another-token", path=path)
    assert forged.status_code == 403
