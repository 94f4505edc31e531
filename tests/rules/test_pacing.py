"""Nested limits: whoever asks, and however late, no second ever holds more calls than any of them allows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voiceera.rules.pacing import (
    FASTEST_PACE,
    ON_THE_WAY,
    SEND_WITHIN,
    SLOWEST_PACE,
    Limit,
    Pace,
    free_places,
    starts,
    with_starts,
)

NOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def limit(per_second: float, concurrent: int = 1000) -> Limit:
    return Limit(concurrent, 0, per_second)


@dataclass
class Line:
    """Nested limits that several dialers share, and what has arrived at the carrier through each."""

    limits: dict[str, Limit]
    arrived: dict[str, list[datetime]] = field(default_factory=dict)

    def ask(self, names: Sequence[str], at_most: int, now: datetime) -> list[datetime]:
        found = starts([self.limits[name] for name in names], at_most, now)
        for name in names:
            self.limits[name] = replace(self.limits[name], starts=with_starts(self.limits[name], found, now))
        return found

    def arrive(self, names: Sequence[str], instants: Sequence[datetime]) -> None:
        for name in names:
            self.arrived.setdefault(name, []).extend(instants)


def most_in_any_second(instants: Sequence[datetime]) -> int:
    ordered = sorted(instants)
    most = first = 0
    for last, instant in enumerate(ordered):
        while instant - ordered[first] >= SECOND:
            first += 1
        most = max(most, last - first + 1)
    return most


CASES = [
    # calls a second, at most in any second, at least in ten seconds of steady asking
    (0.1, 1, 1),
    (0.5, 1, 5),
    (1.0, 1, 8),
    (1.9, 1, 8),
    (2.5, 2, 16),
    (7.0, 7, 56),
    (50.0, 50, 420),
    (1000.0, 1000, 8400),
]


@pytest.mark.parametrize(("rate", "at_most", "at_least"), CASES)
def test_a_rate_is_kept_in_every_second_and_nearly_used_up(rate: float, at_most: int, at_least: int) -> None:
    line = Line({"trunk": limit(rate)})
    given: list[datetime] = []
    for step in range(50):
        given += line.ask(["trunk"], 1000, NOON + step * timedelta(milliseconds=200))
    assert most_in_any_second(given) <= at_most
    assert len(given) >= at_least


def test_unused_seconds_are_not_saved_up() -> None:
    line = Line({"trunk": limit(10)})
    line.ask(["trunk"], 10, NOON)
    later = NOON + timedelta(hours=1)
    assert len(line.ask(["trunk"], 1000, later) + line.ask(["trunk"], 1000, later + SECOND / 4)) <= 10


def test_campaigns_share_a_trunk_without_waiting_for_each_other() -> None:
    line = Line({"trunk": limit(20), "spring": limit(10), "summer": limit(10)})
    counts = {"spring": 0, "summer": 0}
    for step in range(50):
        for name in counts:
            counts[name] += len(line.ask(["trunk", name], 100, NOON + step * timedelta(milliseconds=200)))
    assert all(count >= 80 for count in counts.values())


@pytest.mark.parametrize(
    ("concurrent", "is_open", "media_room", "places"), [(5, 3, 10, 2), (5, 3, 1, 1), (5, 7, 10, 0), (5, 0, 0, 0)]
)
def test_places_are_what_the_narrowest_limit_has_left(
    concurrent: int, is_open: int, media_room: int, places: int
) -> None:
    assert free_places((Limit(100, 0, 1), Limit(concurrent, is_open, 1)), media_room) == places


RATES = st.one_of(st.sampled_from([0.3, 1.0, 1.5, 2.0, 5.0, 50.0]), st.floats(0.2, 120))
ASKS = st.lists(
    st.tuples(
        st.integers(0, 400),  # milliseconds since somebody asked last
        st.sampled_from(["spring", "summer"]),
        st.sampled_from(["+1", "+2"]),
        st.integers(0, 60),  # calls that fit
        st.integers(-30, 30),  # by how many milliseconds this dialer's clock is off from the one before
        st.lists(st.integers(0, 150), min_size=1, max_size=7),  # how late its calls arrive, in turn
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(("acme", "trunk", "+1", "+2", "spring", "summer"), RATES)), ASKS)
def test_no_interleaving_of_dialers_passes_any_limit_in_any_second(
    rates: dict[str, float], asks: list[tuple[int, str, str, int, int, list[int]]]
) -> None:
    line = Line({name: limit(rate) for name, rate in rates.items()})
    now = NOON
    for pause, campaign, caller_id, fit, off, late in asks:
        now += timedelta(milliseconds=pause)
        names = ["acme", "trunk", caller_id, campaign]
        given = line.ask(names, fit, now + timedelta(milliseconds=off))
        assert len(given) <= fit
        lateness = [min(timedelta(milliseconds=ms), SEND_WITHIN + ON_THE_WAY) for ms in late]
        line.arrive(names, [start + lateness[place % len(lateness)] for place, start in enumerate(given)])
    for name, arrived in line.arrived.items():
        assert most_in_any_second(arrived) <= max(1, int(rates[name])), name


# ── a dialer's own pace ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "sent", "late", "after"),
    [
        (Pace(200), 180, 0, Pace(300)),  # as much as it may: faster, by half while it was never late
        (Pace(200, was_late=True), 180, 9, Pace(220, was_late=True)),
        (Pace(200), 180, 10, Pace(200)),  # hardly late: it stays
        (Pace(200), 100, 0, Pace(200)),  # others bound it: nothing was found out
        (Pace(200), 0, 0, Pace(200)),
        (Pace(200), 180, 60, Pace(140, was_late=True)),
        (Pace(SLOWEST_PACE), 20, 20, Pace(SLOWEST_PACE, was_late=True)),
        (Pace(FASTEST_PACE), 4500, 0, Pace(FASTEST_PACE)),
    ],
)
def test_a_dialer_goes_as_fast_as_its_calls_are_ready_in_time(
    before: Pace, sent: int, late: int, after: Pace
) -> None:
    found = before.after(1.0, sent, late)
    assert (round(found.per_second, 6), found.was_late) == (after.per_second, after.was_late)


@pytest.mark.parametrize("able", [35, 90, 700])
def test_a_pace_settles_near_what_the_machine_is_able_to_do(able: int) -> None:
    """Whatever goes beyond it is late."""
    pace, settled = Pace(), []
    for second in range(120):
        pace = pace.after(1.0, int(pace.per_second), max(0, int(pace.per_second) - able))
        settled += [pace.per_second] if second >= 60 else []
    assert 0.6 * able <= min(settled) and max(settled) <= 1.4 * able
