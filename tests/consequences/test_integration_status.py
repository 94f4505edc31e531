"""An integration's status follows what calls find out, and tells by webhook."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest

from tests.api.conftest import Person
from tests.consequences.conftest import LINE, SPEAKER, Line
from tests.far_end import far_end
from tests.webhooks.receiver import Receiver, answer, receiving
from voiceera import clock
from voiceera.api.depends import Backend
from voiceera.config import Settings
from voiceera.ids import new_id
from voiceera.providers.outbound import allow_list
from voiceera.providers.webhook_sender import WebhookSender
from voiceera.services.deliveries import Post
from voiceera.store import media_nodes
from voiceera.store.jobs import DueRow
from voiceera.worker.deliveries import Deliveries


@dataclass
class StandIn:
    """Takes every dial, until it goes down."""

    port: int = 0
    dials: int = 0
    life: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length:")[2].partition("\r\n")[0]))
        self.dials += 1
        body = json.dumps({"request_uuid": str(new_id()), "message": "call fired"}).encode()
        writer.write(answer(201, body, Content_Type="application/json", Connection="close"))

    async def goes_down(self) -> None:
        await self.life.aclose()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def vendor() -> AsyncIterator[StandIn]:
    stand_in = StandIn()
    async with stand_in.life:
        stand_in.port = await stand_in.life.enter_async_context(far_end(stand_in.serve))
        yield stand_in


@pytest.fixture
def settings(settings: Settings, vendor: StandIn, receiver: Receiver) -> Settings:
    return settings.model_copy(update={"outbound_allow": f"127.0.0.1/32:{vendor.port},{receiver.allow}"})


@pytest.mark.consequence("GET /integrations/{integration_id}/status")
async def test_status_turns_failing_when_the_vendor_goes_down_during_calls_and_a_webhook_tells(
    ann: Person, backend: Backend, vendor: StandIn, receiver: Receiver
) -> None:
    config = {**LINE, "base_url": f"http://127.0.0.1:{vendor.port}/v1"}
    credentials = {"auth_id": "MAXXXXXXXXXXXX1234", "auth_token": "a token of nobody's"}
    made = await ann.post(
        "/integrations", name="Line", type="telephony", provider="plivo", config=config, credentials=credentials
    )
    webhook = await ann.post("/webhooks", url=receiver.url, events=["integration.failing"])
    agent = await ann.post("/agents", name="Voice", **SPEAKER)
    async with backend.database.platform() as connection:
        later = clock.utc_now() + timedelta(hours=1)  # a slow machine must not take it for dead
        await media_nodes.heartbeat(connection, new_id(), url="ws://127.0.0.1:1", capacity=100, live=0, now=later)
    line, path = Line(ann, backend, agent["id"]), f"/integrations/{made['id']}/status"

    assert (await ann.get(path))["status"] == "untested"
    await line.launched(people=3, name="Well")
    await line.rounds()
    assert (vendor.dials, (await ann.get(path))["status"]) == (3, "working")

    await vendor.goes_down()
    await line.launched(name="Down", phone_numbers=[f"+1202555017{last}" for last in range(9)])
    await line.rounds()
    found = await ann.get(path)
    assert found["status"] == "failing"
    assert "ConnectError" in found["detail"]

    async with WebhookSender(allow_list(receiver.allow)) as sender:
        worker = Deliveries(Post(backend.database, backend.vault, sender), asyncio.Event())
        await worker.deliver(DueRow(line.organization_id, UUID(webhook["id"]), clock.utc_now()), clock.utc_now())
    told = [each.verified(webhook["secret"]) for each in receiver.received]
    assert [(each["type"], each["data"]["id"]) for each in told] == [("integration.failing", made["id"])]
