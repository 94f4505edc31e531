"""A line or a campaign on which most dials fail rests, is tried by one call, and says why."""

from datetime import timedelta

from tests.dialing.floor import Floor
from tests.world import number, quick
from voiceera.providers.protocols import DialAnswer, Placed
from voiceera.rules.breakers import FAULTS, FIRST_WAIT

BROKEN = DialAnswer(Placed.REFUSED, reason="answered 500", fault=True)


async def dialed_within(floor: Floor, seconds: float, names: str = "ab") -> int:
    """By two dialers that take turns."""
    before, end = len(floor.world.carrier.dialed), floor.now + timedelta(seconds=seconds)
    while floor.now < end:
        for name in names:
            await floor.dial(name)
        floor.later(seconds=0.2)
    return len(floor.world.carrier.dialed) - before


async def told(floor: Floor) -> list[tuple[str, str]]:
    rows = await floor.world.rows("SELECT kind, message FROM campaign_events WHERE kind LIKE 'breaker%' ORDER BY id")
    return [(row.kind, row.message) for row in rows]


async def test_a_broken_line_is_left_alone_tried_by_one_call_and_used_again(floor: Floor) -> None:
    await floor.launch(people=60, config=quick(calls_per_second=5))
    works = floor.world.carrier.otherwise
    floor.world.carrier.otherwise = lambda dial: BROKEN
    opened_after = await dialed_within(floor, 5)
    assert FAULTS <= opened_after <= FAULTS + 5
    assert await dialed_within(floor, FIRST_WAIT.total_seconds() - 6) == 0
    assert await dialed_within(floor, 8) == 1
    assert await dialed_within(floor, 20) == 0
    floor.world.carrier.otherwise = works
    assert await dialed_within(floor, 10) > 5
    kinds = [kind for kind, _ in await told(floor)]
    assert kinds.count("breaker_closed") in (1, 2)
    line = [message for _, message in await told(floor) if message.startswith("The carrier's line: ")]
    assert "dials failed: answered 500. No dials until 16:00:" in line[0]
    assert "The call that tried it failed, too" in line[1]
    assert line[-1] == "The carrier's line: A call went through: it dials again."


async def test_calls_that_nobody_answers_and_numbers_that_do_not_exist_open_nothing(floor: Floor) -> None:
    await floor.launch(people=40, config=quick(calls_per_second=10))
    floor.world.carrier.otherwise = lambda dial: DialAnswer(Placed.REFUSED, invalid_number=True)
    assert await dialed_within(floor, 6) == 40
    assert await told(floor) == []


async def test_a_campaign_that_fails_alone_rests_alone(floor: Floor) -> None:
    summer = [number(500 + index) for index in range(80)]
    await floor.launch_to(summer, name="Summer", config=quick(calls_per_second=10))
    works = floor.world.carrier.otherwise
    floor.world.carrier.otherwise = lambda dial: works(dial) if dial.to in summer else BROKEN
    of_summer_alone = await dialed_within(floor, 2)
    await floor.launch(people=60, name="Spring", config=quick(calls_per_second=5))
    await dialed_within(floor, 5)
    of_summer = [dial for dial in floor.world.carrier.dialed if dial.to in summer]
    assert len(of_summer) > of_summer_alone + 15
    assert FAULTS <= len(floor.world.carrier.dialed) - len(of_summer) <= FAULTS + 5
    assert [message.partition(":")[0] for _, message in await told(floor)] == ["This campaign"]
