"""What a campaign is: its states and the legal moves, and the configuration that the dialer goes by.

draft ──→ scheduled ──→ active ⇄ paused
  └──────────────────────↑│        │
                          ├────────┴──→ stopped
                          └──→ completed
"""

import re
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from voiceera.errors import Conflict
from voiceera.rules.calls import Outcome
from voiceera.rules.dialing_limits import Money
from voiceera.rules.sent import Sent
from voiceera.rules.splits import Split


class CampaignStatus(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    STOPPED = "stopped"


class ContactState(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    REACHED = "reached"
    EXHAUSTED = "exhausted"
    SUPPRESSED = "suppressed"
    INVALID = "invalid"
    CANCELED = "canceled"


class Action(StrEnum):
    """What a person, or the clock, does to a campaign."""

    LAUNCH = "launch"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    COMPLETE = "complete"


_S = CampaignStatus
MOVES: dict[Action, dict[CampaignStatus, CampaignStatus]] = {
    Action.LAUNCH: {_S.DRAFT: _S.ACTIVE, _S.SCHEDULED: _S.ACTIVE},
    Action.START: {_S.SCHEDULED: _S.ACTIVE},
    Action.PAUSE: {_S.ACTIVE: _S.PAUSED, _S.SCHEDULED: _S.PAUSED},
    Action.RESUME: {_S.PAUSED: _S.ACTIVE},
    Action.STOP: {_S.ACTIVE: _S.STOPPED, _S.PAUSED: _S.STOPPED, _S.SCHEDULED: _S.STOPPED},
    Action.COMPLETE: {_S.ACTIVE: _S.COMPLETED},
}
OVER = frozenset({_S.COMPLETED, _S.STOPPED})


def allowed_actions(status: CampaignStatus) -> list[Action]:
    return [action for action, moves in MOVES.items() if status in moves]


def after(action: Action, status: CampaignStatus) -> CampaignStatus:
    """The status that `action` leads to. Raises Conflict, which says what is allowed instead."""
    moved = MOVES[action].get(status)
    if moved is None:
        allowed = ", ".join(allowed_actions(status)) or "nothing more"
        raise Conflict(
            "CAMPAIGN_002",
            f"A campaign that is {status} cannot {action}.",
            f"current state: {status}; allowed: {allowed}",
        )
    return moved


# ── configuration ────────────────────────────────────────────────────────────────────────────────────────────────

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Category = Literal["promotional", "service", "transactional"]
CountryOrAny = Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$")]
RetriedOutcome = Literal["no_answer", "busy", "voicemail", "failed", "dropped_early"]

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")


def _clock_time(value: str) -> str:
    if not _CLOCK.fullmatch(value):
        raise ValueError('must be a time of day such as "09:30", at most "24:00"')
    return value


ClockTime = Annotated[str, AfterValidator(_clock_time)]


class Interval(Sent):
    """Open from `start` until just before `end`, on the callee's clock; an `end` at or before `start` is the next
    day's."""

    start: ClockTime
    end: ClockTime

    @property
    def minutes(self) -> tuple[int, int]:
        """Start and end in minutes after the midnight of its day; the end may pass 1,440."""
        start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in (self.start, self.end))
        return start, end if end > start else end + 1440


class RetryRule(Sent):
    """Try again after `delays_seconds`, in order; `times` more tries in all (the last delay repeats)."""

    delays_seconds: tuple[Annotated[float, Field(ge=0, le=30 * 86400)], ...] = ()
    times: Annotated[int, Field(ge=0, le=20)] | None = None
    """None: as many as there are delays."""

    @property
    def tries(self) -> int:
        return len(self.delays_seconds) if self.times is None else self.times

    def delay(self, earlier: int) -> float:
        """Seconds to wait after the `earlier`-th outcome of this kind before (0: this is the first)."""
        if not self.delays_seconds:
            return 3600
        return self.delays_seconds[min(earlier, len(self.delays_seconds) - 1)]


_WORKING_HOURS = (Interval(start="09:00", end="20:00"),)
DEFAULT_WINDOWS: dict[Weekday, tuple[Interval, ...]] = dict.fromkeys(WEEKDAYS[:6], _WORKING_HOURS)
DEFAULT_RETRIES: dict[RetriedOutcome, RetryRule] = {
    "no_answer": RetryRule(delays_seconds=(7200, 86400)),
    "busy": RetryRule(delays_seconds=(900, 3600)),
    "voicemail": RetryRule(delays_seconds=(14400,)),
    "failed": RetryRule(delays_seconds=(1800,)),
    "dropped_early": RetryRule(delays_seconds=(3600,)),
}


class CampaignConfig(Sent):
    """How a campaign dials. All of it has a safe default."""

    category: Category = "service"
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "US"
    """ISO 3166; how numbers without a country code are read."""
    timezone: str | None = None
    """IANA; for contacts whose own zone is neither given nor told by their number."""
    max_concurrent_calls: Annotated[int, Field(ge=1, le=100_000)] = 10
    calls_per_second: Annotated[float, Field(gt=0, le=5000)] = 1.0
    caller_ids: tuple[str, ...] = ()
    """E.164; empty: all that the trunk owns."""
    local_presence: bool = True
    """Prefer a caller id of the contact's own area, then of their country."""
    telephony_provider: str | None = None
    calling_windows: dict[Weekday, tuple[Interval, ...]] = DEFAULT_WINDOWS
    holidays: tuple[date, ...] = ()
    legal_hours: dict[CountryOrAny, dict[Category, Interval | None]] = Field(default_factory=dict)
    """By country (ISO 3166, or `*` for all that are not named) and category: what `calling_windows` are cut to, in
    place of the built-in hours; null: nothing. For those who know the law that they are under."""
    retries: dict[RetriedOutcome, RetryRule] = DEFAULT_RETRIES
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 3
    max_attempts_per_day: Annotated[int, Field(ge=1, le=20)] = 3
    """Of one contact, in any 24 hours."""
    max_number_calls_per_day: Annotated[int, Field(ge=1, le=50)] = 6
    """Of one number, in any 24 hours, over the whole organization."""
    max_number_calls_per_week: Annotated[int, Field(ge=1, le=350)] = 20
    """The same in any seven days."""
    people: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """How many take the calls that are handed over: dials are then paced by who is free, under `max_abandoned`."""
    max_abandoned: Annotated[float, Field(gt=0, le=0.2)] = 0.03
    """Share of the calls answered by somebody, in 30 days, in which nobody spoke within two seconds."""
    spend_cap: Money | None = None
    """What all its calls may cost together; a call that could pass it is not dialled."""
    price_per_minute: Annotated[float, Field(ge=0, le=10_000)] | None = None
    """Of these calls; None: what the carrier's integration says."""
    ring_seconds: Annotated[int, Field(ge=5, le=120)] = 45
    split: Split | None = None
    """Another agent for a part of the contacts, drawn by chance: to see which one does better."""

    def intervals(self) -> Iterator[tuple[int, int, int]]:
        """(weekday with Monday 0, start minute, end minute) of every opening in a week."""
        for index, day in enumerate(WEEKDAYS):
            for interval in self.calling_windows.get(day, ()):
                yield index, *interval.minutes


class ContactDraft(Sent):
    """A contact as it is given: numbers in any common spelling."""

    phone_number: Annotated[str, Field(min_length=1, max_length=40)]
    name: Annotated[str, Field(max_length=200)] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None
    priority: Annotated[int, Field(ge=0, le=9)] = 0
    """9 is dialled first."""
    variables: dict[str, str] = Field(default_factory=dict)


def finished_contact(outcome: Outcome) -> ContactState | None:
    """Where an outcome leaves a contact for good; None: the retry rule decides."""
    return {
        Outcome.REACHED: ContactState.REACHED,
        Outcome.INVALID: ContactState.INVALID,
        Outcome.UNKNOWN: ContactState.EXHAUSTED,
    }.get(outcome)
