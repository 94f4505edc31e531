from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from voiceera.rules.csv_cells import csv_lines
from voiceera.rules.latency_bins import GROWTH, percentile
from voiceera.rules.periods import days_between, first_of, midnight, offsets

BERLIN, SANTIAGO = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Santiago")


@pytest.mark.parametrize("milliseconds", [1, 37, 612.5, 4_000, 59_999])
def test_a_percentile_is_off_by_a_fortieth_at_most(milliseconds: float) -> None:
    bin_ = next(n for n in range(400) if GROWTH**n <= milliseconds < GROWTH ** (n + 1))
    assert percentile([(bin_, 3)], 0.5) == pytest.approx(milliseconds, rel=0.025)


def test_percentiles_are_read_where_the_share_is_reached() -> None:
    bins = [(130, 1), (100, 90), (120, 9)]
    assert percentile(bins, 0.5) == percentile(bins, 0.9) == percentile([(100, 1)], 0.5)
    assert percentile(bins, 0.95) == percentile([(120, 1)], 0.5)
    assert percentile(bins, 1) == percentile([(130, 1)], 0.5)
    assert percentile([], 0.5) is None


def test_days_have_23_24_or_25_hours() -> None:
    for day, hours in ((date(2026, 3, 28), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        assert midnight(day + timedelta(days=1), BERLIN) - midnight(day, BERLIN) == timedelta(hours=hours)


def test_a_day_whose_midnight_the_clock_skips_begins_with_its_first_hour() -> None:
    begins = midnight(date(2026, 9, 6), SANTIAGO)
    assert begins.astimezone(SANTIAGO).hour == 1
    assert (begins - timedelta(seconds=1)).astimezone(SANTIAGO).date() == date(2026, 9, 5)


def test_a_period_of_days_ends_with_today_on_the_zones_calendar() -> None:
    now = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
    assert first_of(1, now, ZoneInfo("UTC")) == datetime(2026, 3, 10, tzinfo=UTC)
    assert first_of(7, now, ZoneInfo("Asia/Kolkata")) == datetime(2026, 3, 4, 18, 30, tzinfo=UTC)
    assert len(days_between(first_of(7, now, BERLIN), now, BERLIN)) == 7


def test_the_clocks_changes_are_found_to_the_second() -> None:
    winter, summer, again = offsets(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC), BERLIN)
    assert summer.start == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert again.start == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    assert (winter.ahead, summer.ahead, again.ahead) == (timedelta(hours=1), timedelta(hours=2), timedelta(hours=1))


def test_only_text_that_a_spreadsheet_could_run_is_changed() -> None:
    row = ["=1+1", "+1", "-1", "@x", "\tx", "a=1", "", None, -1, 2.5, True]
    assert csv_lines([row]) == "'=1+1,'+1,'-1,'@x,'\tx,a=1,,,-1,2.5,True\r\n"
    assert csv_lines([['a "b", c\nd']]) == '"a ""b"", c\nd"\r\n'
