"""Calls as rows of text, for files: oldest first, some at a time."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, array

from voiceera.store.analytics import Slice
from voiceera.store.base import Connection
from voiceera.store.calls import calls

EXPORTED = (
    *("id", "created_at", "direction", "status", "outcome", "agent_id", "agent_version", "campaign_id", "contact_id"),
    *("contact_name", "phone_number", "caller_id", "answered_by", "hangup_cause", "disposition", "goal_reached"),
    *("duration_seconds", "turns", "interruptions", "cost", "sentiment", "emotions", "key_phrases"),
    *("spoken_language", "summary", "notes", "answered_at", "ended_at"),
)


_TIMES = ("created_at", "answered_at", "ended_at")
_LISTS = ("emotions", "key_phrases")


def _cell(name: str) -> sa.ColumnElement[str]:
    """As text: PostgreSQL writes it several times as fast as Python does."""
    column = calls.c[name]
    if name in _TIMES:
        return sa.func.to_char(sa.func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    if name in _LISTS:
        return sa.func.array_to_string(column, "; ")
    return sa.cast(column, sa.Text)


@dataclass(frozen=True)
class ExportedRow:
    """`cells`: the columns of `EXPORTED` as text."""

    created_at: datetime
    id: UUID
    cells: list[str | None]


async def rows_after(
    connection: Connection, wanted: Slice, after: tuple[datetime, UUID] | None, limit: int
) -> list[ExportedRow]:
    """The slice's calls by age, `limit` at most, from the one after (created_at, id) on."""
    cells = sa.cast(array([_cell(name) for name in EXPORTED]), ARRAY(sa.Text))
    statement = sa.select(calls.c.created_at, calls.c.id, cells).where(*wanted.where())
    if after is not None:
        statement = statement.where(sa.tuple_(calls.c.created_at, calls.c.id) > sa.tuple_(*after))
    rows = await connection.execute(statement.order_by(calls.c.created_at, calls.c.id).limit(limit))
    return [ExportedRow(*row) for row in rows]
