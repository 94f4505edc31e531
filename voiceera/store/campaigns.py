"""Campaigns, their counters and their events."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from voiceera.ids import new_id
from voiceera.rules.campaigns import CampaignConfig, CampaignStatus
from voiceera.store.base import Connection, metadata
from voiceera.store.filters import Span, equal, matching
from voiceera.store.page import Page, PageRequest, page
from voiceera.store.users import users

_WHEN = TIMESTAMP(timezone=True)
_ID = sa.Uuid()

campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("id", _ID, primary_key=True),
    sa.Column("agent_id", _ID, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("config", JSONB, nullable=False),
    sa.Column("start_time", _WHEN),
    sa.Column("end_time", _WHEN),
    sa.Column("launched_at", _WHEN),
    sa.Column("completed_at", _WHEN),
    sa.Column("created_by", _ID),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("updated_at", _WHEN, nullable=False),
    sa.Column("deleted_at", _WHEN),
)

campaign_counts = sa.Table(
    "campaign_counts",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("campaign_id", _ID, primary_key=True),
    *(
        sa.Column(name, sa.BigInteger, nullable=False)
        for name in (
            *("total", "pending", "in_progress", "reached", "exhausted", "suppressed", "invalid", "canceled"),
            *("duplicates", "rejected"),
            *("ended_reached", "ended_no_answer", "ended_busy", "ended_voicemail", "ended_failed"),
            *("ended_dropped_early", "ended_invalid", "ended_canceled", "ended_unknown", "opted_out"),
        )
    ),
)

campaign_events = sa.Table(
    "campaign_events",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("campaign_id", _ID, primary_key=True),
    sa.Column("id", _ID, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("actor_id", _ID),
    sa.Column("details", JSONB, nullable=False),
    sa.Column("created_at", _WHEN, nullable=False),
)


@dataclass(frozen=True)
class Campaign:
    organization_id: UUID
    id: UUID
    agent_id: UUID
    name: str
    description: str
    status: CampaignStatus
    config: CampaignConfig
    start_time: datetime | None
    end_time: datetime | None
    launched_at: datetime | None
    completed_at: datetime | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


_COLUMNS = [campaigns.c[field.name] for field in fields(Campaign)]


def _campaign(row: sa.Row[Any]) -> Campaign:
    values = {field.name: row._mapping[field.name] for field in fields(Campaign)}
    values["status"] = CampaignStatus(values["status"])
    values["config"] = CampaignConfig.model_validate(values["config"])
    return Campaign(**values)


def is_campaign(organization_id: UUID, campaign_id: UUID) -> sa.ColumnElement[bool]:
    return (campaigns.c.organization_id == organization_id) & (campaigns.c.id == campaign_id)


class Hold(StrEnum):
    """How a transaction holds the row that it reads: against changes by others, or for its own."""

    NONE = "none"
    SHARE = "share"
    UPDATE = "update"


async def get(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    *,
    deleted: bool = False,
    hold: Hold = Hold.NONE,
) -> Campaign | None:
    statement = sa.select(*_COLUMNS).where(is_campaign(organization_id, campaign_id))
    if not deleted:
        statement = statement.where(campaigns.c.deleted_at.is_(None))
    if hold is not Hold.NONE:
        # NO KEY: contacts and attempts that refer to the campaign are written meanwhile all the same.
        statement = statement.with_for_update(read=hold is Hold.SHARE, key_share=hold is Hold.UPDATE)
    row = (await connection.execute(statement)).one_or_none()
    return _campaign(row) if row else None


@dataclass(frozen=True)
class Counted:
    """A campaign with its counters, both of one instant."""

    campaign: Campaign
    counts: dict[str, int]


_COUNTS = [column for column in campaign_counts.c if not column.primary_key]
_COUNTED = sa.select(*_COLUMNS, *_COUNTS).join(
    campaign_counts,
    (campaign_counts.c.organization_id == campaigns.c.organization_id)
    & (campaign_counts.c.campaign_id == campaigns.c.id),
)
SORTABLE = {
    name: campaigns.c[name] for name in ("created_at", "updated_at", "name", "status", "start_time", "launched_at")
}


def _counted(row: sa.Row[Any]) -> Counted:
    return Counted(_campaign(row), {column.name: row._mapping[column.name] for column in _COUNTS})


async def get_counted(connection: Connection, organization_id: UUID, campaign_id: UUID) -> Counted | None:
    statement = _COUNTED.where(is_campaign(organization_id, campaign_id), campaigns.c.deleted_at.is_(None))
    row = (await connection.execute(statement)).one_or_none()
    return _counted(row) if row else None


async def all_counted(connection: Connection, organization_id: UUID) -> list[Counted]:
    """Every campaign, deleted ones too, by name."""
    statement = _COUNTED.where(campaigns.c.organization_id == organization_id)
    rows = await connection.execute(statement.order_by(sa.func.lower(campaigns.c.name), campaigns.c.id))
    return [_counted(row) for row in rows]


async def find(
    connection: Connection,
    organization_id: UUID,
    request: PageRequest,
    *,
    status: CampaignStatus | None = None,
    category: str | None = None,
    agent_id: UUID | None = None,
    created_by: UUID | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[Counted]:
    c = campaigns.c
    query = _COUNTED.where(
        c.organization_id == organization_id,
        c.deleted_at.is_(None),
        *equal({c.status: status, c.agent_id: agent_id, c.created_by: created_by}),
        *equal({c.config["category"].astext: category}),
        *matching(search, c.name, c.description),
        *span.of(c.created_at),
    )
    return (await page(connection, query, request, SORTABLE, c.id)).map(_counted)


async def add(connection: Connection, campaign: Campaign) -> None:
    row = asdict(campaign) | {"config": campaign.config.model_dump(mode="json")}
    await connection.execute(sa.insert(campaigns).values(**row))
    key = {"organization_id": campaign.organization_id, "campaign_id": campaign.id}
    await connection.execute(sa.text(_ADD_COUNTS), key)


_ADD_COUNTS = "INSERT INTO campaign_counts (organization_id, campaign_id) VALUES (:organization_id, :campaign_id)"


async def change(connection: Connection, organization_id: UUID, campaign_id: UUID, **values: Any) -> None:
    if "config" in values:
        values["config"] = values["config"].model_dump(mode="json")
    await connection.execute(sa.update(campaigns).where(is_campaign(organization_id, campaign_id)).values(**values))


async def counts(connection: Connection, organization_id: UUID, campaign_id: UUID) -> dict[str, int]:
    """Every counter of the campaign, read at one instant."""
    c = campaign_counts.c
    statement = sa.select(campaign_counts).where(c.organization_id == organization_id, c.campaign_id == campaign_id)
    row = (await connection.execute(statement)).one()
    return {name: value for name, value in row._mapping.items() if not name.endswith("_id")}


async def add_event(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    kind: str,
    message: str,
    *,
    now: datetime,
    actor_id: UUID | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """What happened to the campaign, and why, for people to read."""
    row = {"organization_id": organization_id, "campaign_id": campaign_id, "id": new_id(), "kind": kind}
    row |= {"message": message, "actor_id": actor_id, "details": details or {}, "created_at": now}
    await connection.execute(sa.insert(campaign_events).values(**row))


@dataclass(frozen=True)
class CampaignEvent:
    """`actor`: the name of who did it; None: the platform itself, or somebody who is gone."""

    id: UUID
    kind: str
    message: str
    details: dict[str, Any]
    actor_id: UUID | None
    actor: str | None
    created_at: datetime


EVENTS_SORTABLE = {"created_at": campaign_events.c.created_at, "kind": campaign_events.c.kind}


async def find_events(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    request: PageRequest,
    *,
    kind: str | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[CampaignEvent]:
    """`search` matches messages."""
    e, u = campaign_events.c, users.c
    name = sa.func.nullif(sa.func.trim(u.first_name + " " + u.last_name), "")
    is_actor = (u.organization_id == organization_id) & (u.id == e.actor_id)
    query = (
        sa.select(e.id, e.kind, e.message, e.details, e.actor_id, name, e.created_at)
        .select_from(campaign_events.outerjoin(users, is_actor))
        .where(e.organization_id == organization_id, e.campaign_id == campaign_id)
        .where(*equal({e.kind: kind}), *matching(search, e.message), *span.of(e.created_at))
    )
    found = await page(connection, query, request, EVENTS_SORTABLE, e.id)
    return found.map(lambda row: CampaignEvent(*tuple(row)[:7]))


async def lock_event(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    kind: str,
    about: dict[str, Any],
    since: datetime,
) -> Any:
    """(id, details) of the newest event of the kind whose details have all of `about`; None: none since then."""
    e = campaign_events.c
    statement = sa.select(e.id, e.details).where(
        e.organization_id == organization_id,
        e.campaign_id == campaign_id,
        e.kind == kind,
        e.created_at > since,
        e.details.contains(about),
    )
    return (await connection.execute(statement.order_by(e.id.desc()).limit(1).with_for_update())).one_or_none()


async def change_event(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    event_id: UUID,
    message: str,
    details: dict[str, Any],
) -> None:
    e = campaign_events.c
    is_it = (e.organization_id == organization_id) & (e.campaign_id == campaign_id) & (e.id == event_id)
    await connection.execute(sa.update(campaign_events).where(is_it).values(message=message, details=details))


async def count_uploaded(
    connection: Connection, organization_id: UUID, campaign_id: UUID, *, duplicates: int, rejected: int
) -> None:
    """Rows that became no contacts: known to the counters alone."""
    if not duplicates and not rejected:
        return
    c = campaign_counts.c
    await connection.execute(
        sa.update(campaign_counts)
        .where(c.organization_id == organization_id, c.campaign_id == campaign_id)
        .values(duplicates=c.duplicates + duplicates, rejected=c.rejected + rejected)
    )


async def active_of_agent(connection: Connection, organization_id: UUID, agent_id: UUID) -> UUID | None:
    """A campaign that is dialling with this agent, if there is one."""
    found: UUID | None = await connection.scalar(
        sa.select(campaigns.c.id)
        .where(
            campaigns.c.organization_id == organization_id,
            (campaigns.c.agent_id == agent_id) | (campaigns.c.config["split"]["agent_id"].astext == str(agent_id)),
            campaigns.c.status == CampaignStatus.ACTIVE,
            campaigns.c.deleted_at.is_(None),
        )
        .limit(1)
    )
    return found


async def active(connection: Connection, organization_id: UUID) -> list[UUID]:
    """The campaigns that dial."""
    c = campaigns.c
    is_active = (c.status == CampaignStatus.ACTIVE) & c.deleted_at.is_(None)
    found = await connection.scalars(sa.select(c.id).where(c.organization_id == organization_id, is_active))
    return list(found)


async def dialling(connection: Connection, organization_id: UUID) -> list[UUID]:
    """The campaigns that dial, or will when their time comes; locked until the transaction ends."""
    c = campaigns.c
    found = await connection.scalars(
        sa.select(c.id)
        .where(
            c.organization_id == organization_id,
            c.status.in_([CampaignStatus.ACTIVE, CampaignStatus.SCHEDULED]),
            c.deleted_at.is_(None),
        )
        .order_by(c.id)
        .with_for_update(key_share=True)
    )
    return list(found)


async def organizations_dialing(connection: Connection) -> list[UUID]:
    """Organizations with an active campaign. Needs a platform transaction."""
    c = campaigns.c
    is_active = sa.and_(c.status == CampaignStatus.ACTIVE, c.deleted_at.is_(None))
    return list(await connection.scalars(sa.select(c.organization_id).where(is_active).distinct()))
