"""A campaign that is paused, resumed, stopped or over while it dials."""

from datetime import timedelta

from tests.dialing.floor import Floor
from tests.world import NOON, quick
from voiceera.providers.protocols import (
    CarrierEvent,
    CarrierEventKind,
    DialAnswer,
    EndedAs,
    Placed,
)
from voiceera.services import campaigns
from voiceera.services.carrier_news import take_in
from voiceera.store import attempts


async def test_after_a_pause_no_claim_becomes_a_dial_and_after_a_resume_all_do(floor: Floor) -> None:
    campaign_id = await floor.launch(people=3)
    claims = await floor.dialer().round()
    async with floor.world.scope() as connection:
        await campaigns.pause(connection, floor.world.organization_id, campaign_id, floor.now)
    for claim, trunk in claims:
        await floor.dialer().dial(claim, trunk)
    assert floor.world.carrier.dialed == []
    counts = await floor.counted(campaign_id)
    assert (counts["pending"], counts["in_progress"]) == (3, 0)
    assert await floor.dial() == 0
    async with floor.world.scope() as connection:
        await campaigns.resume(connection, floor.world.organization_id, campaign_id, floor.now)
    assert await floor.dial() == 3


async def test_a_stop_cancels_whoever_waits_and_lets_live_calls_end(floor: Floor) -> None:
    campaign_id = await floor.launch(people=4, config=quick(max_concurrent_calls=2))
    floor.world.carrier.answers = [DialAnswer(Placed.BUSY_NOW, retry_after_seconds=5)]
    await floor.dial()
    async with floor.world.scope() as connection:
        await campaigns.stop(connection, floor.world.organization_id, campaign_id, floor.now)
    counts = await floor.counted(campaign_id)
    assert (counts["canceled"], counts["in_progress"]) == (3, 1)
    (attempt,) = await floor.open_attempts()
    await floor.ends(attempt, EndedAs.BUSY)
    assert (await floor.counted(campaign_id))["canceled"] == 4
    floor.later(hours=1)
    assert await floor.dial() == 0


async def test_a_stop_with_hangup_ends_live_calls_at_the_carrier(floor: Floor) -> None:
    campaign_id = await floor.launch(people=1)
    await floor.dial()
    async with floor.world.scope() as connection:
        await campaigns.stop(connection, floor.world.organization_id, campaign_id, floor.now, hang_up=True)
    await floor.reap()
    await floor.reap()
    assert len(floor.world.carrier.hung_up) == 1


async def test_a_campaign_dials_from_its_start_until_its_end(floor: Floor) -> None:
    campaign_id = await floor.launch(
        people=2,
        config=quick(max_concurrent_calls=1),
        start_time=NOON + timedelta(hours=1),
        end_time=NOON + timedelta(hours=2),
    )
    await floor.reap()
    assert await floor.dial() == 0
    floor.later(hours=1)
    await floor.reap()
    assert await floor.dial() == 1
    floor.later(hours=1)
    await floor.reap()
    assert await floor.status(campaign_id) == "completed"
    counts = await floor.counted(campaign_id)
    assert (counts["canceled"], counts["in_progress"]) == (1, 1)


async def test_a_dial_that_was_never_placed_does_not_come_back_to_a_campaign_that_is_over(floor: Floor) -> None:
    campaign_id = await floor.launch(people=2)
    floor.world.carrier.answers = [DialAnswer(Placed.UNKNOWN), DialAnswer(Placed.BUSY_NOW)]
    await floor.dial()
    async with floor.world.scope() as connection:
        await campaigns.stop(connection, floor.world.organization_id, campaign_id, floor.now)
    floor.later(seconds=76)
    await floor.reap()
    assert await floor.dial() == 0
    counts = await floor.counted(campaign_id)
    assert (counts["canceled"], counts["in_progress"], counts["pending"]) == (2, 0, 0)


async def test_a_call_that_ends_in_the_moment_of_the_stop_asks_for_no_other_try(floor: Floor) -> None:
    campaign_id = await floor.launch(people=1)
    await floor.dial()
    (attempt,) = await floor.open_attempts()
    key = (floor.world.organization_id, campaign_id)
    async with floor.world.scope() as ending:
        locked = await attempts.lock(ending, key[0], attempt)
        assert locked is not None
        event = CarrierEvent(CarrierEventKind.ENDED, locked.carrier_call_id, EndedAs.BUSY)
        await take_in(ending, locked, event, floor.now)
        async with floor.world.scope() as stopping:
            await campaigns.stop(stopping, *key, floor.now)
    assert (await floor.contact()).state == "pending"
    await floor.reap()
    assert (await floor.contact()).state == "canceled"
    assert (await floor.counted(campaign_id))["canceled"] == 1
