"""A campaign as it happens."""

from typing import Any
from uuid import UUID

from voiceera.api.campaigns import no_campaign
from voiceera.api.depends import Watching
from voiceera.api.event_stream import EventStream
from voiceera.api.routing import router
from voiceera.services import campaign_stats
from voiceera.services.live import campaign_state
from voiceera.store import campaigns

routes = router("Campaigns")


@routes.get("/campaigns/{campaign_id}/events", response_class=EventStream, status_code=200)
async def follow_campaign(watch: Watching, campaign_id: UUID) -> EventStream:
    """Server-sent events while they happen: `campaign_state` (first the present one), `campaign_counts` (where its
    contacts and calls stand, once a second while that moves), `call_state`, and what is said in live calls:
    `speaking`, `partial`, `turn`. Ends with the access token; nothing is sent twice."""

    async def look() -> dict[str, Any]:
        async with watch.scope() as connection:
            await watch.identify_again(connection)
            campaign = await campaigns.get(connection, watch.organization_id, campaign_id)
        if campaign is None:
            raise no_campaign()
        return campaign_state(campaign_id, campaign.status)

    async def count() -> dict[str, Any]:
        async with watch.scope() as connection:
            counts = await campaign_stats.counts(connection, watch.organization_id, campaign_id)
        return {"kind": "campaign_counts", "campaign_id": str(campaign_id)} | counts

    await look()
    backend = watch.backend
    caller = str(watch.caller.user.id)
    return EventStream(backend.bus, f"campaign:{campaign_id}", look, backend.streams, caller, count)
