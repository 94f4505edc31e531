"""Which number a call comes from."""

from collections import Counter
from datetime import timedelta

import pytest

from tests.world import NOON, number
from voiceera.rules.caller_ids import CallerId, Record, Tally, free_at, in_order, to_rest

WASHINGTON, WASHINGTON_2, DENVER, LONDON = "+12025550100", "+12025550101", "+13035550100", "+442079460100"
HOUR = timedelta(hours=1)


def pool(*numbers: str) -> list[CallerId]:
    return [CallerId(number) for number in numbers]


def chosen(pool: list[CallerId], to: str, **wishes: object) -> str | None:
    found = in_order(pool, to, NOON, **wishes)  # type: ignore[arg-type]
    return found[0].number if found else None


@pytest.mark.parametrize(
    ("to", "number"),
    [
        ("+12025550199", WASHINGTON),
        ("+13035550199", DENVER),
        ("+442079460999", LONDON),
        ("+441214960000", LONDON),
    ],
)
def test_a_call_comes_from_the_callees_own_area_else_from_their_country(to: str, number: str) -> None:
    assert chosen(pool(LONDON, WASHINGTON, DENVER), to) == number
    assert chosen(pool(DENVER, LONDON, WASHINGTON), to) == number


def test_nobody_local_means_anybody() -> None:
    assert chosen(pool(LONDON, WASHINGTON), "+919876543210") in (LONDON, WASHINGTON)
    assert chosen([], "+919876543210") is None


def test_without_local_presence_all_are_alike() -> None:
    far = Counter(
        chosen(pool(WASHINGTON, DENVER, LONDON), number(index), local_presence=False) for index in range(900)
    )
    assert all(250 < times < 350 for times in far.values())


def test_a_contact_is_rung_from_the_number_of_the_last_time() -> None:
    assert chosen(pool(WASHINGTON, DENVER), "+12025550199", previous=DENVER) == DENVER
    assert chosen(pool(WASHINGTON), "+12025550199", previous=DENVER) == WASHINGTON, "it is no longer ours"


def test_a_number_more_moves_only_its_own_share_of_the_contacts() -> None:
    before = {to: chosen(pool(WASHINGTON, WASHINGTON_2), to) for to in map(number, range(1000))}
    more = pool("+12025550102", WASHINGTON_2, WASHINGTON)
    moved = {to for to, was in before.items() if chosen(more, to) != was}
    assert {chosen(more, to) for to in moved} == {"+12025550102"}
    assert 250 < len(moved) < 420


def test_a_number_at_its_cap_is_left_out_until_its_oldest_call_is_a_day_old() -> None:
    full = CallerId(WASHINGTON, daily_cap=3, dials=3, oldest_at=NOON - HOUR)
    assert chosen([full, *pool(DENVER)], "+12025550199", previous=WASHINGTON) == DENVER
    assert free_at([full], NOON) == NOON + timedelta(hours=23)
    assert free_at([full, *pool(DENVER)], NOON) == NOON
    assert CallerId(WASHINGTON, daily_cap=3, dials=2, oldest_at=NOON - HOUR).free_at(NOON) == NOON
    assert free_at([], NOON) is None


def test_a_number_that_rests_is_left_out_until_it_has_rested() -> None:
    resting = CallerId(WASHINGTON, resting_until=NOON + HOUR)
    assert chosen([resting, *pool(DENVER)], "+12025550199") == DENVER
    assert free_at([resting], NOON) == NOON + HOUR
    assert in_order([resting], "+12025550199", NOON + HOUR) == [resting]


# ── rests ────────────────────────────────────────────────────────────────────────────────────────────────────────


def record(recent: tuple[int, int], before: tuple[int, int] = (240, 800), number: str = WASHINGTON) -> Record:
    return Record(number, Tally(recent[1], recent[0]), Tally(before[1], before[0]))


STEADY = record((60, 200), number=DENVER)
"""Thirty in a hundred, as ever."""


@pytest.mark.parametrize(
    ("recent", "before", "rests"),
    [
        ((20, 200), (240, 800), True),  # 30 % became 10 %
        ((52, 200), (240, 800), False),  # 26 %: not by much
        ((5, 40), (240, 800), False),  # too few to say
        ((20, 200), (12, 40), False),  # nothing to compare with
        ((9, 50), (15, 50), False),  # may be chance
        ((0, 60), (240, 800), True),  # nobody at all
        ((0, 200), (0, 800), False),  # nobody ever
    ],
)
def test_a_number_rests_when_its_answer_rate_falls_by_much_and_not_by_chance(
    recent: tuple[int, int], before: tuple[int, int], rests: bool
) -> None:
    worn = record(recent, before)
    assert to_rest([worn, STEADY]) == ([worn] if rests else [])


def test_an_hour_at_which_nobody_answers_is_no_numbers_fault() -> None:
    worn = record((20, 200))
    assert to_rest([worn, record((22, 200), number=DENVER)]) == []


def test_an_only_number_never_rests_and_of_many_at_most_half_the_worst() -> None:
    worn = record((20, 200))
    assert to_rest([worn]) == []
    steady = [record((300, 1000), (300, 1000), number=f"+1303555{index:04d}") for index in range(2)]
    worst = record((10, 200), number=DENVER)
    assert to_rest([worn, worst, *steady]) == [worst, worn]
    assert to_rest([worn, worst, steady[0]]) == [worst]
    assert to_rest([worn, *steady], resting=1) == [worn]
    assert to_rest([worn, steady[0]], resting=1) == []
