"""Requests of carriers that were taken in: the same one again, whoever sends it, changes nothing."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, TIMESTAMP, insert

from voiceera.store.base import Connection, metadata

carrier_requests = sa.Table(
    "carrier_requests",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("fingerprint", BYTEA, primary_key=True),
    sa.Column("seen_at", TIMESTAMP(timezone=True), nullable=False),
)


async def is_first(connection: Connection, organization_id: UUID, fingerprint: bytes, now: datetime) -> bool:
    """Note it with what it does, in one transaction; False: it was noted before."""
    row = {"organization_id": organization_id, "fingerprint": fingerprint, "seen_at": now}
    noted = insert(carrier_requests).values(row).on_conflict_do_nothing()
    return (await connection.execute(noted)).rowcount == 1
