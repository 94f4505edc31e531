"""Who rang us in vain is rung back, if the number is set so."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.dialing.floor import Floor
from tests.world import NOON, make_world
from voiceera.ids import new_id
from voiceera.providers.protocols import RungIn
from voiceera.services import inbound
from voiceera.services.inbound import NotAnswered
from voiceera.store import do_not_call, phone_numbers
from voiceera.store.base import Database
from voiceera.store.phone_numbers import MissedCall, PhoneNumber

PERSON = "+12025550142"


@pytest.fixture
async def floor(database: Database) -> Floor:
    """No media process has room."""
    world = await make_world(database, capacity=0)
    await world.connect_carrier()
    return Floor(world)


async def own(floor: Floor, missed_call: MissedCall = MissedCall.CALLBACK) -> PhoneNumber:
    world = floor.world
    line = await world.value("SELECT id FROM integrations")
    row = PhoneNumber(
        *(new_id(), world.organization_id, world.caller_id, "", line, world.agent_id, missed_call, True),
        *(None, True, None, NOON, NOON),
    )
    async with world.scope() as connection:
        await phone_numbers.add(connection, row)
    return row


async def ring(floor: Floor, number: PhoneNumber, person: str | None = PERSON) -> None:
    world = floor.world
    rung_in = RungIn(carrier_call_id=str(new_id()), person=person, number=number.phone_number)
    answer = await inbound.ring(world.database, number, world.trunk, rung_in, floor.now)
    assert answer is NotAnswered.NO_ROOM


async def make_room(floor: Floor) -> None:
    async with floor.world.database.platform() as connection:
        await connection.execute(sa.text("UPDATE media_nodes SET capacity = 10"))


async def test_who_rang_in_vain_is_rung_back_from_the_same_number(floor: Floor) -> None:
    await ring(floor, await own(floor))
    assert await floor.dial() == 0
    await make_room(floor)
    assert await floor.dial() == 1
    [dial] = floor.world.carrier.dialed
    assert (dial.to, dial.caller_id) == (PERSON, floor.world.caller_id)


async def test_ringing_three_times_is_called_back_once(floor: Floor) -> None:
    number = await own(floor)
    for _ in range(3):
        await ring(floor, number)
    assert await floor.attempt_states() == ["queued"]


@pytest.mark.parametrize("person", [PERSON, None])
async def test_nobody_is_rung_back_unasked_or_without_a_number(floor: Floor, person: str | None) -> None:
    await ring(floor, await own(floor, MissedCall.NONE if person else MissedCall.CALLBACK), person)
    assert await floor.attempt_states() == []


async def test_a_call_back_waits_for_the_morning(floor: Floor) -> None:
    floor.now = datetime.fromisoformat("2026-03-10T23:30:00-04:00")
    await ring(floor, await own(floor))
    await make_room(floor)
    await floor.dial()
    assert floor.world.carrier.dialed == []
    floor.now = datetime.fromisoformat("2026-03-11T08:00:00-04:00")
    await floor.dial()
    assert len(floor.world.carrier.dialed) == 1


async def test_who_asked_not_to_be_called_is_not_called_back(floor: Floor) -> None:
    async with floor.world.scope() as connection:
        await do_not_call.add(connection, floor.world.organization_id, PERSON, reason="asked", now=NOON)
    await ring(floor, await own(floor))
    assert await floor.attempt_states() == []


async def test_a_number_without_an_agent_calls_nobody(floor: Floor) -> None:
    number = replace(await own(floor), agent_id=None)
    rung_in = RungIn(carrier_call_id="one", person=PERSON, number=number.phone_number)
    world = floor.world
    answer = await inbound.ring(world.database, number, world.trunk, rung_in, floor.now + timedelta(seconds=1))
    assert answer is NotAnswered.NO_AGENT
    assert await floor.attempt_states() == []
