"""A campaign's contacts as rows for files, each with its last call: in the order of their coming, some at a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from voiceera.store.base import Connection

_WHEN = TIMESTAMP(timezone=True)
_LOOKED_AT = 1000
"""Contacts whose variables become columns of their own; what only later ones have stands in the last column."""


@dataclass(frozen=True)
class ExportedContact:
    """`call_id` and what follows it: of the last call that was made; None: none was."""

    id: UUID
    phone_number: str
    name: str | None
    timezone: str | None
    priority: int
    variables: dict[str, str]
    state: str
    reason: str | None
    attempts: int
    last_outcome: str | None
    opted_out: bool
    due_at: datetime
    call_id: UUID | None
    called_at: datetime | None
    caller_id: str | None
    answered_at: datetime | None
    duration_seconds: float | None
    disposition: str | None
    extracted: dict[str, Any] | None
    summary: str | None
    notes: str | None


_ROWS = sa.text("""
    SELECT c.id, c.phone_number, c.name, c.timezone, c.priority, c.variables, c.state, c.reason, c.attempts,
        c.last_outcome, c.opted_out, c.due_at,
        l.id AS call_id, l.created_at, l.caller_id, l.answered_at, l.duration_seconds, l.disposition, l.extracted,
        l.summary, l.notes
    FROM contacts c
    LEFT JOIN LATERAL (
        SELECT id FROM attempts
        WHERE organization_id = :organization_id AND contact_id = c.id AND dialed_at IS NOT NULL
        ORDER BY dialed_at DESC LIMIT 1
    ) a ON true
    LEFT JOIN calls l ON l.organization_id = :organization_id AND l.id = a.id AND l.deleted_at IS NULL
    WHERE c.organization_id = :organization_id AND c.campaign_id = :campaign_id
        AND (CAST(:state AS text) IS NULL OR c.state = :state)
        AND c.id > :last
    ORDER BY c.id LIMIT :limit
""").bindparams(
    *(sa.bindparam(name, type_=sa.Uuid) for name in ("organization_id", "campaign_id", "last")),
    sa.bindparam("state", type_=sa.Text),
)
_TYPES: dict[str, Any] = {
    **dict.fromkeys(("id", "call_id"), sa.Uuid),
    **dict.fromkeys(("due_at", "created_at", "answered_at"), _WHEN),
    **dict.fromkeys(("variables", "extracted"), JSONB),
}
_FIRST = UUID(int=0)


async def rows_after(
    connection: Connection,
    organization_id: UUID,
    campaign_id: UUID,
    last: UUID | None,
    limit: int,
    *,
    state: str | None = None,
) -> list[ExportedContact]:
    given = {"organization_id": organization_id, "campaign_id": campaign_id, "state": state}
    rows = await connection.execute(_ROWS.columns(**_TYPES), given | {"last": last or _FIRST, "limit": limit})
    return [ExportedContact(*row) for row in rows]


async def variable_names(connection: Connection, organization_id: UUID, campaign_id: UUID) -> list[str]:
    """The names of the first contacts' variables, by the alphabet."""
    found = await connection.scalars(
        sa.text(f"""
            SELECT DISTINCT jsonb_object_keys(variables) AS name FROM (
                SELECT variables FROM contacts
                WHERE organization_id = :organization_id AND campaign_id = :campaign_id ORDER BY id LIMIT {_LOOKED_AT}
            ) first ORDER BY name
        """).bindparams(organization_id=organization_id, campaign_id=campaign_id)
    )
    return list(found)
