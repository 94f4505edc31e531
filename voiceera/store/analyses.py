"""The analysis of a call: a due row beside it, and what it says on the call's own row."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, insert

from voiceera.rules.analysis import AnalysisState
from voiceera.store import calls
from voiceera.store.base import Connection, metadata
from voiceera.store.jobs import DueRow

_WHEN = TIMESTAMP(timezone=True)

analyses = sa.Table(
    "analyses",
    metadata,
    sa.Column("organization_id", sa.Uuid(), primary_key=True),
    sa.Column("call_id", sa.Uuid(), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("tries", sa.SmallInteger, nullable=False),
    sa.Column("due_at", _WHEN, nullable=False),
    sa.Column("transcript_version", sa.Integer),
    sa.Column("details", JSONB, nullable=False),
    sa.Column("analyzed_at", _WHEN),
    sa.Column("usage", JSONB, nullable=False, server_default="[]"),
)


def _is(organization_id: UUID, call_id: UUID) -> sa.ColumnElement[bool]:
    return (analyses.c.organization_id == organization_id) & (analyses.c.call_id == call_id)


async def make_due(connection: Connection, organization_id: UUID, call_id: UUID, due_at: datetime) -> None:
    """The call shall be analyzed, or analyzed again; what an earlier analysis said stands until then."""
    again = {"state": AnalysisState.PENDING, "tries": 0, "due_at": due_at, "error": None}
    row = insert(analyses).values(organization_id=organization_id, call_id=call_id, details={}, **again)
    keys = ["organization_id", "call_id"]
    await connection.execute(row.on_conflict_do_update(index_elements=keys, set_=again))
    await calls.change(connection, organization_id, call_id, analysis_state=AnalysisState.PENDING)


async def get(connection: Connection, organization_id: UUID, call_id: UUID) -> sa.Row[Any] | None:
    return (await connection.execute(sa.select(analyses).where(_is(organization_id, call_id)))).one_or_none()


async def claim(
    connection: Connection, organization_id: UUID, call_id: UUID, now: datetime, until: datetime
) -> sa.Row[Any] | None:
    """Take up an analysis that is due; it is due again at `until` if nothing comes of it. None: it is not due, or
    somebody is at it."""
    is_due = analyses.c.state == AnalysisState.PENDING, analyses.c.due_at <= now
    statement = sa.update(analyses).where(_is(organization_id, call_id), *is_due)
    taken = statement.values(due_at=until, tries=analyses.c.tries + 1).returning(analyses)
    row: sa.Row[Any] | None = (await connection.execute(taken)).one_or_none()
    return row


async def hold_claimed(
    connection: Connection, organization_id: UUID, call_id: UUID, until: datetime
) -> sa.Row[Any] | None:
    """The analysis that was claimed until then. None: it has been asked for anew, or is somebody else's."""
    is_ours = analyses.c.state == AnalysisState.PENDING, analyses.c.due_at == until
    statement = sa.select(analyses).where(_is(organization_id, call_id), *is_ours).with_for_update()
    return (await connection.execute(statement)).one_or_none()


async def used(connection: Connection, organization_id: UUID, call_id: UUID) -> list[dict[str, Any]]:
    """What all analyses of a call took of language models: `provider`, `model`, `prompt_tokens`,
    `completion_tokens`."""
    statement = sa.select(analyses.c.usage).where(_is(organization_id, call_id))
    return (await connection.execute(statement)).scalar_one_or_none() or []


async def add_usage(connection: Connection, organization_id: UUID, call_id: UUID, used: dict[str, Any]) -> None:
    more = sa.type_coerce([used], JSONB)
    statement = sa.update(analyses).where(_is(organization_id, call_id))
    await connection.execute(statement.values(usage=analyses.c.usage.op("||")(more)))


async def change(connection: Connection, organization_id: UUID, call_id: UUID, **values: Any) -> None:
    await connection.execute(sa.update(analyses).where(_is(organization_id, call_id)).values(**values))


async def due(connection: Connection, now: datetime, limit: int) -> list[DueRow]:
    """Of all organizations, the longest due first; a platform's transaction."""
    told = analyses.c.organization_id, analyses.c.call_id, analyses.c.due_at
    statement = sa.select(*told).where(analyses.c.state == AnalysisState.PENDING, analyses.c.due_at <= now)
    return [DueRow(*row) for row in await connection.execute(statement.order_by(analyses.c.due_at).limit(limit))]
