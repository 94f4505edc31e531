"""Requests of carriers that were taken in: the same one again, whoever sends it, changes nothing."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, TIMESTAMP

from voiceera.store.base import Connection, metadata

carrier_requests = sa.Table(
    "carrier_requests",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("fingerprint", BYTEA, primary_key=True),
    sa.Column("seen_at", TIMESTAMP(timezone=True), nullable=False),
)


async def note_all(
    connection: Connection, organization_id: UUID, fingerprints: Collection[bytes], now: datetime
) -> set[bytes]:
    """Note them with what they do, in one transaction; answers those that were not noted before."""
    if not fingerprints:
        return set()
    told = {"organization_id": organization_id, "fingerprints": sorted(fingerprints), "now": now}
    return {row.fingerprint for row in await connection.execute(_NOTE, told)}


_NOTE = (
    sa.text("""
    INSERT INTO carrier_requests (organization_id, fingerprint, seen_at)
    SELECT :organization_id, fingerprint, :now FROM unnest(CAST(:fingerprints AS bytea[])) AS n (fingerprint)
    ON CONFLICT DO NOTHING RETURNING fingerprint
""")
    .bindparams(sa.bindparam("organization_id", type_=sa.Uuid()))
    .columns(fingerprint=BYTEA)
)
