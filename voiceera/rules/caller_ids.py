"""Which of an organization's numbers a call comes from, and when a number is given a rest.

The same number for the same contact, else one that is local to them, else any; each contact's choice among equals is
settled by a hash, so that a number added or lost moves only its own share (rendezvous hashing).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from math import sqrt

import phonenumbers

A_DAY = timedelta(days=1)
REST = timedelta(days=1)
"""How long a number rests: long enough for those who label numbers to look at it again."""
RECENT, BEFORE = 200, 800
"""Calls that a number's answer rate is taken from: its latest, and those before them."""
_FEWEST = 50
"""Calls under which a rate says nothing."""
_DROPPED_TO = 0.7
_SURE = 2.33
"""Standard errors (one in a hundred by chance)."""


@dataclass(frozen=True)
class CallerId:
    """One number that calls may come from. `dials`: of the last 24 hours; `oldest_at`: the first of them."""

    number: str
    daily_cap: int | None = None
    dials: int = 0
    oldest_at: datetime | None = None
    resting_until: datetime | None = None

    def free_at(self, now: datetime) -> datetime:
        """From when on a call may come from it; `now` if it may now."""
        free = now
        if self.daily_cap is not None and self.dials >= self.daily_cap:
            free = max(free, (self.oldest_at or now) + A_DAY)
        return max(free, self.resting_until or now)


def free_at(pool: Iterable[CallerId], now: datetime) -> datetime | None:
    """When the first of them is free; None: there are none."""
    return min((caller_id.free_at(now) for caller_id in pool), default=None)


def in_order(
    pool: Iterable[CallerId], to: str, now: datetime, *, previous: str | None = None, local_presence: bool = True
) -> list[CallerId]:
    """Those that are free, the best first. `to` and `previous` (which the contact was last rung from) are E.164."""

    def rank(caller_id: CallerId) -> tuple[bool, int, bytes]:
        nearness = _nearness(caller_id.number, to) if local_presence else 0
        return caller_id.number == previous, nearness, _lot(caller_id.number, to)

    free = (caller_id for caller_id in pool if caller_id.free_at(now) <= now)
    return sorted(free, key=rank, reverse=True)


def _lot(number: str, to: str) -> bytes:
    return blake2b(f"{number} {to}".encode(), digest_size=8).digest()


def _nearness(number: str, to: str) -> int:
    """2: the same country and area, 1: the same country code, 0: neither."""
    (country, area), (their_country, their_area) = _region(number), _region(to)
    if country != their_country:
        return 0
    return 2 if area and area == their_area else 1


@lru_cache(maxsize=10_000)
def _region(e164: str) -> tuple[int, str]:
    """(country code, area or network code) of a number."""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return 0, ""
    national = phonenumbers.national_significant_number(number)
    return number.country_code or 0, national[: phonenumbers.length_of_national_destination_code(number)]


# ── rests ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Tally:
    """Of the calls that rang: how many a person answered."""

    calls: int
    answered: int

    @property
    def rate(self) -> float:
        return self.answered / self.calls if self.calls else 0.0


@dataclass(frozen=True)
class Record:
    """What came of a number's calls: the latest, and those before them."""

    number: str
    recent: Tally
    before: Tally


def to_rest(records: Sequence[Record], resting: int = 0) -> list[Record]:
    """Those whose answer rate has drifted down, while the others' has not; the worst first.

    `records` are of all that may be called from and do not rest, `resting` is how many do. At most half of all rest
    at a time: those left would have to carry the calls of the others, and an only number never rests.
    """
    room = (len(records) + resting) // 2 - resting
    drifted = [record for record in records if _has_drifted(record, _tide(records, record))]
    return sorted(drifted, key=lambda record: record.recent.rate / record.before.rate)[: max(0, room)]


def _tide(records: Sequence[Record], this: Record) -> float:
    """What share of its earlier rate the other numbers together have kept; never more than all of it.

    An evening on which nobody answers is no number's fault.
    """
    others = [record for record in records if record is not this and record.before.calls >= _FEWEST]
    recent = _sum(record.recent for record in others)
    before = _sum(record.before for record in others)
    if recent.calls < _FEWEST or not before.answered:
        return 1.0
    return min(1.0, recent.rate / before.rate)


def _sum(tallies: Iterable[Tally]) -> Tally:
    counted = list(tallies)
    return Tally(sum(tally.calls for tally in counted), sum(tally.answered for tally in counted))


def _has_drifted(record: Record, tide: float) -> bool:
    """By much, and not by chance: a test of two proportions (pooled variance), one-sided."""
    recent, before = record.recent, record.before
    expected = before.rate * tide
    if recent.calls < _FEWEST or before.calls < _FEWEST or recent.rate >= expected * _DROPPED_TO:
        return False
    pooled = (recent.answered + expected * before.calls) / (recent.calls + before.calls)
    error = sqrt(pooled * (1 - pooled) * (1 / recent.calls + 1 / before.calls))
    return (expected - recent.rate) > _SURE * error
