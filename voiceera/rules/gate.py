"""May this number be dialled at this instant, and if not, why, and when to look again: one pure decision."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from voiceera.rules.calling_hours import CallingHours
from voiceera.rules.campaigns import CampaignStatus


class Reason(StrEnum):
    MAINTENANCE = "maintenance"
    CAMPAIGN_NOT_ACTIVE = "campaign_not_active"
    CAMPAIGN_NOT_STARTED = "campaign_not_started"
    CAMPAIGN_OVER = "campaign_over"
    DO_NOT_CALL = "do_not_call"
    PREMIUM_NUMBER = "premium_number"
    COUNTRY_NOT_ALLOWED = "country_not_allowed"
    NO_CALLER_ID = "no_caller_id"
    ZONE_UNKNOWN = "zone_unknown"
    OUTSIDE_HOURS = "outside_hours"
    WINDOW_NEVER_OPENS = "window_never_opens"
    NUMBER_CAP = "number_cap"
    CONTACT_CAP = "contact_cap"
    AGENT_NOT_ACTIVE = "agent_not_active"
    SPEND_CAP = "spend_cap"
    PRICE_UNKNOWN = "price_unknown"
    """A cap is set, but nobody has said what a minute costs."""
    CALLER_ID_BUSY = "caller_id_busy"


@dataclass(frozen=True)
class Facts:
    """All that the decision needs, read at the instant of the dial.

    `campaign_status` is None for a single call. `number_dials`: when the organization dialled this number in the last
    seven days, oldest first; `contact_dials`: the same of this contact. `country` is None where the number has none.
    `waits_at_carrier`: how long the call will queue there before it rings.
    """

    now: datetime
    campaign_status: CampaignStatus | None
    starts_at: datetime | None
    ends_at: datetime | None
    hours: CallingHours
    zones: tuple[ZoneInfo, ...]
    on_do_not_call_list: bool
    country: str | None
    allowed_countries: frozenset[str]
    is_premium: bool
    caller_id: str | None
    number_dials: tuple[datetime, ...]
    number_cap: int
    contact_dials: tuple[datetime, ...]
    contact_cap: int
    caller_id_free_at: datetime | None = None
    """When the first of the numbers asked for is free again; None: not known."""
    in_maintenance: bool = False
    number_cap_a_week: int = 1000
    waits_at_carrier: timedelta = timedelta(0)


@dataclass(frozen=True)
class Refusal:
    """`look_again_at` None: never; the contact is suppressed."""

    reason: Reason
    look_again_at: datetime | None = None


A_DAY = timedelta(days=1)
A_WEEK = timedelta(days=7)
_SOON = timedelta(seconds=30)


def refusal(facts: Facts) -> Refusal | None:
    """None: dial. What forbids it for good is said before what forbids it for now."""
    return _forever(facts) or _for_now(facts)


def _forever(facts: Facts) -> Refusal | None:
    if facts.on_do_not_call_list:
        return Refusal(Reason.DO_NOT_CALL)
    if facts.is_premium:
        return Refusal(Reason.PREMIUM_NUMBER)
    if facts.country is None or facts.country not in facts.allowed_countries:
        return Refusal(Reason.COUNTRY_NOT_ALLOWED)
    if not facts.zones:
        return Refusal(Reason.ZONE_UNKNOWN)
    return None


def _for_now(facts: Facts) -> Refusal | None:
    now = facts.now
    if facts.in_maintenance:
        return Refusal(Reason.MAINTENANCE, now)
    if facts.campaign_status not in (None, CampaignStatus.ACTIVE):
        return Refusal(Reason.CAMPAIGN_NOT_ACTIVE, now)
    if facts.starts_at is not None and now < facts.starts_at:
        return Refusal(Reason.CAMPAIGN_NOT_STARTED, facts.starts_at)
    if facts.ends_at is not None and now >= facts.ends_at:
        return Refusal(Reason.CAMPAIGN_OVER, now)
    if facts.caller_id is None:
        free_at = facts.caller_id_free_at or now + _SOON
        return Refusal(Reason.NO_CALLER_ID, facts.hours.next_open(free_at, facts.zones))
    return _by_caps(facts) or _by_hours(facts, now) or _by_hours(facts, now + facts.waits_at_carrier)


def _by_hours(facts: Facts, instant: datetime) -> Refusal | None:
    if facts.hours.is_open(instant, facts.zones):
        return None
    opening = facts.hours.next_open(instant, facts.zones)
    return Refusal(Reason.OUTSIDE_HOURS if opening else Reason.WINDOW_NEVER_OPENS, opening)


def _by_caps(facts: Facts) -> Refusal | None:
    """Looks again when the dial that fills the cap is old enough, and the window is open then."""
    for reason, dials, cap, period in (
        (Reason.NUMBER_CAP, facts.number_dials, facts.number_cap_a_week, A_WEEK),
        (Reason.NUMBER_CAP, facts.number_dials, facts.number_cap, A_DAY),
        (Reason.CONTACT_CAP, facts.contact_dials, facts.contact_cap, A_DAY),
    ):
        if len(dials) >= cap and dials[-cap] > facts.now - period:
            return Refusal(reason, facts.hours.next_open(dials[-cap] + period, facts.zones))
    return None
