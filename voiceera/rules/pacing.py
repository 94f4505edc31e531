"""How many calls to place now, and at which instants: nested limits, none of which is passed in any second.

Time is cut into slots of 50 ms. A limit remembers how many calls were started in each slot, by whichever dialer and
for whichever campaign. A call reaches the carrier no later than `SEND_WITHIN + ON_THE_WAY` after its start, or it is
not sent. So what arrives in any one second started in a span that is longer by this, and no such span is given
more starts than the limit allows a second. Unused seconds are not saved up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil

SLOT = timedelta(milliseconds=50)
HORIZON = timedelta(milliseconds=400)
"""Starts are handed out this far ahead: long enough to keep dialling between two looks at the database, short
enough that a pause acts at once."""
SEND_WITHIN = timedelta(milliseconds=100)
"""How late after its start a call may still be handed to the carrier."""
ON_THE_WAY = timedelta(milliseconds=50)
"""What a call may need, beyond the fastest, to reach the carrier."""

Starts = Mapping[int, int]
"""How many calls start in each slot, counted from 1970."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD = HORIZON // SLOT
_SLOTS_A_SECOND = timedelta(seconds=1) // SLOT
_SLOWEST = 1 / 86400


@dataclass(frozen=True)
class Limit:
    """One of the nested limits (organization, trunk, caller ids, campaign): calls at a time and new calls a second.

    A rate that is no whole number allows the whole calls in it; one below 1 allows one call every 1/rate seconds.
    """

    concurrent: int
    open: int
    per_second: float
    starts: Starts = field(default_factory=dict)

    @property
    def allowed(self) -> int:
        """Calls in any span of `span` slots."""
        return max(1, int(self.per_second))

    @property
    def span(self) -> int:
        seconds = timedelta(seconds=max(1.0, 1 / max(self.per_second, _SLOWEST)))
        return ceil((seconds + SEND_WITHIN + ON_THE_WAY) / SLOT)


def free_places(limits: Sequence[Limit], media_room: int) -> int:
    """Calls that may be added to those that are open, by every limit and by what the engine can still take."""
    return max(0, min(media_room, *(limit.concurrent - limit.open for limit in limits)))


def starts(limits: Sequence[Limit], at_most: int, now: datetime) -> list[datetime]:
    """When each of the next calls may start, earliest first: no span of any limit holds more than it allows, and
    no slot more than its share of a second."""
    first = -((_EPOCH - now) // SLOT)
    windows = [_Gap(limit) if limit.allowed == 1 else _Windows(limit, first) for limit in limits]
    a_slot = min(ceil(limit.allowed / _SLOTS_A_SECOND) for limit in limits)
    found: list[datetime] = []
    for slot in range(first, first + _AHEAD + 1):
        given = min(at_most - len(found), *(min(a_slot, window.room(slot)) for window in windows))
        if given > 0:
            found += [_EPOCH + slot * SLOT] * given
            for window in windows:
                window.add(slot, given)
    return found


def has_room_at(limit: Limit, start: datetime) -> bool:
    """Whether one more call may start at an instant that other limits have chosen, and be held until its end."""
    return limit.open < limit.concurrent and start in starts([limit], 1, start)


def with_starts(limit: Limit, given: Sequence[datetime], now: datetime) -> dict[int, int]:
    """The limit's starts after these were handed out, without such as count no more."""
    oldest = (now - _EPOCH) // SLOT - limit.span
    kept = {slot: count for slot, count in limit.starts.items() if slot >= oldest}
    for start in given:
        slot = (start - _EPOCH) // SLOT
        kept[slot] = kept.get(slot, 0) + 1
    return kept


@dataclass(frozen=True)
class Pace:
    """How many calls a second one dialer can hand over in time, found by trying: it depends on what else the machine
    does. `was_late`: it has met its limit, and from there feels its way."""

    per_second: float = 200.0
    was_late: bool = False

    def after(self, seconds: float, sent: int, late: int) -> "Pace":
        """The next one, after `sent` calls in that time, of which `late` were not ready at their start."""
        if late > _TOO_LATE * sent:
            return Pace(max(SLOWEST_PACE, self.per_second * 0.7), was_late=True)
        if late > _HARDLY_LATE * sent or sent < _FULL * self.per_second * seconds:  # or nothing was found out
            return self
        return Pace(min(FASTEST_PACE, self.per_second * (1.1 if self.was_late else 1.5)), self.was_late)


SLOWEST_PACE = 20.0
FASTEST_PACE = 5000.0
_TOO_LATE = 0.2
_HARDLY_LATE = 0.05
"""Shares. Some are late on a busy machine at any pace; they are given another start, which costs little."""
_FULL = 0.75


class _Windows:
    """What every span around the slots from `first` to the horizon holds already."""

    def __init__(self, limit: Limit, first: int) -> None:
        self._allowed = limit.allowed
        self._span = limit.span
        self._low = first - limit.span + 1
        self._held = [0] * (limit.span + _AHEAD)
        for slot, count in limit.starts.items():
            self.add(slot, count)

    def room(self, slot: int) -> int:
        """Starts that may be added in `slot`: those that its fullest span has left."""
        begin = slot - self._span + 1 - self._low
        return self._allowed - max(self._held[begin : begin + self._span])

    def add(self, slot: int, count: int) -> None:
        begin = slot - self._span + 1 - self._low
        for place in range(max(0, begin), min(len(self._held), begin + self._span)):
            self._held[place] += count


class _Gap:
    """The same of a limit that allows one call in each span, which may be long."""

    def __init__(self, limit: Limit) -> None:
        self._span = limit.span
        self._taken = list(limit.starts)

    def room(self, slot: int) -> int:
        return int(all(abs(slot - taken) >= self._span for taken in self._taken))

    def add(self, slot: int, count: int) -> None:
        self._taken.append(slot)
