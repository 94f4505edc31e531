"""A circuit breaker: a line, or a campaign, on which most dials fail rests, and is then tried by one call at a time.

closed ──too many faults──→ open ──its wait is over──→ half_open ──accepted──→ closed
                             ↑                          │
                             └──────────fault───────────┘ (and waits twice as long)

A fault is the carrier's, or ours: no connection, no answer, an error, a refusal. That nobody picks up is none.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

WINDOW = timedelta(seconds=60)
"""Dials are counted from a fault on for so long."""
FAULTS = 5
SHARE = 0.5
LISTEN = timedelta(seconds=1)
"""From the first fault on, other dialers tell of good news too: before they had the time, it takes more faults."""
MANY_FAULTS = 20
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=10)
PROBE_WITHIN = timedelta(seconds=60)
"""A probe of which nothing is heard by then (its dialer has died) makes room for another."""


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True)
class Breaker:
    """`since`: when the count of `dials` and `faults` began. `next_at`: when the next probe may go. `rounds`: how
    often it has opened since it was last closed. `reason`: the last fault's."""

    state: BreakerState = BreakerState.CLOSED
    since: datetime | None = None
    dials: int = 0
    faults: int = 0
    next_at: datetime | None = None
    rounds: int = 0
    reason: str = ""

    @property
    def is_calm(self) -> bool:
        """Whether good news would change nothing."""
        return self.state is BreakerState.CLOSED and not self.faults


@dataclass(frozen=True)
class Heard:
    """What a slice of dials came to."""

    good: int = 0
    faults: int = 0
    reason: str = ""


def may_dial(breaker: Breaker, now: datetime) -> int | None:
    """How many calls may be placed: None: any number; 1: a probe, to be told of by `probed`."""
    if breaker.state is BreakerState.CLOSED:
        return None
    return 0 if breaker.next_at is not None and now < breaker.next_at else 1


def probed(breaker: Breaker, now: datetime) -> Breaker:
    """After a probe has been handed out."""
    return replace(breaker, state=BreakerState.HALF_OPEN, next_at=now + PROBE_WITHIN)


def heard(breaker: Breaker, news: Heard, now: datetime) -> Breaker:
    """What the breaker makes of it. While it is open, what is still under way says nothing new."""
    match breaker.state:
        case BreakerState.CLOSED:
            return _counted(breaker, news, now)
        case BreakerState.HALF_OPEN if news.faults:
            return _opened(replace(breaker, reason=news.reason), now)
        case BreakerState.HALF_OPEN if news.good:
            return Breaker()
        case _:
            return breaker


def _counted(breaker: Breaker, news: Heard, now: datetime) -> Breaker:
    if breaker.since is None or now - breaker.since > WINDOW:
        if not news.faults:
            return Breaker()
        breaker = Breaker(since=now)
    assert breaker.since is not None
    counted = replace(
        breaker,
        dials=breaker.dials + news.good + news.faults,
        faults=breaker.faults + news.faults,
        reason=news.reason or breaker.reason,
    )
    has_others_said = now - breaker.since >= LISTEN or counted.faults >= MANY_FAULTS
    is_too_much = has_others_said and counted.faults >= FAULTS and counted.faults >= SHARE * counted.dials
    return _opened(counted, now) if is_too_much else counted


def _opened(breaker: Breaker, now: datetime) -> Breaker:
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2**breaker.rounds)
    return replace(breaker, state=BreakerState.OPEN, next_at=now + wait, rounds=min(breaker.rounds + 1, 10))


def story(before: Breaker, after: Breaker) -> str | None:
    """What a campaign's events say of the move, if it is one that they tell."""
    if after.state is BreakerState.OPEN and before.state is not BreakerState.OPEN:
        until = f"{after.next_at:%H:%M:%S} UTC"
        why = f": {after.reason}" if after.reason else ""
        if before.state is BreakerState.HALF_OPEN:
            return f"The call that tried it failed, too{why}. No dials until {until}, then one to try."
        return f"{after.faults} of {after.dials} dials failed{why}. No dials until {until}, then one to try."
    if after.state is BreakerState.CLOSED and before.state is not BreakerState.CLOSED:
        return "A call went through: it dials again."
    return None
