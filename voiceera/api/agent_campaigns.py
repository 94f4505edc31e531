"""The campaigns that an agent speaks in."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from voiceera.api.agents import agent_of
from voiceera.api.campaigns import AgentCampaignsQuery, CampaignShown, found_campaigns
from voiceera.api.depends import Reading
from voiceera.api.routing import router
from voiceera.api.shapes import Items, Success

routes = router("Agents")


@routes.get("/agents/{agent_id}/campaigns")
async def list_agent_campaigns(
    work: Reading, agent_id: UUID, query: Annotated[AgentCampaignsQuery, Query()]
) -> Success[Items[CampaignShown]]:
    """The campaigns whose calls the agent speaks in now."""
    await agent_of(work, agent_id)
    return await found_campaigns(work.connection, work.organization_id, query, agent_id=agent_id)
