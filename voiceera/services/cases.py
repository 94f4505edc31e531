"""What the gate decides on, gathered for a slice of dials at once: one statement for each kind of fact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from voiceera.rules.calls import AttemptState
from voiceera.rules.campaigns import CampaignConfig
from voiceera.rules.gate import A_WEEK
from voiceera.rules.splits import agent_of
from voiceera.services.claiming import Claim
from voiceera.store import agents, attempts, campaigns, contacts, dial_queue, do_not_call
from voiceera.store.agents import Agent
from voiceera.store.attempts import Attempt
from voiceera.store.base import Connection
from voiceera.store.campaigns import Campaign, Hold
from voiceera.store.contacts import Contact
from voiceera.store.dial_queue import Claimed, Dials


@dataclass(frozen=True)
class Case:
    """One dial that may be made. A single call has neither campaign nor contact.

    `is_listed`: on a do-not-call list. `dials`: the organization's to this number in the last week, oldest first.
    """

    claim: Claim
    attempt: Attempt
    config: CampaignConfig
    agent: Agent | None
    campaign: Campaign | None
    contact: Contact | None
    is_listed: bool
    dials: Dials


def is_held(attempt: Attempt, claimed: Claimed) -> bool:
    """Whether the claim still stands: nobody has taken it back, or over, and no callback has moved it."""
    return attempt.state is AttemptState.CLAIMED and attempt.fence == claimed.fence


async def gather(connection: Connection, organization_id: UUID, claims: Sequence[Claim], now: datetime) -> list[Case]:
    """The claims that still stand, their attempts locked until the transaction ends, campaign after campaign.

    Campaigns before attempts: the order in which everybody locks. A pause waits for us, or we for the pause.
    """
    claim_of = {claim.claimed.attempt_id: claim for claim in claims}
    ids = {claim.claimed.campaign_id for claim in claims} - {None}
    of_campaigns = await _campaigns(connection, organization_id, ids)
    locked = await attempts.lock_all(connection, organization_id, list(claim_of))
    held = [attempt for attempt in locked if is_held(attempt, claim_of[attempt.id].claimed)]
    held.sort(key=lambda attempt: str(attempt.campaign_id))  # their counters are locked in this order
    if not held:
        return []
    numbers = [attempt.phone_number for attempt in held]
    listed = await do_not_call.listed(connection, organization_id, numbers)
    dials = await dial_queue.dials_since(connection, organization_id, numbers, now - A_WEEK)
    contact_ids = [attempt.contact_id for attempt in held if attempt.contact_id is not None]
    people = await contacts.get_all(connection, organization_id, contact_ids) if contact_ids else {}
    cases = []
    of_agents: dict[UUID, Agent | None] = {}
    for attempt in held:
        campaign = of_campaigns.get(attempt.campaign_id) if attempt.campaign_id else None
        agent_id = attempt.agent_id
        if campaign is not None:
            agent_id = agent_of(attempt.contact_id, campaign.agent_id, campaign.config.split)
        if agent_id not in of_agents:
            of_agents[agent_id] = await agents.get(connection, organization_id, agent_id)
        cases.append(
            Case(
                claim_of[attempt.id],
                attempt,
                campaign.config if campaign else CampaignConfig.model_validate(attempt.settings),
                of_agents[agent_id],
                campaign,
                people.get(attempt.contact_id) if attempt.contact_id else None,
                do_not_call.forbids(listed, attempt.phone_number, attempt.campaign_id),
                dials.get(attempt.phone_number, []),
            )
        )
    return cases


async def _campaigns(connection: Connection, organization_id: UUID, ids: set[UUID | None]) -> Mapping[UUID, Campaign]:
    found = {}
    for campaign_id in sorted(each for each in ids if each is not None):
        campaign = await campaigns.get(connection, organization_id, campaign_id, deleted=True, hold=Hold.SHARE)
        if campaign is not None:
            found[campaign_id] = campaign
    return found
