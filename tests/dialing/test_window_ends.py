"""Nobody is rung outside their window: not by a slot that frees late, not by a carrier that queues, not after an
opt-out, not around a clock change."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.dialing.floor import Floor
from tests.world import number, quick
from voiceera.providers.protocols import CarrierTraits, EndedAs
from voiceera.rules.campaigns import WEEKDAYS, CampaignConfig, Interval
from voiceera.store import do_not_call

QUEUES = CarrierTraits(2, True, 0, False, False)
CLOSES = datetime(2026, 3, 11, 0, 0, tzinfo=UTC)
"""20:00 in New York."""


def working(**changes: Any) -> CampaignConfig:
    return quick(calling_windows=dict.fromkeys(WEEKDAYS, (Interval(start="09:00", end="20:00"),)), **changes)


async def test_a_place_that_frees_after_the_window_is_not_taken(floor: Floor) -> None:
    floor.now = CLOSES - timedelta(seconds=20)
    await floor.launch(people=4, config=working(max_concurrent_calls=2))
    assert await floor.dial() == 2
    first, second = await floor.open_attempts()
    floor.now = CLOSES - timedelta(seconds=10)
    await floor.ends(first, EndedAs.BUSY)
    await floor.dial()
    assert len(floor.world.carrier.dialed) == 3
    floor.now = CLOSES
    await floor.ends(second, EndedAs.BUSY)
    await floor.dial()
    assert len(floor.world.carrier.dialed) == 3
    waiting = await floor.world.rows("SELECT due_at FROM contacts WHERE reason = 'outside_hours'")
    assert [row.due_at for row in waiting] == [CLOSES + timedelta(hours=13)]


async def test_a_claim_in_the_last_instant_is_no_dial_after_it(floor: Floor) -> None:
    """The start lies after the claim: the gate is asked about the start."""
    floor.now = CLOSES - timedelta(milliseconds=60)
    await floor.launch(people=20, config=working(calls_per_second=20))
    claims = await floor.dialer().round()
    for claim, trunk in claims:
        floor.now = max(floor.now, claim.start_at)
        before = len(floor.world.carrier.dialed)
        await floor.dialer().dial(claim, trunk)
        assert len(floor.world.carrier.dialed) == before or floor.now < CLOSES


async def test_what_a_carrier_would_still_queue_at_the_windows_end_is_not_sent(floor: Floor) -> None:
    floor.world.carrier.traits = QUEUES
    floor.now = CLOSES - timedelta(seconds=10)
    await floor.launch(people=60, config=working())
    for _ in range(10):
        await floor.dial()
        floor.later(seconds=0.2)
    # It rings two a second: what is beyond twenty would ring after the end. A round's claims know of those before it.
    a_round = 45
    assert 0 < len(floor.world.carrier.dialed) <= 20 + a_round
    waiting = await floor.world.rows("SELECT DISTINCT reason FROM contacts WHERE state = 'pending'")
    assert "outside_hours" in {row.reason for row in waiting}


async def test_a_call_that_still_queues_at_the_windows_end_is_canceled_and_tried_the_next_day(floor: Floor) -> None:
    floor.world.carrier.traits = QUEUES
    floor.now = CLOSES - timedelta(seconds=30)
    campaign_id = await floor.launch(people=2, config=working())
    await floor.dial()
    queued, rings = await floor.open_attempts()
    await floor.rings(rings)
    floor.now = CLOSES - timedelta(seconds=1)
    await floor.reap()
    assert floor.world.carrier.hung_up == []
    floor.now = CLOSES
    await floor.reap()
    await floor.reap()
    assert floor.world.carrier.hung_up == [f"c-{queued}"]
    await floor.ends(queued, EndedAs.CANCELED)
    contact = (await floor.world.rows("SELECT * FROM contacts WHERE state = 'pending'"))[0]
    assert (contact.due_at, contact.attempts) == (CLOSES + timedelta(hours=13), 0)
    assert (await floor.counted(campaign_id))["in_progress"] == 1


async def test_a_campaigns_end_is_such_an_end_too(floor: Floor) -> None:
    floor.world.carrier.traits = QUEUES
    ends = floor.now + timedelta(minutes=5)
    await floor.launch(people=1, config=working(), end_time=ends)
    await floor.dial()
    assert await floor.world.value("SELECT latest_ring_at FROM attempts") == ends


CHANGES = [
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 2, 15, 2, tzinfo=UTC)),
    ("Asia/Kolkata", datetime(2026, 3, 8, 21, tzinfo=UTC)),
]


@pytest.mark.parametrize(("name", "change"), CHANGES)
async def test_around_a_clock_change_the_dialer_keeps_to_the_callees_clock(
    floor: Floor, name: str, change: datetime
) -> None:
    """Windows from 1:30 to 3:15: over fold and gap. Each dial is held to an offset added to its instant."""
    narrow = (Interval(start="01:30", end="03:15"),)
    config = quick(
        calling_windows=dict.fromkeys(WEEKDAYS, narrow), max_number_calls_per_day=50, max_concurrent_calls=1000
    )
    floor.now = change - timedelta(hours=3)
    await floor.launch_to([number(index) for index in range(30)], config=config.model_copy(update={"timezone": name}))
    await floor.world.rows("UPDATE contacts SET timezone = :name RETURNING id", name=name)
    dialed_at: list[datetime] = []
    for _ in range(40):
        before = len(floor.world.carrier.dialed)
        claims = await floor.dialer().round()
        for claim, trunk in claims[:1]:
            floor.now = max(floor.now, claim.start_at)
            await floor.dialer().dial(claim, trunk)
        dialed_at += [floor.now] * (len(floor.world.carrier.dialed) - before)
        floor.later(minutes=11)
    for instant in dialed_at:
        offset = instant.astimezone(ZoneInfo(name)).utcoffset()
        assert offset is not None
        minute = (instant + offset).hour * 60 + (instant + offset).minute
        assert 90 <= minute < 195
    assert dialed_at


async def test_an_opt_out_after_a_busy_line_is_obeyed_by_the_next_attempt(floor: Floor) -> None:
    await floor.launch(people=1)
    await floor.dial()
    (attempt,) = await floor.open_attempts()
    await floor.ends(attempt, EndedAs.BUSY)
    async with floor.world.scope() as connection:
        await do_not_call.add(connection, floor.world.organization_id, number(100), reason="asked for", now=floor.now)
    floor.later(hours=1)
    await floor.dial()
    assert len(floor.world.carrier.dialed) == 1
    assert (await floor.contact()).reason == "do_not_call"
