"""A campaign whose calls are handed over dials for the people who are free, and less when calls are abandoned."""

from datetime import timedelta
from typing import Any

import pytest

from tests.dialing.floor import Floor
from tests.world import quick
from voiceera.ids import new_id
from voiceera.rules.calls import Direction, Speaker, TurnRecord
from voiceera.services import calls as call_service
from voiceera.services.abandonment import PERIOD
from voiceera.store import calls


async def earlier_calls(
    floor: Floor, campaign_id: Any, count: int, spoken_ms: int | None, days_ago: float = 1
) -> None:
    """Calls that people answered; the agent spoke so late, or never."""
    at = floor.now - timedelta(days=days_ago)
    async with floor.world.scope() as connection:
        for _ in range(count):
            row = {"organization_id": floor.world.organization_id, "id": new_id(), "campaign_id": campaign_id}
            row |= {"direction": Direction.OUTBOUND, "status": "completed", "agent_id": floor.world.agent_id}
            row |= {"agent_version": 1, "answered_by": "human", "created_at": at, "ended_at": at}
            await calls.add(connection, row)
            if spoken_ms is not None:
                await calls.put_turn(connection, row["organization_id"], row["id"], 0, spoken(spoken_ms))


def spoken(start_ms: int) -> TurnRecord:
    return TurnRecord(Speaker.AGENT, "Hello.", start_ms, start_ms + 500)


async def test_one_call_for_each_person_who_is_free(floor: Floor) -> None:
    await floor.launch(people=30, config=quick(people=4))
    assert await floor.dial() == 4
    assert await floor.dial() == 0
    first, *_ = await floor.open_attempts()
    world = floor.world
    await call_service.answered(world.database, world.organization_id, first, world.trunk, floor.now)
    floor.later(seconds=1)
    assert await floor.dial() == 0  # three are free, and three calls are on their way to them


@pytest.mark.parametrize(
    ("late", "days_ago", "dialed"),
    [(0, 1, 4), (3, 1, 4), (6, 1, 0), (6, PERIOD.days + 1, 4)],
    ids=["none", "1.5 %", "3 %", "3 % long ago"],
)
async def test_before_the_share_of_abandoned_calls_is_used_up_no_more_are_placed(
    floor: Floor, late: int, days_ago: float, dialed: int
) -> None:
    campaign_id = await floor.launch(people=30, config=quick(people=4))
    await earlier_calls(floor, campaign_id, 197, 800)
    await earlier_calls(floor, campaign_id, late, 2500 if late % 2 else None, days_ago)
    assert await floor.dial() == dialed
