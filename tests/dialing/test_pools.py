"""The dialer calls from a pool of numbers: none past its cap, none that rests, the same for the same contact."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.dialing.floor import Floor
from tests.world import NOON, World, make_world, number, quick
from voiceera.ids import new_id
from voiceera.providers.protocols import DialAnswer, EndedAs, Placed
from voiceera.rules.caller_ids import Record, Tally
from voiceera.rules.calls import AttemptState, Outcome
from voiceera.services import caller_ids as service
from voiceera.services import calls
from voiceera.services.trunks import Trunk
from voiceera.store import caller_ids, phone_numbers
from voiceera.store.attempts import attempts
from voiceera.store.base import Database
from voiceera.store.phone_numbers import MissedCall, PhoneNumber
from voiceera.worker.caller_ids import CallerIdWatch

LOCAL, LOCAL_2, DENVER = "+12025550000", "+12025550001", "+13035550000"


class PooledWorld(World):
    """Its trunk has several numbers."""

    caller_ids: tuple[str, ...] = (LOCAL, LOCAL_2)
    line: UUID

    @property
    def trunk(self) -> Trunk:
        return replace(super().trunk, caller_ids=self.caller_ids, integration_id=self.line)

    async def owns(self, *numbers: str, daily_cap: int | None = None) -> None:
        rows = [
            PhoneNumber(
                *(new_id(), self.organization_id, each, "", self.line, None, MissedCall.NONE, True),
                *(daily_cap, True, None, NOON, NOON),
            )
            for each in numbers
        ]
        async with self.scope() as connection:
            for row in rows:
                await phone_numbers.add(connection, row)

    async def dialled_from(self, caller_id: str, outcome: Outcome, times: int, at: datetime) -> None:
        """Calls of the past, a second apart."""
        row = {"organization_id": self.organization_id, "agent_id": self.agent_id, "caller_id": caller_id}
        row |= {"state": AttemptState.ENDED, "outcome": outcome, "phone_number": "+12025559999", "due_at": at}
        rows: list[dict[str, Any]] = [
            row | {"id": new_id(), "created_at": at, "dialed_at": at + timedelta(seconds=second), "accepted_at": at}
            for second in range(times)
        ]
        async with self.scope() as connection:
            await connection.execute(sa.insert(attempts), rows)


@pytest.fixture
async def floor(database: Database, monkeypatch: pytest.MonkeyPatch) -> Floor:
    monkeypatch.setattr(service, "_FRESH_SECONDS", 0)
    made = await make_world(database)
    world = PooledWorld(made.database, made.organization_id, made.agent_id)
    await world.connect_carrier()
    world.line = await world.value("SELECT id FROM integrations")
    return Floor(world)


def pooled(floor: Floor) -> PooledWorld:
    assert isinstance(floor.world, PooledWorld)
    return floor.world


def used(floor: Floor) -> Counter[str]:
    return Counter(dial.caller_id for dial in floor.world.carrier.dialed)


async def test_contacts_are_spread_over_the_numbers_of_their_area(floor: Floor) -> None:
    pooled(floor).caller_ids = (DENVER, LOCAL, LOCAL_2)
    await floor.launch(people=30)
    assert await floor.dial() == 30
    assert used(floor)[DENVER] == 0
    assert min(used(floor)[LOCAL], used(floor)[LOCAL_2]) > 7


async def test_a_campaign_calls_from_the_numbers_that_it_names(floor: Floor) -> None:
    pooled(floor).caller_ids = (DENVER, LOCAL, LOCAL_2)
    await floor.launch(people=5, config=quick(caller_ids=[DENVER]))
    await floor.dial()
    assert used(floor) == {DENVER: 5}


async def test_a_contact_is_rung_again_from_the_number_of_the_first_time(floor: Floor) -> None:
    await floor.launch(people=1)
    await floor.dial()
    (attempt,) = await floor.open_attempts()
    await floor.ends(attempt, EndedAs.BUSY)
    pooled(floor).caller_ids = (*pooled(floor).caller_ids, *(f"+120255500{index:02d}" for index in range(2, 40)))
    floor.later(seconds=60)
    await floor.dial()
    first, second = floor.world.carrier.dialed
    assert first.caller_id == second.caller_id


async def test_no_number_passes_its_daily_cap_with_two_dialers_at_it(floor: Floor) -> None:
    await pooled(floor).owns(LOCAL, LOCAL_2, daily_cap=3)
    await floor.launch(people=20)
    claims = [claim for name in ("one", "two") for claim in await floor.dialer(name).round()]
    half = len(claims) // 2
    await asyncio.gather(
        *(
            floor.dialer(name).dial_slice([claim for claim, _ in part], floor.world.trunk)
            for name, part in (("one", claims[:half]), ("two", claims[half:]))
        )
    )
    while await floor.dial():
        floor.later(seconds=31)
    assert used(floor) == {LOCAL: 3, LOCAL_2: 3}
    await floor.launch(people=1, name="Autumn")
    assert await floor.dial() == 0, "nobody is claimed in vain"
    await floor.dialer().write_log()
    told = await floor.world.rows("SELECT message FROM campaign_events WHERE kind = 'held'")
    assert [row.message for row in told] == ["Nobody is dialled: no free caller id until Wed 11 Mar 16:00 UTC"]


async def test_who_finds_no_number_is_told_so_and_rung_when_one_is_free_again(floor: Floor) -> None:
    pooled(floor).caller_ids = (LOCAL,)
    await pooled(floor).owns(LOCAL, daily_cap=2)
    await floor.launch(people=4)
    while await floor.dial():
        pass
    waiting = await floor.world.rows("SELECT reason FROM contacts WHERE state = 'pending'")
    assert [row.reason for row in waiting] == ["no_caller_id"] * 2
    for attempt in await floor.open_attempts():
        await floor.ends(attempt, EndedAs.BUSY)
    floor.later(hours=23)
    assert await floor.dial() == 0
    floor.later(hours=1, seconds=1)
    assert await floor.dial() > 0
    assert used(floor)[LOCAL] > 2


async def test_what_the_carrier_refused_uses_up_no_dial(floor: Floor) -> None:
    pooled(floor).caller_ids = (LOCAL,)
    await pooled(floor).owns(LOCAL, daily_cap=1)
    await floor.launch(people=2)
    floor.world.carrier.answers = [DialAnswer(Placed.REFUSED, invalid_number=True, permanent=True)]
    while await floor.dial():
        floor.later(seconds=31)
    assert used(floor) == {LOCAL: 2}


async def test_a_resting_number_is_spared_unless_a_person_names_it(floor: Floor) -> None:
    world = pooled(floor)
    async with world.scope() as connection:
        nothing = Record(LOCAL, Tally(0, 0), Tally(0, 0))
        await caller_ids.rest(connection, world.organization_id, nothing, NOON, NOON + timedelta(days=1))
    await floor.launch(people=20)
    await floor.dial()
    assert used(floor) == {LOCAL_2: 20}
    async with world.scope() as connection:
        await calls.place(
            connection,
            world.organization_id,
            agent_id=world.agent_id,
            to=number(500),
            now=floor.now,
            caller_id=LOCAL,
        )
    await floor.dial()
    assert used(floor)[LOCAL] == 1


async def test_a_number_that_people_no_longer_answer_is_given_a_rest(floor: Floor) -> None:
    world = pooled(floor)
    for caller_id in (LOCAL, LOCAL_2):
        await world.dialled_from(caller_id, Outcome.REACHED, 120, NOON - timedelta(hours=9))
        await world.dialled_from(caller_id, Outcome.NO_ANSWER, 80, NOON - timedelta(hours=6))
    await world.dialled_from(LOCAL, Outcome.VOICEMAIL, 200, NOON - timedelta(hours=3))
    await world.dialled_from(LOCAL_2, Outcome.REACHED, 120, NOON - timedelta(hours=3))
    await world.dialled_from(LOCAL_2, Outcome.NO_ANSWER, 80, NOON - timedelta(hours=2))
    await floor.launch(people=1)
    watch = CallerIdWatch(world.database, world.trunks, now=lambda: floor.now)
    await watch.round()
    async with world.scope() as connection:
        rested = await caller_ids.rests_of(connection, world.organization_id)
        [usage, other] = await service.usage(connection, world.organization_id, world.trunk, floor.now)
    assert rested.keys() == {LOCAL}
    assert rested[LOCAL].until == NOON + timedelta(days=1)
    [told] = await world.rows("SELECT message FROM campaign_events WHERE kind = 'caller_id_rests'")
    assert told.message.endswith("a person answered 0% of its latest 200 calls, 60% of those before")
    assert (usage.answer_rate, usage.earlier_rate, other.answer_rate) == (0.0, 0.6, 0.6)
    assert (usage.resting_until, other.resting_until) == (rested[LOCAL].until, None)
    floor.later(days=1, seconds=1)
    await watch.round()
    async with world.scope() as connection:
        again = await caller_ids.rests_of(connection, world.organization_id)
    assert again == rested, "what was before the rest is not held against it"
