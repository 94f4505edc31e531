"""How many calls to place now, and at which instants."""

from dataclasses import dataclass
from datetime import datetime, timedelta

HORIZON = timedelta(milliseconds=400)
"""Starts are handed out this far ahead: long enough to keep dialling between two looks at the database, short
enough that a pause acts at once."""


@dataclass(frozen=True)
class Limit:
    """One of the nested limits (campaign, trunk): calls at a time, new calls a second, and the instant before which
    it lets no further call start (unused seconds are not saved up)."""

    concurrent: int
    open: int
    per_second: float
    next_at: datetime


def free_places(limits: tuple[Limit, ...], media_room: int) -> int:
    """Calls that may be added to those that are open, by every limit and by what the engine can still take."""
    return max(0, min(media_room, *(limit.concurrent - limit.open for limit in limits)))


def starts(limits: tuple[Limit, ...], at_most: int, now: datetime) -> list[datetime]:
    """When each of the next calls may start: evenly spaced, so that no second holds more than the slowest limit's
    `per_second` (a rate below one waits several seconds between two)."""
    spacing = max(timedelta(seconds=1 / limit.per_second) for limit in limits)
    start = max(now, *(limit.next_at for limit in limits))
    found: list[datetime] = []
    while len(found) < at_most and start <= now + HORIZON:
        found.append(start)
        start += spacing
    return found


def next_start(limit: Limit, given: list[datetime]) -> datetime:
    """The limit's new `next_at` after these starts were handed out."""
    if not given:
        return limit.next_at
    return given[-1] + timedelta(seconds=1 / limit.per_second)
