"""Campaigns: many calls to many contacts, inside their hours."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from voiceera.api.changes import changes, merged, partial, validated
from voiceera.api.depends import Reading, Work, Writing
from voiceera.api.envelope import created, listed, success
from voiceera.api.lists import DatedQuery
from voiceera.api.routing import router
from voiceera.api.shapes import Body, Created, Instant, Items, Shown, Success
from voiceera.errors import NotFound
from voiceera.rules.campaigns import CampaignConfig, CampaignStatus, ContactDraft
from voiceera.services import campaigns as service
from voiceera.services import contacts as contact_service
from voiceera.services.campaigns import CampaignDraft
from voiceera.services.live import tell_campaign, wake
from voiceera.store import campaigns
from voiceera.store.base import Connection
from voiceera.store.campaigns import Counted

routes = router("Campaigns")

_YEARS = range(2000, 2101)


def _within_reach(moment: datetime) -> datetime:
    if moment.year not in _YEARS:
        raise ValueError("must lie between the years 2000 and 2100")
    return moment.astimezone(UTC)


Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Moment = Annotated[AwareDatetime, AfterValidator(_within_reach)]
Number = Annotated[str, StringConstraints(min_length=1, max_length=40)]
MOST_AT_ONCE = 10_000


class CampaignFields(CampaignConfig):
    """What a campaign is made of, but for its people."""

    name: Name
    agent_id: UUID
    description: Annotated[str, StringConstraints(max_length=2000)] = ""
    start_time: Moment | None = None
    end_time: Moment | None = None


class People(Body):
    """Numbers alone, or contacts with names and variables; both count as one list, numbers first."""

    phone_numbers: list[Number] = Field(default_factory=list, max_length=MOST_AT_ONCE)
    contacts: list[ContactDraft] = Field(default_factory=list, max_length=MOST_AT_ONCE)

    def drafts(self) -> list[ContactDraft]:
        return [*(ContactDraft(phone_number=number) for number in self.phone_numbers), *self.contacts]


class CampaignNew(People, CampaignFields):
    """`phone_numbers` and `contacts` stand behind the campaign, normalized, each number once."""


class Progress(Shown):
    """total = pending + in_progress + reached + exhausted + suppressed + invalid + canceled."""

    total: int
    pending: int
    in_progress: int
    reached: int
    exhausted: int
    suppressed: int
    invalid: int
    canceled: int
    duplicates: int
    rejected: int


class CampaignShown(CampaignFields):
    id: UUID
    organization_id: UUID
    status: CampaignStatus
    start_time: Instant | None
    end_time: Instant | None
    launched_at: Instant | None
    completed_at: Instant | None
    created_by: UUID | None
    created_at: Instant
    updated_at: Instant
    progress: Progress


class RowProblemShown(Shown):
    """A row that stayed out. `row` counts from 1; `code` is one of a fixed set, `message` is for people."""

    row: int
    column: str
    value: str
    code: str
    message: str


class CampaignCreated(CampaignShown):
    """`problems`: which of the given numbers stayed out, and why."""

    problems: list[RowProblemShown]


if TYPE_CHECKING:
    CampaignChange = Body
else:
    CampaignChange = partial("CampaignChange", CampaignCreated, CampaignFields)


class AgentCampaignsQuery(DatedQuery):
    status: CampaignStatus | None = None
    category: Literal["promotional", "service", "transactional"] | None = None


class CampaignsQuery(AgentCampaignsQuery):
    agent_id: UUID | None = None


_CONFIG = frozenset(CampaignConfig.model_fields)
_WRITABLE = frozenset(CampaignFields.model_fields)
_MOVING = frozenset({"progress", "problems"})
"""What may have changed by itself between a reading and the PUT that sends it back."""


def campaign_shown(counted: Counted) -> CampaignShown:
    return CampaignShown(**_values(counted))


def _values(counted: Counted) -> dict[str, Any]:
    campaign = counted.campaign
    own = {name: getattr(campaign, name) for name in CampaignShown.model_fields if hasattr(campaign, name)}
    return {**dict(campaign.config), **own, "progress": Progress(**counted.counts)}


async def campaign_of(work: Work, campaign_id: UUID) -> Counted:
    found = await campaigns.get_counted(work.connection, work.organization_id, campaign_id)
    if found is None:
        raise no_campaign()
    return found


async def moved(work: Work, campaign_id: UUID) -> CampaignShown:
    """The campaign as it is now; its watchers and the dialer hear of it after the commit."""
    campaign = campaign_shown(await campaign_of(work, campaign_id))

    async def tell() -> None:
        await tell_campaign(work.backend.bus, campaign_id, campaign.status)
        await wake(work.backend.bus)

    work.after_commit(tell)
    return campaign


def no_campaign() -> NotFound:
    return NotFound("CAMPAIGN_001", "No such campaign.")


@routes.get("/campaigns")
async def list_campaigns(work: Reading, query: Annotated[CampaignsQuery, Query()]) -> Success[Items[CampaignShown]]:
    """The organization's campaigns, each with its progress."""
    return await found_campaigns(work.connection, work.organization_id, query, agent_id=query.agent_id)


async def found_campaigns(
    connection: Connection,
    organization_id: UUID,
    query: AgentCampaignsQuery,
    *,
    agent_id: UUID | None,
    created_by: UUID | None = None,
) -> Success[Items[CampaignShown]]:
    """One page of the campaigns that fit the query."""
    found = await campaigns.find(
        connection,
        organization_id,
        query.page(),
        status=query.status,
        category=query.category,
        agent_id=agent_id,
        created_by=created_by,
        search=query.search,
        span=query.span(),
    )
    return listed(found.map(campaign_shown))


@routes.post("/campaigns", status_code=201)
async def create_campaign(work: Writing, body: CampaignNew) -> Created[CampaignCreated]:
    """Create a campaign as a draft; it dials nobody before it is launched. All but its name and agent has a safe
    default. Numbers that cannot be dialled stay out, and `problems` says why."""
    campaign = await service.create(
        work.connection, work.organization_id, _draft(body), work.now, created_by=work.caller.user.id
    )
    added = await contact_service.add(work.connection, work.organization_id, campaign.id, body.drafts(), work.now)
    values = _values(await campaign_of(work, campaign.id))
    return created(
        CampaignCreated(**values, problems=[RowProblemShown.model_validate(each) for each in added.problems])
    )


@routes.get("/campaigns/{campaign_id}")
async def get_campaign(work: Reading, campaign_id: UUID) -> Success[CampaignShown]:
    """One campaign; its progress moves while it dials."""
    return success(campaign_shown(await campaign_of(work, campaign_id)))


@routes.put("/campaigns/{campaign_id}")
async def update_campaign(work: Writing, campaign_id: UUID, body: CampaignChange) -> Success[CampaignShown]:
    """Change the fields given, also while it dials: the dialer obeys within a second. One that is over cannot be
    changed."""
    await service.hold(work.connection, work.organization_id, campaign_id)
    before = campaign_shown(await campaign_of(work, campaign_id))
    given = changes(before, body, _WRITABLE, moving=_MOVING)
    after = validated(CampaignFields, merged(before.model_dump(mode="json", include=set(_WRITABLE)), given))
    draft = _draft(after)
    changed = {name: getattr(draft, name) for name in given if name not in _CONFIG}
    if given.keys() & _CONFIG:
        changed["config"] = draft.config
    actor_id = work.caller.user.id
    await service.update(work.connection, work.organization_id, campaign_id, changed, work.now, actor_id=actor_id)
    return success(await moved(work, campaign_id))


@routes.delete("/campaigns/{campaign_id}", status_code=204)
async def delete_campaign(work: Writing, campaign_id: UUID) -> None:
    """Hide a campaign and dial nobody more for it; its calls remain. One that is active must be paused first."""
    await service.delete(work.connection, work.organization_id, campaign_id, work.now)
    await work.note("campaign.deleted", "campaign", campaign_id)


def _draft(body: CampaignFields) -> CampaignDraft:
    return CampaignDraft(
        name=body.name,
        agent_id=body.agent_id,
        description=body.description,
        config=CampaignConfig.model_validate(body.model_dump(include=set(_CONFIG))),
        start_time=body.start_time,
        end_time=body.end_time,
    )
