"""Organizations: the tenants. A row anywhere belongs to one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, Table, Text, Uuid

from voiceera.store.base import Connection, metadata

organizations = Table(
    "organizations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
)


async def add(connection: Connection, organization_id: UUID, name: str, now: datetime) -> None:
    await connection.execute(organizations.insert().values(id=organization_id, name=name, created_at=now))
