"""Caps on what calls cost, and an organization's other bounds, on the real store."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.dialing.floor import Floor
from tests.world import carrier_says, number, quick
from voiceera.providers.protocols import CarrierEvent, CarrierEventKind, DialAnswer, EndedAs, Placed
from voiceera.rules.campaigns import ContactState, RetryRule
from voiceera.rules.dialing_limits import DialingLimits
from voiceera.rules.retention import Retention
from voiceera.rules.spending import NOTHING
from voiceera.services import calls
from voiceera.store import organizations

MINUTES = 11
"""The longest that a call of the tests' agent can last."""
PRICE = 0.02
ONE_CALL = PRICE * MINUTES


async def bound(floor: Floor, **limits: Any) -> None:
    async with floor.world.scope() as connection:
        of = connection, floor.world.organization_id
        await organizations.change(*of, "Acme", DialingLimits(**limits), Retention())


def priced(**changes: Any) -> Any:
    return quick(price_per_minute=PRICE, retries={"busy": RetryRule(delays_seconds=(1, 1))}, **changes)


async def dial_all(floor: Floor, names: str = "abcd", rounds: int = 6) -> None:
    """By several dialers at once."""
    for _ in range(rounds):
        found = await asyncio.gather(*(floor.dialer(name).round() for name in names))
        starts = [claim.start_at for claims in found for claim, _ in claims]
        floor.now = max([floor.now, *starts[:1]])
        await asyncio.gather(
            *(
                floor.dialer(name).dial(claim, trunk)
                for name, claims in zip(names, found, strict=True)
                for claim, trunk in claims
            )
        )
        floor.later(seconds=0.5)


async def purse(floor: Floor, key: str) -> tuple[Decimal, Decimal]:
    """(spent, reserved)"""
    rows = await floor.world.rows("SELECT spent, reserved FROM purses WHERE key LIKE :key", key=f"{key}:%")
    ((spent, reserved),) = rows
    return spent, reserved


@pytest.mark.parametrize("whose", ["campaign", "organization", "agent"])
async def test_of_fifty_dials_at_the_edge_of_a_cap_no_more_go_out_than_it_pays_for(floor: Floor, whose: str) -> None:
    cap = ONE_CALL * 10.5
    if whose == "campaign":
        await floor.launch(people=50, config=priced(spend_cap=cap))
    else:
        limit = {"organization": "daily_spend_cap", "agent": "agent_daily_spend_cap"}[whose]
        await bound(floor, **{limit: cap})
        await floor.launch(people=50, config=priced())
    await dial_all(floor)
    assert len(floor.world.carrier.dialed) == 10
    assert (await purse(floor, whose))[1] == Decimal(str(PRICE)) * MINUTES * 10
    waiting = await floor.world.rows("SELECT reason, due_at FROM contacts WHERE state = 'pending'")
    assert {row.reason for row in waiting} == {"spend_cap"}
    assert all(row.due_at > floor.now for row in waiting)


async def test_what_a_call_did_not_need_is_free_again_and_what_it_cost_is_not(floor: Floor) -> None:
    campaign_id = await floor.launch(people=3, config=priced(spend_cap=ONE_CALL * 1.2))
    world = floor.world
    await floor.dial()
    (attempt,) = await floor.open_attempts()
    await floor.ends(attempt, EndedAs.BUSY)  # costs nothing
    assert await purse(floor, "campaign") == (NOTHING, NOTHING)
    floor.later(minutes=2)
    await floor.dial()
    (attempt,) = await floor.open_attempts()
    told = CarrierEvent(CarrierEventKind.ENDED, f"c-{attempt}", EndedAs.BUSY, cost="0.05")
    await carrier_says(world.database, world.organization_id, attempt, told, floor.now)
    assert await purse(floor, "campaign") == (Decimal("0.05"), NOTHING)
    floor.later(minutes=2)
    await floor.dial()
    assert len(await floor.open_attempts()) == 0
    assert len(world.carrier.dialed) == 2
    await floor.counted(campaign_id)


async def test_a_minute_begun_is_paid_where_the_carrier_does_not_say(floor: Floor) -> None:
    await floor.launch(people=1, config=priced(spend_cap=10))
    world = floor.world
    await floor.dial()
    (attempt,) = await floor.open_attempts()
    await calls.answered(world.database, world.organization_id, attempt, world.trunk, floor.now)
    floor.later(seconds=61)
    await floor.ends(attempt, EndedAs.COMPLETED)
    assert await purse(floor, "campaign") == (Decimal("0.04"), NOTHING)


async def test_a_dial_that_the_carrier_was_too_busy_for_holds_no_money(floor: Floor) -> None:
    await floor.launch(people=1, config=priced(spend_cap=10))
    floor.world.carrier.answers = [DialAnswer(Placed.BUSY_NOW, retry_after_seconds=5)]
    await floor.dial()
    assert await purse(floor, "campaign") == (NOTHING, NOTHING)
    floor.later(seconds=5)
    await floor.dial()
    assert await purse(floor, "campaign") == (NOTHING, Decimal(str(PRICE)) * MINUTES)


async def test_a_cap_without_a_price_lets_nothing_through(floor: Floor) -> None:
    await floor.launch(people=2, config=quick(spend_cap=100))
    await floor.dial()
    assert floor.world.carrier.dialed == []
    assert (await floor.contact()).reason == "price_unknown"


async def test_an_organizations_caps_hold_for_a_number_over_all_campaigns(floor: Floor) -> None:
    await bound(floor, max_number_calls_per_day=2)
    for name in ("Spring", "Summer", "Autumn"):
        await floor.launch(people=1, name=name, config=quick(retries={}))
        await floor.dial()
        for attempt in await floor.open_attempts():
            await floor.ends(attempt, EndedAs.NO_ANSWER)
        floor.later(minutes=1)
    assert len(floor.world.carrier.dialed) == 2
    reasons = await floor.world.rows("SELECT reason FROM contacts WHERE state = 'pending'")
    assert [row.reason for row in reasons] == ["number_cap"]


async def test_an_organizations_calls_at_a_time_hold_over_all_campaigns(floor: Floor) -> None:
    await bound(floor, max_concurrent_calls=7, calls_per_second=50)
    await floor.launch(people=10, name="Spring")
    await floor.launch_to([number(500 + index) for index in range(10)], name="Summer")
    await dial_all(floor)
    assert len(floor.world.carrier.dialed) == 7


async def test_each_caller_id_has_its_own_calls_a_second_and_at_a_time(floor: Floor) -> None:
    world = floor.world
    world.trunk_settings = {"caller_id_calls_per_second": 2, "caller_id_max_concurrent_calls": 5}
    await floor.launch(people=20)
    await dial_all(floor, rounds=3)
    assert len(world.carrier.dialed) <= 4
    for _ in range(10):
        floor.later(seconds=1)
        await floor.dial()
    assert len(world.carrier.dialed) == 5
    waiting = await world.rows("SELECT reason FROM contacts WHERE state = 'pending'")
    assert {row.reason for row in waiting} == {"caller_id_busy"}


async def test_a_stopped_campaign_leaves_no_money_aside(floor: Floor) -> None:
    campaign_id = await floor.launch(people=5, config=priced(spend_cap=100))
    await floor.dial()
    for attempt in await floor.open_attempts():
        await floor.ends(attempt, EndedAs.NO_ANSWER)
    await floor.reap()
    assert (await purse(floor, "campaign"))[1] == 0
    assert (await floor.counted(campaign_id))[ContactState.IN_PROGRESS] == 0
