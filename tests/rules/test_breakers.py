"""The circuit breaker's moves as a table, and what holds of any story that it hears."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voiceera.rules.breakers import (
    FAULTS,
    FIRST_WAIT,
    LONGEST_WAIT,
    MANY_FAULTS,
    PROBE_WITHIN,
    WINDOW,
    Breaker,
    BreakerState,
    Heard,
    heard,
    may_dial,
    probed,
    story,
)

NOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
FAILING = Breaker(CLOSED, NOON, dials=FAULTS - 1, faults=FAULTS - 1)
OPENED = Breaker(OPEN, NOON, FAULTS, FAULTS, NOON + FIRST_WAIT, rounds=1)
PROBED = probed(OPENED, NOON + FIRST_WAIT)
GOOD, FAULT, NOTHING = Heard(good=1), Heard(faults=1, reason="answered 500"), Heard()


@pytest.mark.parametrize(
    ("breaker", "news", "state"),
    [
        (Breaker(), GOOD, CLOSED),
        (Breaker(), FAULT, CLOSED),
        (Breaker(), Heard(faults=FAULTS), CLOSED),  # others may know better
        (Breaker(), Heard(faults=MANY_FAULTS), OPEN),
        (Breaker(), Heard(good=FAULTS + 1, faults=FAULTS), CLOSED),  # less than half
        (FAILING, FAULT, OPEN),
        (FAILING, GOOD, CLOSED),
        (OPENED, FAULT, OPEN),
        (OPENED, GOOD, OPEN),
        (PROBED, GOOD, CLOSED),
        (PROBED, FAULT, OPEN),
        (PROBED, Heard(good=3, faults=1), OPEN),
        (PROBED, NOTHING, HALF_OPEN),
    ],
)
def test_each_state_hears_what_it_should(breaker: Breaker, news: Heard, state: BreakerState) -> None:
    assert heard(breaker, news, NOON + FIRST_WAIT).state is state


def test_faults_that_lie_far_apart_do_not_add_up() -> None:
    breaker = Breaker()
    for minutes in range(50):
        breaker = heard(breaker, FAULT, NOON + minutes * (WINDOW / 2 + timedelta(seconds=1)))
    assert breaker.state is CLOSED and breaker.faults < FAULTS


def test_while_it_is_open_nothing_is_dialled_and_then_one_call_at_a_time() -> None:
    assert may_dial(Breaker(), NOON) is None
    assert may_dial(OPENED, NOON) == 0
    assert may_dial(OPENED, NOON + FIRST_WAIT) == 1
    assert may_dial(PROBED, NOON + FIRST_WAIT) == 0
    assert may_dial(PROBED, NOON + FIRST_WAIT + PROBE_WITHIN) == 1


def test_each_failed_probe_makes_it_wait_twice_as_long_up_to_a_bound() -> None:
    breaker, waits, now = OPENED, [FIRST_WAIT], NOON
    for _ in range(8):
        assert breaker.next_at is not None
        now = breaker.next_at
        breaker = heard(probed(breaker, now), FAULT, now)
        assert breaker.next_at is not None
        waits.append(breaker.next_at - now)
    assert waits == [min(LONGEST_WAIT, FIRST_WAIT * 2**n) for n in range(9)]


def test_the_campaigns_events_say_why() -> None:
    opened = heard(FAILING, FAULT, NOON + timedelta(seconds=1))
    assert story(FAILING, opened) == (
        "5 of 5 dials failed: answered 500. No dials until 16:00:16 UTC, then one to try."
    )
    assert story(opened, probed(opened, NOON)) is None
    assert story(PROBED, heard(PROBED, GOOD, NOON)) == "A call went through: it dials again."


STEPS = st.lists(st.tuples(st.floats(0, 30), st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=60)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_any_number_of_dialers_never_probe_twice_at_once_and_a_working_line_closes_it(
    steps: list[tuple[float, int, int, bool]],
) -> None:
    breaker, now = Breaker(), NOON
    probe_at: datetime | None = None
    for seconds, good, faults, asks in steps:
        now += timedelta(seconds=seconds)
        if asks and may_dial(breaker, now) == 1:
            assert probe_at is None or breaker.state is OPEN or now - probe_at >= PROBE_WITHIN
            breaker, probe_at = probed(breaker, now), now
        moved = heard(breaker, Heard(good, faults), now)
        assert (breaker.state, moved.state) in {
            *((state, state) for state in BreakerState),
            (CLOSED, OPEN),
            (HALF_OPEN, OPEN),
            (HALF_OPEN, CLOSED),
        }
        breaker = moved
    now += LONGEST_WAIT
    if may_dial(breaker, now) == 1:
        breaker = heard(probed(breaker, now), GOOD, now)
    assert may_dial(breaker, now) is None
