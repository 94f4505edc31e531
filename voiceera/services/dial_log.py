"""A campaign's log of why it does not dial: counted while dials are refused, written down every few seconds."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from voiceera.rules.dial_stories import PASSING, hold_story, story
from voiceera.rules.gate import Refusal
from voiceera.store import campaigns
from voiceera.store.base import Connection, Database

_TOGETHER = timedelta(hours=12)
"""What is refused for one reason until one instant is one entry, whose count grows."""


@dataclass(frozen=True)
class Deferred:
    """A contact that was not dialled. `until` None: it never will be. `zone`: theirs, if it is one."""

    campaign_id: UUID
    reason: str
    until: datetime | None
    zone: ZoneInfo | None


@dataclass(frozen=True)
class _Held:
    campaign_id: UUID
    reason: str
    until: datetime | None


def deferred(campaign_id: UUID, closed: Refusal, zones: tuple[ZoneInfo, ...]) -> Deferred:
    until = closed.look_again_at
    until = None if until is None else until.replace(second=0, microsecond=0)
    return Deferred(campaign_id, closed.reason, until, zones[0] if len(zones) == 1 else None)


class DialLog:
    """What a dialer could not dial since it last wrote it down; lost with the process, which loses no contact."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._deferred: dict[UUID, Counter[Deferred]] = {}
        self._held: dict[UUID, set[_Held]] = {}

    def defer(self, organization_id: UUID, refused: Iterable[Deferred]) -> None:
        told = [each for each in refused if each.reason not in PASSING]
        if told:
            self._deferred.setdefault(organization_id, Counter()).update(told)

    def hold(self, organization_id: UUID, campaign_id: UUID | None, reason: str, until: datetime | None) -> None:
        """Nobody of the campaign can be dialled at all."""
        if campaign_id is not None:
            at = None if until is None else until.replace(second=0, microsecond=0)
            self._held.setdefault(organization_id, set()).add(_Held(campaign_id, reason, at))

    async def write(self, now: datetime) -> None:
        counted, self._deferred = self._deferred, {}
        held, self._held = self._held, {}
        for organization_id in counted.keys() | held.keys():
            async with self._database.organization(organization_id) as connection:
                for one, count in counted.get(organization_id, Counter()).items():
                    await _count(connection, organization_id, one, count, now)
                for each in held.get(organization_id, set()):
                    await _note_hold(connection, organization_id, each, now)


async def _count(connection: Connection, organization_id: UUID, one: Deferred, count: int, now: datetime) -> None:
    zone = one.zone.key if one.zone else None
    about = {"reason": one.reason, "until": one.until and one.until.isoformat(), "zone": zone}
    entry = await campaigns.lock_event(
        connection, organization_id, one.campaign_id, "deferred", about, now - _TOGETHER
    )
    total = count + (int(entry.details["count"]) if entry else 0)
    message = story(total, one.reason, one.until, one.zone, now)
    details = about | {"count": total, "last_at": now.isoformat()}
    if entry is None:
        await campaigns.add_event(
            connection, organization_id, one.campaign_id, "deferred", message, now=now, details=details
        )
    else:
        await campaigns.change_event(connection, organization_id, one.campaign_id, entry.id, message, details)


async def _note_hold(connection: Connection, organization_id: UUID, held: _Held, now: datetime) -> None:
    about = {"reason": held.reason, "until": held.until and held.until.isoformat()}
    since = now - _TOGETHER
    entry = await campaigns.lock_event(connection, organization_id, held.campaign_id, "held", about, since)
    message, details = hold_story(held.reason, held.until, now), about | {"last_at": now.isoformat()}
    if entry is None:
        await campaigns.add_event(
            connection, organization_id, held.campaign_id, "held", message, now=now, details=details
        )
    else:
        await campaigns.change_event(connection, organization_id, held.campaign_id, entry.id, message, details)
