"""What becomes of a contact when an attempt has ended: done, or tried again, and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from voiceera.rules.attempts import Verdict
from voiceera.rules.calling_hours import CallingHours
from voiceera.rules.campaigns import CampaignConfig, ContactState, RetriedOutcome, finished_contact

MAXIMUM_ATTEMPTS = 20
"""Whoever asks to be called later is, also past the campaign's own number of attempts; but not for ever."""
MAXIMUM_FAULTS = 5
_FAULT_DELAYS_SECONDS = (5, 30, 120, 600, 1800)


@dataclass(frozen=True)
class History:
    """Before the attempt that has just ended: `attempts` of the contact's that counted, `same` of them with the very
    outcome, and `faults` that did not count."""

    attempts: int
    same: int
    faults: int


@dataclass(frozen=True)
class Next:
    """`due_at` only where the contact is pending again. `reason` says why not, or why then."""

    state: ContactState
    due_at: datetime | None = None
    reason: str | None = None


def next_step(
    verdict: Verdict,
    history: History,
    config: CampaignConfig,
    hours: CallingHours,
    zones: tuple[ZoneInfo, ...],
    now: datetime,
    *,
    opted_out: bool = False,
    callback_at: datetime | None = None,
) -> Next:
    """Where the contact goes from here; a next try always falls into the calling window.

    `callback_at`: when the contact asked to be called, however the call went on.
    """
    if opted_out:
        return Next(ContactState.SUPPRESSED, reason="opted_out")
    if callback_at is not None and history.attempts < MAXIMUM_ATTEMPTS:
        return _again(max(callback_at, now), hours, zones, "callback")
    if (finished := finished_contact(verdict.outcome)) is not None:
        return Next(finished, reason=verdict.reason)
    if verdict.fault:
        return _after_fault(history, hours, zones, now)
    if history.attempts + 1 >= config.max_attempts:
        return Next(ContactState.EXHAUSTED, reason="max_attempts")
    rule = config.retries.get(cast(RetriedOutcome, str(verdict.outcome)))
    if rule is None or history.same >= rule.tries:
        return Next(ContactState.EXHAUSTED, reason=f"no_retry_after_{verdict.outcome}")
    return _again(now + timedelta(seconds=rule.delay(history.same)), hours, zones, f"retry_{verdict.outcome}")


def _after_fault(history: History, hours: CallingHours, zones: tuple[ZoneInfo, ...], now: datetime) -> Next:
    """The contact had no part in it and loses no attempt; but not for ever."""
    if history.faults >= MAXIMUM_FAULTS:
        return Next(ContactState.EXHAUSTED, reason="too_many_faults")
    delay = _FAULT_DELAYS_SECONDS[min(history.faults, len(_FAULT_DELAYS_SECONDS) - 1)]
    return _again(now + timedelta(seconds=delay), hours, zones, "fault")


def _again(earliest: datetime, hours: CallingHours, zones: tuple[ZoneInfo, ...], reason: str) -> Next:
    opening = hours.next_open(earliest, zones)
    if opening is None:
        return Next(ContactState.EXHAUSTED, reason="window_never_opens")
    return Next(ContactState.PENDING, opening, reason)
