"""Organizations: the tenants. A row anywhere belongs to one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, Table, Text, Uuid, select, update
from sqlalchemy.dialects.postgresql import JSONB

from voiceera.rules.dialing_limits import DialingLimits
from voiceera.rules.retention import Retention
from voiceera.store.base import Connection, metadata

organizations = Table(
    "organizations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("dialing", JSONB, nullable=False),
    Column("retention", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
)


@dataclass(frozen=True)
class Organization:
    id: UUID
    name: str
    dialing: DialingLimits
    retention: Retention
    created_at: datetime


_SHOWN = tuple(organizations.c[name] for name in Organization.__dataclass_fields__)


async def add(connection: Connection, organization_id: UUID, name: str, now: datetime) -> None:
    row = {"id": organization_id, "name": name, "dialing": {}, "retention": {}, "created_at": now}
    await connection.execute(organizations.insert().values(row))


async def get(connection: Connection, organization_id: UUID) -> Organization:
    row = (await connection.execute(select(*_SHOWN).where(organizations.c.id == organization_id))).one()
    dialing, retention = DialingLimits.model_validate(row.dialing), Retention.model_validate(row.retention)
    return Organization(row.id, row.name, dialing, retention, row.created_at)


async def dialing_limits(connection: Connection, organization_id: UUID) -> DialingLimits:
    """Nothing is bounded where the organization bounds nothing."""
    found = await connection.scalar(select(organizations.c.dialing).where(organizations.c.id == organization_id))
    return DialingLimits.model_validate(found) if found else _UNBOUNDED


_UNBOUNDED = DialingLimits()


async def names(connection: Connection, organization_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Of several organizations. Needs the platform's scope."""
    query = select(organizations.c.id, organizations.c.name).where(organizations.c.id.in_(set(organization_ids)))
    return {row.id: row.name for row in await connection.execute(query)}


async def change(
    connection: Connection, organization_id: UUID, name: str, dialing: DialingLimits, retention: Retention
) -> None:
    values = {
        "name": name,
        "dialing": dialing.model_dump(mode="json", exclude_none=True),
        "retention": retention.model_dump(mode="json", exclude_none=True),
    }
    await connection.execute(update(organizations).where(organizations.c.id == organization_id).values(values))


async def lock(connection: Connection, organization_id: UUID) -> None:
    """Until the transaction ends, nobody else decides who heads this organization; rows that refer to it are written
    all the same."""
    await connection.execute(
        select(organizations.c.id).where(organizations.c.id == organization_id).with_for_update(key_share=True)
    )
