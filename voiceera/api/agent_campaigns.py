"""The campaigns that an agent speaks in."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from voiceera.api.agents import agent_of
from voiceera.api.campaigns import AgentCampaignsQuery, CampaignShown, campaign_shown
from voiceera.api.depends import Reading
from voiceera.api.envelope import listed
from voiceera.api.routing import router
from voiceera.api.shapes import Items, Success
from voiceera.store import campaigns

routes = router("Agents")


@routes.get("/agents/{agent_id}/campaigns")
async def list_agent_campaigns(
    work: Reading, agent_id: UUID, query: Annotated[AgentCampaignsQuery, Query()]
) -> Success[Items[CampaignShown]]:
    """The campaigns whose calls the agent speaks in now."""
    await agent_of(work, agent_id)
    found = await campaigns.find(
        work.connection,
        work.organization_id,
        query.page(),
        agent_id=agent_id,
        status=query.status,
        category=query.category,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(campaign_shown))
