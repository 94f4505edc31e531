"""When somebody may be called, on their clock: held to a judge that only adds an offset to an instant."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voiceera.rules.calling_hours import CallingHours, UnknownZone, zone

MINUTE = timedelta(minutes=1)
DAYS = tuple(range(7))
WORKING = CallingHours(tuple((day, 9 * 60, 20 * 60) for day in DAYS))
FIRST, LAST = datetime(2021, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)


def judged(hours: CallingHours, instant: datetime, zones: tuple[ZoneInfo, ...]) -> bool:
    """The definition, without a wall clock that is turned back into an instant."""
    return bool(zones) and all(_judged_in(hours, instant, each) for each in zones)


def _judged_in(hours: CallingHours, instant: datetime, where: ZoneInfo) -> bool:
    offset = instant.astimezone(where).utcoffset()
    assert offset is not None
    local = instant.replace(tzinfo=None) + offset
    for back in (0, 1):
        day = local.date() - timedelta(days=back)
        minute = (local - datetime(day.year, day.month, day.day)) // MINUTE
        if day not in hours.holidays and any(
            day.weekday() == weekday and start <= minute < end for weekday, start, end in hours.intervals
        ):
            return True
    return False


@cache
def zone_names() -> tuple[str, ...]:
    """All of the pinned tzdata."""
    return tuple(resources.files("tzdata").joinpath("zones").read_text().split())


def clock_changes(where: ZoneInfo) -> Iterator[datetime]:
    """Every instant of ten years at which the zone's offset changes, to the second."""
    step = timedelta(days=7)
    low = FIRST
    while low < LAST:
        before = low.astimezone(where).utcoffset()
        if before != (low + step).astimezone(where).utcoffset():
            early, late = low, low + step
            while late - early > timedelta(seconds=1):
                middle = early + (late - early) // 2
                early, late = (middle, late) if middle.astimezone(where).utcoffset() == before else (early, middle)
            yield late
        low += step


# ── examples ─────────────────────────────────────────────────────────────────────────────────────────────────────

NEW_YORK, KOLKATA, LORD_HOWE = (zone(name) for name in ("America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"))


@pytest.mark.parametrize(
    ("where", "intervals", "instant", "expected"),
    [
        # 2:30 does not exist on that day: the hour that is skipped is in no window
        (NEW_YORK, ((6, 150, 210),), "2026-03-08T06:59:59", False),
        (NEW_YORK, ((6, 150, 210),), "2026-03-08T07:00:00", True),  # 3:00
        (NEW_YORK, ((6, 120, 180),), "2026-03-08T07:00:00", False),
        # 1:30 comes twice: both count
        (NEW_YORK, ((6, 90, 100),), "2026-11-01T05:30:00", True),
        (NEW_YORK, ((6, 90, 100),), "2026-11-01T06:30:00", True),
        (NEW_YORK, ((6, 90, 100),), "2026-11-01T06:40:00", False),
        # over midnight, of the day before
        (NEW_YORK, ((0, 22 * 60, 26 * 60),), "2026-03-10T05:59:00", True),
        (NEW_YORK, ((0, 22 * 60, 26 * 60),), "2026-03-10T06:00:00", False),
        # half an hour off, and a clock that changes by half an hour
        (KOLKATA, ((1, 540, 1260),), "2026-03-10T03:30:00", True),
        (KOLKATA, ((1, 540, 1260),), "2026-03-10T03:29:59", False),
        (LORD_HOWE, ((6, 120, 150),), "2026-10-03T15:30:00", False),  # 2:30, after the gap
    ],
)
def test_windows_are_on_the_callees_clock(
    where: ZoneInfo, intervals: tuple[tuple[int, int, int], ...], instant: str, expected: bool
) -> None:
    hours = CallingHours(intervals)
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert hours.is_open(at, (where,)) is judged(hours, at, (where,)) is expected


def test_a_window_that_a_skipped_hour_swallows_opens_a_week_later() -> None:
    hours = CallingHours(((6, 120, 180),))
    opening = hours.next_open(datetime(2026, 3, 7, 12, tzinfo=UTC), (NEW_YORK,))
    assert opening == datetime(2026, 3, 15, 6, tzinfo=UTC)


def test_a_holiday_closes_also_what_it_would_have_opened_after_midnight() -> None:
    hours = CallingHours(((0, 22 * 60, 26 * 60),), frozenset({date(2026, 3, 9)}))
    assert not hours.is_open(datetime(2026, 3, 10, 4, 30, tzinfo=UTC), (NEW_YORK,))
    assert hours.next_open(datetime(2026, 3, 9, 12, tzinfo=UTC), (NEW_YORK,)) == datetime(2026, 3, 17, 2, tzinfo=UTC)


def test_of_several_zones_all_must_be_open() -> None:
    both = (NEW_YORK, zone("America/Los_Angeles"))
    noon = datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert WORKING.next_open(noon, both) == datetime(2026, 3, 10, 16, tzinfo=UTC)
    assert WORKING.next_close(datetime(2026, 3, 10, 17, tzinfo=UTC), both) == datetime(2026, 3, 11, 0, tzinfo=UTC)


def test_where_no_zone_is_known_it_is_never_open() -> None:
    assert not WORKING.is_open(FIRST, ()) and WORKING.next_open(FIRST, ()) is None


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../etc/passwd", "America/", "America", "zone1970.tab", "NEW/YORK"]
)
def test_what_is_no_zone_is_said_to_be_none(name: str) -> None:
    with pytest.raises(UnknownZone):
        zone(name)


def test_hours_are_cut_to_those_of_the_law_also_past_midnight() -> None:
    hours = CallingHours(((0, 6 * 60, 24 * 60), (1, 20 * 60, 34 * 60), (2, 22 * 60, 24 * 60)))
    assert hours.within(8 * 60, 21 * 60).intervals == (
        (0, 8 * 60, 21 * 60),
        (1, 20 * 60, 21 * 60),
        (1, 32 * 60, 34 * 60),
    )


# ── random hours against the judge ───────────────────────────────────────────────────────────────────────────────

INTERVALS = st.tuples(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440)).map(
    lambda drawn: (drawn[0], drawn[1], drawn[1] + drawn[2])
)
HOURS = st.builds(
    CallingHours,
    st.lists(INTERVALS, max_size=6).map(tuple),
    st.frozensets(st.dates(date(2026, 3, 1), date(2026, 4, 15)), max_size=3),
)
ZONES = st.lists(st.sampled_from(zone_names()).map(zone), min_size=1, max_size=3).map(tuple)
INSTANTS = st.datetimes(datetime(2026, 3, 1), datetime(2026, 4, 10)).map(lambda drawn: drawn.replace(tzinfo=UTC))


@settings(max_examples=60, deadline=None)
@given(HOURS, ZONES, INSTANTS)
def test_the_next_opening_is_the_first_and_the_next_closing_too(
    hours: CallingHours, zones: tuple[ZoneInfo, ...], instant: datetime
) -> None:
    whole = instant.replace(second=0, microsecond=0) + MINUTE
    minutes = [instant, *(whole + ahead * MINUTE for ahead in range(3 * 1440))]
    is_open = [judged(hours, each, zones) for each in minutes]
    for found, wanted in ((hours.next_open(instant, zones), True), (hours.next_close(instant, zones), False)):
        first = next((each for each, state in zip(minutes, is_open, strict=True) if state is wanted), None)
        if first is not None:
            assert found == first
        else:
            assert found is None or found > minutes[-1]
        assert found is None or hours.is_open(found, zones) is wanted


@settings(max_examples=60, deadline=None)
@given(HOURS, ZONES, INSTANTS, st.integers(0, 1439), st.integers(1, 1440))
def test_cut_hours_are_open_where_both_are(
    hours: CallingHours, zones: tuple[ZoneInfo, ...], instant: datetime, start: int, length: int
) -> None:
    end = min(1440, start + length)
    daily = CallingHours(tuple((day, start, end) for day in DAYS))
    for hour in range(0, 72, 3):
        at = instant + timedelta(hours=hour, minutes=hour)
        both = judged(hours, at, zones) and judged(daily, at, zones)
        assert hours.within(start, end).is_open(at, zones) is both


# ── every zone, every clock change of ten years ──────────────────────────────────────────────────────────────────


def swept(request: pytest.FixtureRequest) -> list[str]:
    """All zones with `--full-sweep`, else a sample of them that stays the same."""
    if request.config.getoption("--full-sweep"):
        return list(zone_names())
    return ["Africa/Casablanca", "Australia/Lord_Howe", "Asia/Gaza", *random.Random(1).sample(zone_names(), 12)]


def test_around_every_clock_change_nobody_is_called_outside_their_hours(request: pytest.FixtureRequest) -> None:
    nightly = CallingHours(tuple((day, 22 * 60, 27 * 60) for day in DAYS))  # until 3:00, over most changes
    narrow = CallingHours(tuple((day, start, start + 15) for day in DAYS for start in (0, 45, 90, 135, 180)))
    changes = 0
    for name in swept(request):
        where = (zone(name),)
        for change in clock_changes(where[0]):
            changes += 1
            for hours in (WORKING, nightly, narrow):
                _hold_to_judge(hours, change, where)
    assert changes > 80


def _hold_to_judge(hours: CallingHours, change: datetime, where: tuple[ZoneInfo, ...]) -> None:
    for minutes in (*range(-1500, 1500, 113), -61, -31, -1, 0, 1, 29, 59):
        at = change + minutes * MINUTE
        assert hours.is_open(at, where) is judged(hours, at, where), (where, at)
        opening, closing = hours.next_open(at, where), hours.next_close(at, where)
        assert opening is not None and judged(hours, opening, where), (where, at)
        assert closing is not None and not judged(hours, closing, where), (where, at)
        just_before = timedelta(seconds=1)
        assert opening == at or not judged(hours, opening - just_before, where), (where, at)
        assert closing == at or judged(hours, closing - just_before, where), (where, at)
