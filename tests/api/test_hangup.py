"""A call is hung up through whichever API process is asked, at whichever media process holds it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from websockets.asyncio.client import connect

from tests.api.conftest import Person, body, client_of
from tests.media.carrier import CarrierSocket
from tests.media.test_media_role import Role
from tests.world import FLOW
from voiceera import clock
from voiceera.api.app import create_app
from voiceera.api.depends import Backend
from voiceera.config import Settings
from voiceera.services import calls
from voiceera.store.base import Database
from voiceera.store.bus import PostgresBus


@pytest.fixture
async def roles(database: Database, tmp_path: Path) -> AsyncIterator[list[Role]]:
    """Two media processes."""
    made = [Role(database, tmp_path / name) for name in ("one", "two")]
    for role in made:
        await role.start()
    yield made
    for role in made:
        await role.end()


@pytest.fixture
async def second_api(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    bus = PostgresBus(database.url)
    app = create_app(settings, database, bus)
    async with app.router.lifespan_context(app):
        yield app
    await bus.close()


async def answered(ann: Person, backend: Backend) -> tuple[UUID, str]:
    """A call that somebody picks up: its id, and where its media socket is awaited."""
    config = {"caller_ids": ["+12025550000"], "allowed_countries": ["US"]}
    await ann.post("/integrations", name="Line", type="telephony", provider="scripted", config=config)
    speech = {"stt_provider": "scripted", "tts_provider": "scripted"}
    agent = await ann.post("/agents", name="Anna", flow=FLOW, greeting_message="Hello.", **speech)
    call_id = UUID((await ann.post("/calls", agent_id=agent["id"], to="+12025550123"))["id"])
    organization_id = UUID(ann.organization_id)
    async with backend.database.organization(organization_id) as connection:
        await connection.execute(
            sa.text("UPDATE attempts SET state = 'dialing', carrier_call_id = 'c-1' WHERE organization_id = :o"),
            {"o": organization_id},
        )
    trunk = replace(await backend.trunks.of(organization_id), provider="plivo")  # whose sockets are spoken
    invitation = await calls.answered(backend.database, organization_id, call_id, trunk, clock.utc_now())
    assert invitation is not None
    return call_id, invitation.url


async def test_a_call_is_hung_up_from_any_api_process_at_the_media_process_that_holds_it(
    ann: Person, app: FastAPI, second_api: FastAPI, roles: list[Role]
) -> None:
    backend: Backend = app.state.backend
    call_id, url = await answered(ann, backend)
    async with AsyncExitStack() as stack:
        asking = await stack.enter_async_context(client_of(second_api))
        asking.headers["Authorization"] = ann.client.headers["Authorization"]
        connection = await stack.enter_async_context(connect(url, compression=None))
        carrier = CarrierSocket(connection)
        await carrier.start()
        ended = asyncio.create_task(carrier.closed_with())
        async with asyncio.timeout(20):
            while not ended.done():  # the command may outrun the start
                body(await asking.post(f"/calls/{call_id}/hangup", json={}), 200)
                await asyncio.wait([ended], timeout=0.2)
        assert ended.result() == 1000
    shown = await ann.get(f"/call-logs/{call_id}")
    assert shown["hangup_cause"] == "requested"
