"""Who did what, when, from where. Lines are added and never changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from voiceera import ids
from voiceera.redaction import cleaned
from voiceera.store.base import Connection, metadata

audit = Table(
    "audit",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor_id", Uuid),
    Column("action", Text, nullable=False),
    Column("subject", Text),
    Column("subject_id", Uuid),
    Column("address", Text),
    Column("request_id", Text),
    Column("details", JSONB, nullable=False),
)


async def write(
    connection: Connection,
    organization_id: UUID,
    action: str,
    now: datetime,
    *,
    actor_id: UUID | None = None,
    subject: str | None = None,
    subject_id: UUID | None = None,
    address: str | None = None,
    request_id: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """`action` reads "login", "login_failed", "agent.deleted"; `subject` is the noun that `subject_id` names.

    `details` are redacted as a log line is."""
    await connection.execute(
        audit.insert().values(
            organization_id=organization_id,
            id=ids.new_id(),
            at=now,
            actor_id=actor_id,
            action=action,
            subject=subject,
            subject_id=subject_id,
            address=address,
            request_id=request_id,
            details=cleaned(details or {}),
        )
    )
