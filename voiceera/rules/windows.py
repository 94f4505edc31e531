"""A contact's clock: the campaign's windows, the law's, and the zones that have to be open."""

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from voiceera.rules.calling_hours import CallingHours, UnknownZone, zone
from voiceera.rules.campaigns import CampaignConfig
from voiceera.rules.legal_hours import legal_hours
from voiceera.rules.phones import NotANumber, facts


def hours_of(config: CampaignConfig, phone_number: str) -> CallingHours:
    """When the campaign may ring this number: its own windows, as far as the law of the number's country goes."""
    hours = CallingHours(tuple(config.intervals()), frozenset(config.holidays))
    legal = legal_hours(_country(phone_number), config.category, config.legal_hours)
    return hours if legal is None else hours.within(*legal)


def _country(phone_number: str) -> str | None:
    try:
        return facts(phone_number).country
    except NotANumber:
        return None


def closes_at(hours: CallingHours, zones: tuple[ZoneInfo, ...], instant: datetime) -> datetime | None:
    """When the window that is open at `instant` closes; None: never. Asked for many calls of the same hour."""
    closing = _closing(hours, zones, instant.replace(minute=0, second=0, microsecond=0))
    return closing if closing is None or closing > instant else hours.next_close(instant, zones)


@lru_cache(maxsize=1000)
def _closing(hours: CallingHours, zones: tuple[ZoneInfo, ...], hour: datetime) -> datetime | None:
    return hours.next_close(hour, zones)


def zones_of(phone_number: str, own: str | None, campaigns: str | None) -> tuple[ZoneInfo, ...]:
    """The contact's own zone, else all that the number tells, else the campaign's; none: nobody knows."""
    if own is not None:
        return _known((own,))
    try:
        told = facts(phone_number).zones
    except NotANumber:
        told = ()
    return _known(told) or _known((campaigns,) if campaigns else ())


def _known(names: tuple[str, ...]) -> tuple[ZoneInfo, ...]:
    found = []
    for name in names:
        try:
            found.append(zone(name))
        except UnknownZone:
            return ()
    return tuple(found)
