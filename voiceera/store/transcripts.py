"""Versions of what was said in a call, and requests for new ones. Version 1 is what was heard in the call itself."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from voiceera.rules.calls import Speaker
from voiceera.rules.transcripts import LIVE, OPEN, Segment, TranscriptionState
from voiceera.store import calls
from voiceera.store.base import Connection, metadata
from voiceera.store.jobs import DueRow

_WHEN = TIMESTAMP(timezone=True)
_ID = sa.Uuid()

transcripts = sa.Table(
    "transcripts",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("segments", JSONB, nullable=False),
    sa.Column("created_at", _WHEN, nullable=False),
)

transcriptions = sa.Table(
    "transcriptions",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("id", _ID, primary_key=True),
    sa.Column("call_id", _ID, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("version", sa.Integer),
    sa.Column("tries", sa.SmallInteger, nullable=False),
    sa.Column("due_at", _WHEN, nullable=False),
    sa.Column("created_by", _ID),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("finished_at", _WHEN),
)


def _of_call(table: sa.Table, organization_id: UUID, call_id: UUID) -> sa.ColumnElement[bool]:
    return (table.c.organization_id == organization_id) & (table.c.call_id == call_id)


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def versions(connection: Connection, organization_id: UUID, call_id: UUID) -> Sequence[sa.Row[Any]]:
    """Those made after the call, the oldest first, without their segments."""
    told = [transcripts.c[name] for name in ("version", "provider", "language", "created_at")]
    statement = sa.select(*told).where(_of_call(transcripts, organization_id, call_id))
    return (await connection.execute(statement.order_by(transcripts.c.version))).all()


async def segments(
    connection: Connection, organization_id: UUID, call_id: UUID, version: int | None = None
) -> Sequence[Any] | None:
    """Of one version, or of the newest, in the order in which they were spoken: rows or mappings with a segment's
    fields. None: there is no such version."""
    if version == LIVE:
        return await calls.turns(connection, organization_id, call_id)
    statement = sa.select(transcripts.c.segments).where(_of_call(transcripts, organization_id, call_id))
    if version is not None:
        statement = statement.where(transcripts.c.version == version)
    found: list[Any] | None = await connection.scalar(statement.order_by(transcripts.c.version.desc()).limit(1))
    if found is None and version is None:
        return await calls.turns(connection, organization_id, call_id)
    return found


async def said(connection: Connection, organization_id: UUID, call_id: UUID) -> list[Segment]:
    """The newest version, without what only the call itself knew."""
    rows = await segments(connection, organization_id, call_id) or []
    told = (row if isinstance(row, dict) else row._mapping for row in rows)
    return [Segment(Speaker(each["speaker"]), each["text"], each["start_ms"], each["end_ms"]) for each in told]


async def add_version(
    connection: Connection,
    organization_id: UUID,
    call_id: UUID,
    said: Sequence[Segment],
    *,
    provider: str,
    language: str,
    now: datetime,
) -> int:
    """The next version of a call that is held; answers its number."""
    newest = sa.select(sa.func.max(transcripts.c.version)).where(_of_call(transcripts, organization_id, call_id))
    version = int(await connection.scalar(newest) or LIVE) + 1
    row: dict[str, Any] = {"organization_id": organization_id, "call_id": call_id, "version": version}
    row |= {"provider": provider, "language": language, "created_at": now}
    await connection.execute(sa.insert(transcripts).values(**row, segments=[asdict(each) for each in said]))
    return version


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def add_request(connection: Connection, row: dict[str, Any]) -> sa.Row[Any]:
    statement = sa.insert(transcriptions).values(tries=0, state=TranscriptionState.QUEUED, **row)
    return (await connection.execute(statement.returning(*transcriptions.c))).one()


async def requests(connection: Connection, organization_id: UUID, call_id: UUID) -> Sequence[sa.Row[Any]]:
    """The oldest first."""
    statement = sa.select(transcriptions).where(_of_call(transcriptions, organization_id, call_id))
    return (await connection.execute(statement.order_by(transcriptions.c.created_at, transcriptions.c.id))).all()


async def open_request(connection: Connection, organization_id: UUID, call_id: UUID) -> UUID | None:
    """The request of the call that is not finished."""
    statement = sa.select(transcriptions.c.id).where(
        _of_call(transcriptions, organization_id, call_id), transcriptions.c.state.in_(OPEN)
    )
    found: UUID | None = await connection.scalar(statement)
    return found


async def claim(
    connection: Connection, organization_id: UUID, request_id: UUID, now: datetime, until: datetime
) -> sa.Row[Any] | None:
    """Take a request that is due; nobody else does before `until`. None: it is not due, or somebody has it."""
    statement = (
        sa.update(transcriptions)
        .where(
            transcriptions.c.organization_id == organization_id,
            transcriptions.c.id == request_id,
            transcriptions.c.state.in_(OPEN),
            transcriptions.c.due_at <= now,
        )
        .values(state=TranscriptionState.RUNNING, tries=transcriptions.c.tries + 1, due_at=until)
    )
    return (await connection.execute(statement.returning(*transcriptions.c))).one_or_none()


async def change_request(connection: Connection, organization_id: UUID, request_id: UUID, **values: Any) -> None:
    mine = (transcriptions.c.organization_id == organization_id) & (transcriptions.c.id == request_id)
    await connection.execute(sa.update(transcriptions).where(mine).values(**values))


async def due_requests(connection: Connection, now: datetime, limit: int) -> list[DueRow]:
    """Of all organizations, the longest due first; a platform's transaction."""
    told = transcriptions.c.organization_id, transcriptions.c.id, transcriptions.c.due_at
    statement = sa.select(*told).where(transcriptions.c.state.in_(OPEN), transcriptions.c.due_at <= now)
    rows = await connection.execute(statement.order_by(transcriptions.c.due_at).limit(limit))
    return [DueRow(*row) for row in rows]
