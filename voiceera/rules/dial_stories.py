"""Why a campaign does not dial, in words for people."""

from datetime import datetime
from zoneinfo import ZoneInfo

from voiceera.rules.gate import Reason

_WORDS: dict[str, str] = {
    Reason.OUTSIDE_HOURS: "outside window",
    Reason.NUMBER_CAP: "their number was called as often as is allowed",
    Reason.CONTACT_CAP: "tried as often in a day as is allowed",
    Reason.NO_CALLER_ID: "no free caller id",
    Reason.SPEND_CAP: "the spend cap is reached",
    Reason.PRICE_UNKNOWN: "a spend cap is set, and nobody has said what a minute costs",
    Reason.AGENT_NOT_ACTIVE: "the agent is not active",
    Reason.CAMPAIGN_NOT_STARTED: "the campaign has not started",
    Reason.DO_NOT_CALL: "on a do-not-call list",
    Reason.PREMIUM_NUMBER: "a premium number",
    Reason.COUNTRY_NOT_ALLOWED: "in a country that the carrier's integration does not allow",
    Reason.ZONE_UNKNOWN: "their time zone is not known",
    Reason.WINDOW_NEVER_OPENS: "their window never opens",
    Reason.MAINTENANCE: "the platform is in maintenance",
    "no_trunk": "no carrier is connected",
    "no_media_room": "the media processes are full",
}
PASSING = frozenset({Reason.CALLER_ID_BUSY, Reason.CAMPAIGN_NOT_ACTIVE, Reason.CAMPAIGN_OVER, Reason.MAINTENANCE})
"""Reasons that other events tell of, or that are over in a moment."""


def story(count: int, reason: str, until: datetime | None, zone: ZoneInfo | None, now: datetime) -> str:
    """ "412 deferred: outside window until 08:00 Europe/Madrid". `until` None: for good; `zone` None: several, so the
    time is UTC."""
    words = _WORDS.get(reason, reason)
    if until is None:
        return f"{count:,} suppressed: {words}"
    return f"{count:,} deferred: {words} until {clock_time(until, zone, now)}"


def hold_story(reason: str, until: datetime | None, now: datetime) -> str:
    """Why nobody at all is dialled."""
    words = _WORDS.get(reason, reason)
    return f"Nobody is dialled: {words}" + (f" until {clock_time(until, None, now)}" if until else "")


def clock_time(instant: datetime, zone: ZoneInfo | None, now: datetime) -> str:
    """ "08:00 Europe/Madrid", with the day if it is not today's there."""
    where = zone or ZoneInfo("UTC")
    local = instant.astimezone(where)
    day = "" if local.date() == now.astimezone(where).date() else f"{local:%a} {local.day} {local:%b} "
    return f"{day}{local:%H:%M} {where.key}"
