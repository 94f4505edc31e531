"""Progressive pacing: as fast as people are free, and slower before too many calls are abandoned."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voiceera.rules.progressive import FEW, MOST_PER_PERSON, Record, calls_per_person, places

NEW = Record(0, 0, 0)


@pytest.mark.parametrize(
    ("people", "talking", "on_their_way", "record", "expected"),
    [
        (5, 0, 0, NEW, 5),  # nothing is known yet: one each
        (5, 3, 1, NEW, 1),
        (5, 5, 0, NEW, 0),
        (5, 6, 0, NEW, 0),  # one of them has left
        (5, 2, 7, NEW, 0),
        (10, 0, 0, Record(1000, 500, 0), 20),  # every other is answered
        (10, 0, 0, Record(10_000, 1000, 0), 30),  # one in ten, but never more than three each
        (10, 0, 0, Record(1000, 500, 10), 13),  # 2 of 3 %: slower
        (10, 0, 0, Record(1000, 500, 13), 10),  # 2.6 of 3 %: one each
        (10, 0, 0, Record(1000, 500, 15), 0),  # one more would be too many
    ],
)
def test_calls_are_placed_for_those_who_are_free(
    people: int, talking: int, on_their_way: int, record: Record, expected: int
) -> None:
    assert places(people, talking, on_their_way, record, 0.03) == expected


RECORDS = st.tuples(st.integers(0, 5000), st.floats(0, 1), st.floats(0, 0.1)).map(
    lambda drawn: Record(drawn[0], int(drawn[0] * drawn[1]), int(drawn[0] * drawn[1] * drawn[2]))
)


@settings(max_examples=200)
@given(RECORDS, st.floats(0.001, 0.1))
def test_the_pace_falls_with_every_call_that_is_abandoned(record: Record, most: float) -> None:
    worse = Record(record.placed, record.answered, min(record.answered, record.abandoned + 1))
    assert MOST_PER_PERSON >= calls_per_person(record, most) >= calls_per_person(worse, most) >= 0
    if record.answered >= FEW and record.share > most:
        assert calls_per_person(record, most) == 0


@pytest.mark.parametrize("answer_rate", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("people", [1, 5, 40])
def test_a_month_of_calls_stays_under_the_share(people: int, answer_rate: float) -> None:
    """Ten people, calls that ring some time and talk some time, and abandonment counted as the law counts it."""
    chance = random.Random(people)
    placed = answered = abandoned = 0
    ringing: list[int] = []
    talking: list[int] = []
    for tick in range(20_000):
        talking = [ends for ends in talking if ends > tick]
        for _ in [ends for ends in ringing if ends <= tick]:
            if chance.random() < answer_rate:
                answered += 1
                if len(talking) < people:
                    talking.append(tick + chance.randint(20, 200))
                else:
                    abandoned += 1
        ringing = [ends for ends in ringing if ends > tick]
        more = places(people, len(talking), len(ringing), Record(placed, answered, abandoned), 0.03)
        placed += more
        ringing += [tick + chance.randint(3, 20) for _ in range(more)]
        if answered >= FEW:
            assert abandoned / answered <= 0.03
    assert answered > 100
