"""News of carriers comes in slices: what one slice does equals what its news do one by one."""

import random
from uuid import UUID

import pytest

from tests.dialing.floor import Floor
from tests.world import number
from voiceera.providers.protocols import CarrierEvent, CarrierEventKind, EndedAs
from voiceera.services.carrier_events import News, rounds, take_in_slice
from voiceera.services.carrier_news import Proof, Replayed

_ENDS = (EndedAs.BUSY, EndedAs.NO_ANSWER, EndedAs.INVALID, EndedAs.CANCELED, EndedAs.FAILED)


def test_news_of_one_attempt_wait_for_what_came_before(floor: Floor) -> None:
    first, second = floor.world.organization_id, floor.world.agent_id
    rings, ends = (CarrierEvent(kind, None) for kind in (CarrierEventKind.RINGING, CarrierEventKind.ENDED))
    news = [News(who, event, floor.now) for who, event in ((first, rings), (second, rings), (first, ends))]
    assert rounds(news) == [news[:2], news[2:]]
    assert rounds([]) == []


def _story(floor: Floor, attempts: list[UUID], seed: int) -> list[News]:
    """Each rings and ends, in the order of its own but mixed with the others'; some of it twice."""
    dice = random.Random(seed)
    stories = []
    for place, attempt in enumerate(attempts):
        name = f"c-{place}"
        ended = CarrierEvent(CarrierEventKind.ENDED, name, _ENDS[place % len(_ENDS)], cost="0.01")
        stories.append([News(attempt, CarrierEvent(CarrierEventKind.RINGING, name), floor.now)])
        stories[-1] += [News(attempt, ended, floor.now)] * dice.choice((1, 2))
    turns = [place for place, story in enumerate(stories) for _ in story]
    dice.shuffle(turns)
    waiting = [iter(story) for story in stories]
    return [next(waiting[place]) for place in turns]


async def _rows(floor: Floor) -> list[tuple[object, ...]]:
    told = await floor.world.rows("""
        SELECT c.phone_number, c.state, c.reason, c.attempts, c.faults, c.last_outcome, a.state AS of_attempt,
               a.outcome, a.consumed, a.ended_as, a.carrier_call_id, l.status, l.cost, l.hangup_cause,
               a.ringing_at IS NULL, l.duration_seconds, l.error, c.due_at - a.ended_at
        FROM contacts c JOIN attempts a ON a.contact_id = c.id JOIN calls l ON l.id = a.id
    """)
    return sorted(tuple(row) for row in told)


@pytest.mark.parametrize("seed", range(3))
async def test_a_slice_does_what_its_news_do_one_by_one(floor: Floor, seed: int) -> None:
    """Two campaigns of the same people: one is told all at once, the other piece by piece."""
    world, left = floor.world, []
    for numbers, at_once in ((range(20), True), (range(20, 40), False)):
        await floor.launch_to([number(index) for index in numbers], f"At once: {at_once}")
        await floor.dial()
        attempts = await floor.open_attempts()
        slices = [_story(floor, attempts, seed)]
        if not at_once:
            slices = [[news] for news in slices[0]]
        for news in slices:
            known = await take_in_slice(world.database, None, world.organization_id, news)
            assert known == [True] * len(news)
        left.append([row[1:] for row in await _rows(floor) if row[0] in {number(index) for index in numbers}])
    assert left[0] == left[1]
    assert {row[6] for row in left[0]} == {"busy", "no_answer", "invalid", "canceled", "failed"}


async def test_a_request_counts_once_also_within_a_slice(floor: Floor) -> None:
    world = floor.world
    await floor.launch(2)
    await floor.dial()
    first, second = await floor.open_attempts()
    rings = CarrierEvent(CarrierEventKind.RINGING, "c-1")
    news = [News(attempt, rings, floor.now, Proof(b"a")) for attempt in (first, second)]
    told = await take_in_slice(world.database, None, world.organization_id, [*news, News(second, rings, floor.now)])
    assert told[0] is True and isinstance(told[1], Replayed) and told[2] is True
    (again,) = await take_in_slice(world.database, None, world.organization_id, news[:1])
    assert isinstance(again, Replayed)
