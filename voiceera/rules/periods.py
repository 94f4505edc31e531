"""Days and hours on somebody's clock as instants, by the pinned `tzdata`: right in folds and gaps, too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_STEP = timedelta(days=1)
_PRECISION = timedelta(seconds=1)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a day begins."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def days_between(first: datetime, last: datetime, zone: ZoneInfo) -> list[date]:
    """Every day from that of `first` to that of `last`, both included."""
    day, end = first.astimezone(zone).date(), last.astimezone(zone).date()
    return [day + timedelta(days=index) for index in range((end - day).days + 1)]


def first_of(days: int, now: datetime, zone: ZoneInfo) -> datetime:
    """Where a period of so many days begins that ends with today."""
    return midnight(now.astimezone(zone).date() - timedelta(days=days - 1), zone)


@dataclass(frozen=True)
class Offset:
    """From `start` on, the zone's clock is `ahead` of UTC."""

    start: datetime
    ahead: timedelta


def offsets(first: datetime, last: datetime, zone: ZoneInfo) -> Sequence[Offset]:
    """How the zone's clock stands from `first` to `last`; the first offset starts at `first`."""
    return tuple(_offsets(first.astimezone(UTC), last.astimezone(UTC), zone))


def _offsets(first: datetime, last: datetime, zone: ZoneInfo) -> Iterator[Offset]:
    at, ahead = first, _ahead(first, zone)
    yield Offset(at, ahead)
    while at < last:
        after = min(at + _STEP, last)
        if (then := _ahead(after, zone)) != ahead:
            yield Offset(_change(at, after, zone), then)
            ahead = then
        at = after


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second, between the two, at which the clock is set."""
    ahead = _ahead(before, zone)
    while after - before > _PRECISION:
        middle = before + (after - before) / 2
        if _ahead(middle, zone) == ahead:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _ahead(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
