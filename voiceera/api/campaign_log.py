"""What happened to a campaign, and why it does not dial."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field

from voiceera.api.campaigns import campaign_of
from voiceera.api.depends import Reading
from voiceera.api.envelope import listed
from voiceera.api.lists import DatedQuery
from voiceera.api.routing import router
from voiceera.api.shapes import Instant, Items, Shown, Success
from voiceera.store import campaigns

routes = router("Campaigns")


class CampaignLogEntry(Shown):
    """`kind`: what happened to it (`launched`, `started`, `changed`, `paused`, `resumed`, `stopped`, `completed`), or
    why it dials less (`deferred`, `held`, `breaker_opened`, `breaker_closed`, `caller_id_rests`). `actor`: who did
    it. A `deferred` entry grows: `details` hold its `count`, `reason`, `until` and `last_at`.
    """

    id: UUID
    kind: str
    message: str = Field(examples=["412 deferred: outside window until 08:00 Europe/Madrid"])
    details: dict[str, Any]
    actor_id: UUID | None
    actor: str | None
    created_at: Instant


class LogQuery(DatedQuery):
    kind: Annotated[str | None, Query(max_length=40)] = None


@routes.get("/campaigns/{campaign_id}/log")
async def list_campaign_log(
    work: Reading, campaign_id: UUID, query: Annotated[LogQuery, Query()]
) -> Success[Items[CampaignLogEntry]]:
    """What happened to the campaign, who did it, and why it dials or does not; `search` matches messages."""
    await campaign_of(work, campaign_id)
    found = await campaigns.find_events(
        work.connection,
        work.organization_id,
        campaign_id,
        query.page(),
        kind=query.kind,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(CampaignLogEntry.model_validate))
