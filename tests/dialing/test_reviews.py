"""Attempts of which nobody knows whether they rang: shown, settled by a person, dialled again only if asked."""

from uuid import UUID

import pytest

from tests.dialing.floor import Floor
from voiceera.errors import Conflict, Invalid, NotFound
from voiceera.services import reviews as service
from voiceera.store import reviews
from voiceera.store.page import PageRequest


async def lose_one(floor: Floor) -> UUID:
    """Of a campaign's two calls, the carrier loses one that it had accepted."""
    await floor.launch(people=2)
    await floor.dial()
    lost, other = await floor.open_attempts()
    floor.world.carrier.calls[:] = [call for call in floor.world.carrier.calls if str(other) in call.carrier_call_id]
    for _ in range(8):
        floor.later(seconds=60)
        await floor.reap()
    return lost


async def unknown(floor: Floor, *, is_open: bool = True) -> list[reviews.UnknownAttempt]:
    world = floor.world
    async with world.scope() as connection:
        return list((await reviews.find(connection, world.organization_id, PageRequest(), is_open=is_open)).items)


async def resolve(floor: Floor, attempt_id: UUID, *, rang: bool, redial: bool = False) -> None:
    world = floor.world
    async with world.scope() as connection:
        await service.resolve(
            connection,
            world.organization_id,
            attempt_id,
            floor.now,
            rang=rang,
            note="by the carrier's bill",
            redial=redial,
            reviewed_by=None,
        )


async def test_what_the_carrier_lost_is_listed_and_not_dialled_again(floor: Floor) -> None:
    lost = await lose_one(floor)
    [attempt] = await unknown(floor)
    assert (attempt.id, attempt.reason, attempt.rang) == (lost, "carrier_lost_the_call", None)
    floor.later(days=3)
    await floor.dial()
    assert len([dial for dial in floor.world.carrier.dialed if dial.to == attempt.phone_number]) == 1


async def test_one_that_rang_is_settled_once(floor: Floor) -> None:
    lost = await lose_one(floor)
    await resolve(floor, lost, rang=True)
    assert await unknown(floor) == []
    [settled] = await unknown(floor, is_open=False)
    assert (settled.rang, settled.note, settled.redialled) == (True, "by the carrier's bill", False)
    with pytest.raises(Conflict):
        await resolve(floor, lost, rang=False)
    floor.later(days=3)
    await floor.dial()
    assert len(floor.world.carrier.dialed) == 2


async def test_one_that_did_not_ring_is_dialled_again_if_a_person_says_so(floor: Floor) -> None:
    lost = await lose_one(floor)
    [attempt] = await unknown(floor)
    await resolve(floor, lost, rang=False, redial=True)
    [contact] = await floor.world.rows("SELECT * FROM contacts WHERE id = :id", id=attempt.contact_id)
    assert (contact.state, contact.attempts) == ("pending", 0)
    assert await floor.dial() == 1
    assert floor.world.carrier.dialed[-1].to == attempt.phone_number


async def test_what_rang_is_not_rung_again_from_here_and_what_is_known_needs_no_review(floor: Floor) -> None:
    lost = await lose_one(floor)
    with pytest.raises(Invalid):
        await resolve(floor, lost, rang=True, redial=True)
    [known] = await floor.open_attempts()
    with pytest.raises(NotFound):
        await resolve(floor, known, rang=True)


async def test_a_campaign_that_is_over_takes_nobody_back(floor: Floor) -> None:
    lost = await lose_one(floor)
    async with floor.world.scope() as connection:
        await connection.exec_driver_sql("UPDATE campaigns SET status = 'stopped' WHERE organization_id IS NOT NULL")
    with pytest.raises(Conflict, match="tried again"):
        await resolve(floor, lost, rang=False, redial=True)
    assert len(await unknown(floor)) == 1
