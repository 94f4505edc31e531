"""The abandonment of campaigns whose calls are handed over to people, asked for again when it is no longer fresh."""

from datetime import datetime, timedelta
from uuid import UUID

from voiceera.rules.campaigns import CampaignConfig
from voiceera.rules.progressive import Record, places
from voiceera.store import abandonment
from voiceera.store.base import Connection
from voiceera.store.dial_queue import Slots

PERIOD = timedelta(days=30)
_FRESH = timedelta(seconds=5)


class Abandonment:
    """Of one dialer. It costs nothing for a campaign that hands over no calls."""

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[datetime, Record]] = {}

    async def room(
        self,
        connection: Connection,
        organization_id: UUID,
        campaign_id: UUID,
        config: CampaignConfig,
        slots: Slots,
        now: datetime,
    ) -> int | None:
        """Calls that may be placed for the campaign's people; None: an agent of ours is always there."""
        if config.people is None:
            return None
        read_at, record = self._known.get(campaign_id, (now - _FRESH, Record(0, 0, 0)))
        if now - read_at >= _FRESH:
            record = await abandonment.record(connection, organization_id, campaign_id, now - PERIOD)
            self._known[campaign_id] = now, record
        return places(config.people, slots.talking, slots.here - slots.talking, record, config.max_abandoned)
