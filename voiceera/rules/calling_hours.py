"""When a contact may be called, on their clock.

Wall-clock windows are asked in one direction only: an instant is turned into local time and looked up, which has no
gaps and no folds. The next opening is searched among the few instants at which the answer can change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

_DAY_MINUTES = 1440
_EASTERNMOST = timedelta(hours=15)
"""By how much a day begins earlier somewhere than at Greenwich, at most: nothing that it changes comes before."""
_HORIZON_DAYS = 16
"""Further ahead nothing is searched but for holidays: a week repeats, and a clock change skips one opening."""


class UnknownZone(ValueError):
    pass


@lru_cache(maxsize=600)
def zone(name: str) -> ZoneInfo:
    """The zone by its IANA name, from the pinned tzdata alone. Raises UnknownZone."""
    parts = name.split("/")
    if not all(part and part.replace("_", "").replace("-", "").replace("+", "").isalnum() for part in parts):
        raise UnknownZone(name)
    try:
        with resources.files("tzdata.zoneinfo").joinpath(*parts).open("rb") as file:
            return ZoneInfo.from_file(file, key=name)
    except (OSError, ValueError) as problem:
        raise UnknownZone(name) from problem


@dataclass(frozen=True)
class CallingHours:
    """`intervals`: (weekday with Monday 0, start minute, end minute); what lies past 1,440 is on the next day, and
    belongs, as a holiday too, to the day before."""

    intervals: tuple[tuple[int, int, int], ...]
    holidays: frozenset[date] = frozenset()

    def within(self, start: int, end: int) -> "CallingHours":
        """These hours as far as they lie between two minutes of the day, on whichever day."""
        pieces = (
            (weekday, max(opens, start + day), min(closes, end + day))
            for weekday, opens, closes in self.intervals
            for day in (0, _DAY_MINUTES)
        )
        return CallingHours(tuple(piece for piece in pieces if piece[1] < piece[2]), self.holidays)

    def is_open(self, instant: datetime, zones: tuple[ZoneInfo, ...]) -> bool:
        """Whether every one of `zones` may be called at `instant`; no zone known: no."""
        return bool(zones) and all(
            _is_open_in(self, instant.replace(second=0, microsecond=0), zone) for zone in zones
        )

    def next_open(self, instant: datetime, zones: tuple[ZoneInfo, ...]) -> datetime | None:
        """The first instant from `instant` on at which every zone is open; None: never."""
        return self._next(instant, zones, is_open=True)

    def next_close(self, instant: datetime, zones: tuple[ZoneInfo, ...]) -> datetime | None:
        """The first instant from `instant` on at which some zone is closed; None: never."""
        return self._next(instant, zones, is_open=False)

    def _next(self, instant: datetime, zones: tuple[ZoneInfo, ...], *, is_open: bool) -> datetime | None:
        if self.is_open(instant, zones) is is_open:
            return instant
        if not zones or not self.intervals:
            return None
        day = instant.date() - timedelta(days=2)
        changes: set[datetime] = set()
        for _ in range(_HORIZON_DAYS + 7 * len(self.holidays)):
            changes |= {change for where in zones for change in self._changes(day, where) if change > instant}
            day += timedelta(days=1)
            begins_somewhere = datetime.combine(day, time(), UTC) - _EASTERNMOST
            for change in sorted(each for each in changes if each < begins_somewhere):
                if self.is_open(change, zones) is is_open:
                    return change
            changes = {each for each in changes if each >= begins_somewhere}
        return None

    def opens_on(self, day: date, weekday: int) -> bool:
        """Whether this weekday's windows hold on `day`."""
        return day.weekday() == weekday and day not in self.holidays

    def _changes(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        """Every instant at which a local `day`'s windows may open or close: their edges on the wall clock, each of
        the two in a fold, and the moment at which the zone puts its clock forward or back."""
        yield from _clock_changes(day, zone)
        for weekday, *edges in self.intervals:
            if self.opens_on(day, weekday):
                for minute in edges:
                    midnight = datetime.combine(day + timedelta(days=minute // _DAY_MINUTES), time())
                    wall = midnight + timedelta(minutes=minute % _DAY_MINUTES)
                    for fold in (0, 1):
                        yield wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


@lru_cache(maxsize=4096)
def _is_open_in(hours: CallingHours, minute: datetime, zone: ZoneInfo) -> bool:
    """Of a whole minute, so that thousands of dials ask once."""
    local = minute.astimezone(zone)
    passed = local.hour * 60 + local.minute
    today, yesterday = local.date(), local.date() - timedelta(days=1)
    return any(
        (hours.opens_on(today, weekday) and start <= passed < end)
        or (hours.opens_on(yesterday, weekday) and start <= passed + _DAY_MINUTES < end)
        for weekday, start, end in hours.intervals
    )


@lru_cache(maxsize=4096)
def _clock_changes(day: date, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The instant, if there is one, at which the zone's offset changes during the UTC day, to the second."""
    low = datetime.combine(day, time(), UTC)
    high = low + timedelta(days=1)
    before = low.astimezone(zone).utcoffset()
    if before == high.astimezone(zone).utcoffset():
        return ()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return (high,)
