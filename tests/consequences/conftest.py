"""People of the API (those of tests/api), and a line into a scripted carrier, whose worker goes round when told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import pytest
from fastapi import FastAPI

from tests.api.calls import CallBook, book_of
from tests.api.conftest import Person, _quiet, ann, anyone, app, bob, bus, client_of, hire, join, post, root, settings
from tests.world import ANY_TIME, FLOW, carrier_says, number
from voiceera import clock
from voiceera.api.depends import Backend
from voiceera.config import Settings
from voiceera.ids import new_id
from voiceera.providers.carriers.scripted import ScriptedCarrier
from voiceera.providers.protocols import CarrierEvent, CarrierEventKind, EndedAs
from voiceera.store import media_nodes
from voiceera.store.base import Database
from voiceera.worker.dialer import Dialer
from voiceera.worker.reaper import Reaper

__all__ = ["_quiet", "ann", "anyone", "app", "bob", "bus", "client_of", "hire", "join", "post", "root", "settings"]

ALL_DAY = {day: [{"start": "00:00", "end": "24:00"}] for day in ANY_TIME}
LINE = {"caller_ids": ["+12025550000"], "allowed_countries": ["US"], "calls_per_second": 1000}
SPEAKER = {"flow": FLOW, "stt_provider": "scripted", "tts_provider": "scripted"}


@dataclass
class Line:
    """Ann's line: what reached the carrier stands in `rung`; the worker goes round when it is told to."""

    person: Person
    backend: Backend
    agent_id: str
    _at_carrier: dict[UUID, str] = field(default_factory=dict)

    @property
    def organization_id(self) -> UUID:
        return UUID(self.person.organization_id)

    async def carrier(self) -> ScriptedCarrier:
        return cast(ScriptedCarrier, (await self.backend.trunks.of(self.organization_id)).carrier)

    async def rung(self) -> list[str]:
        """Every number that the carrier was told to ring, in order."""
        return [dial.to for dial in (await self.carrier()).dialed]

    async def rounds(self) -> int:
        """One round of the dialer, then one of the reaper; how many calls were placed."""
        dialer = Dialer(
            self.backend.database, self.backend.bus, self.backend.trunks, public_url="http://api", name="one"
        )
        claims = await dialer.round()
        for claim, trunk in claims:
            await dialer.dial(claim, trunk)
        await Reaper(self.backend.database, self.backend.bus, self.backend.trunks).round()
        return len(claims)

    async def ring(self, count: int) -> list[str]:
        """Rounds until the carrier was told to ring so many; on a busy machine a dial that comes too late for its
        start goes back once."""
        async with asyncio.timeout(20):
            while len(await self.rung()) < count:
                await self.rounds()
        return await self.rung()

    async def ends(self, ended_as: EndedAs = EndedAs.BUSY, count: int | None = None) -> None:
        """The carrier says that the calls under way are over; the oldest `count` of them."""
        async with self.backend.database.organization(self.organization_id) as connection:
            found = await connection.exec_driver_sql(
                "SELECT id, carrier_call_id FROM attempts WHERE state IN ('dialing', 'ringing') ORDER BY id"
            )
            under_way = found.all()
        for attempt in under_way[:count]:
            event = CarrierEvent(CarrierEventKind.ENDED, attempt.carrier_call_id, ended_as)
            await carrier_says(self.backend.database, self.organization_id, attempt.id, event, clock.utc_now())

    async def campaign(self, people: int = 3, name: str = "Spring", **fields: Any) -> Any:
        """A draft with so many people in it."""
        numbers = [number(100 + index) for index in range(people)]
        fields = {
            "agent_id": self.agent_id,
            "category": "transactional",
            "calling_windows": ALL_DAY,
            "calls_per_second": 100,
            "phone_numbers": numbers,
            **fields,
        }
        return await self.person.post("/campaigns", name=name, **fields)

    async def launched(self, people: int = 3, name: str = "Spring", **fields: Any) -> Any:
        campaign = await self.campaign(people, name, **fields)
        return await self.person.post(f"/campaigns/{campaign['id']}/launch", 200)


@pytest.fixture
def backend(app: FastAPI) -> Backend:
    return cast(Backend, app.state.backend)


@pytest.fixture
async def line(ann: Person, backend: Backend) -> AsyncIterator[Line]:
    await ann.post("/integrations", name="Line", type="telephony", provider="scripted", config=LINE)
    agent = await ann.post("/agents", name="Voice", **SPEAKER)
    async with backend.database.platform() as connection:
        now = clock.utc_now()
        await media_nodes.heartbeat(connection, new_id(), url="ws://127.0.0.1:1", capacity=100, live=0, now=now)
    yield Line(ann, backend, agent["id"])


@pytest.fixture
async def book(ann: Person, database: Database, settings: Settings) -> CallBook:
    """Writes calls that Ann's organization has had, with an agent of its own."""
    return await book_of(database, settings, ann)
