"""Maintenance: shared by all processes, ended by itself, obeyed by a dialer that runs."""

import asyncio
from datetime import timedelta

from fastapi import FastAPI

from tests.api.conftest import Person, body, client_of
from tests.dialing.floor import Floor
from tests.operations.platform import eventually
from tests.world import NOON, make_world
from voiceera import clock
from voiceera.api.app import create_app
from voiceera.config import Settings
from voiceera.store import maintenance
from voiceera.store.base import Database
from voiceera.store.bus import Bus
from voiceera.store.maintenance import Maintenance


async def test_another_process_hears_of_it_at_once(
    settings: Settings, database: Database, bus: Bus, operator: Person, ann: Person
) -> None:
    other = create_app(settings, database, bus)
    async with other.router.lifespan_context(other), client_of(other) as client:

        async def status() -> int:
            return (await client.get("/agents", headers=dict(ann.client.headers))).status_code

        assert await status() == 200
        await operator.post("/admin/system/maintenance", 200, enabled=True)
        await eventually(status, lambda code: code == 503)
        await operator.post("/admin/system/maintenance", 200, enabled=False)
        await eventually(status, lambda code: code == 200)


async def test_it_ends_by_itself(app: FastAPI, operator: Person, ann: Person) -> None:
    until = clock.utc_now() + timedelta(seconds=2)
    shown = await operator.post("/admin/system/maintenance", 200, enabled=True, until=until.isoformat())
    assert shown["enabled"]
    refused = await ann.client.get("/auth/me")
    assert body(refused, 503)["code"] == "MAINTENANCE_001"
    assert int(refused.headers["Retry-After"]) <= 2

    async def status() -> int:
        return (await ann.client.get("/auth/me")).status_code

    await eventually(status, lambda code: code == 200)
    assert not (await operator.get("/admin/system/maintenance"))["enabled"]
    past = (clock.utc_now() - timedelta(seconds=1)).isoformat()
    error = await operator.post("/admin/system/maintenance", 422, enabled=True, until=past)
    assert error["fields"][0]["field"] == "until"


async def test_users_may_neither_set_nor_read_it(ann: Person) -> None:
    assert (await ann.post("/admin/system/maintenance", 403, enabled=True))["code"] == "AUTH_004"
    assert (await ann.get("/admin/system/maintenance", 403))["code"] == "AUTH_004"


async def test_a_claim_that_is_on_its_way_rings_nobody_and_goes_on_afterwards(database: Database) -> None:
    floor = Floor(await make_world(database))
    await floor.world.connect_carrier()
    await floor.launch(people=2)
    dialer = floor.dialer()
    claims = await dialer.round()
    assert len(claims) == 2
    await _set(database, Maintenance(True, set_at=NOON))
    assert await dialer.round() == []
    for claim, trunk in claims:
        await dialer.dial(claim, trunk)
    assert floor.world.carrier.dialed == []
    contact = await floor.contact()
    assert (contact.state, contact.reason, contact.attempts) == ("pending", "maintenance", 0)
    await _set(database, Maintenance(False, set_at=NOON))
    assert await floor.dial() == 2
    assert len(floor.world.carrier.dialed) == 2


async def test_a_running_dialer_stops_and_resumes(database: Database) -> None:
    floor = Floor(await make_world(database, clock.utc_now()), clock.utc_now())
    await floor.world.connect_carrier()
    stop = asyncio.Event()
    dialer = floor.dialer()
    await _set(database, Maintenance(True, set_at=NOON))
    running = asyncio.create_task(dialer.run(stop))
    await floor.launch(people=3)
    dialer.wake()
    assert [await dialer.round() for _ in range(3)] == [[], [], []]
    assert floor.world.carrier.dialed == []
    await _set(database, Maintenance(True, until=floor.now, set_at=NOON))
    dialer.wake()

    async def rung() -> int:
        return len(floor.world.carrier.dialed)

    await eventually(rung, lambda number: number == 3)
    stop.set()
    await running


async def _set(database: Database, state: Maintenance) -> None:
    async with database.platform() as connection:
        await maintenance.put(connection, state)
