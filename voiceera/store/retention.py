"""What is older than its organization keeps it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from voiceera.rules.calls import FINISHED
from voiceera.rules.retention import Retention
from voiceera.store.base import Connection
from voiceera.store.calls import calls
from voiceera.store.organizations import organizations
from voiceera.store.recordings import recordings

Place = tuple[datetime, UUID]
"""(when it was made, the call): where a slice ends and the next begins."""
COUNTED_TO = 10_000


async def limited(connection: Connection) -> list[tuple[UUID, Retention]]:
    """The organizations that do not keep everything. Needs the platform's scope."""
    o = organizations.c
    is_limited = o.retention != sa.literal({}, JSONB)
    rows = await connection.execute(sa.select(o.id, o.retention).where(o.deleted_at.is_(None), is_limited))
    return [(row.id, Retention.model_validate(row.retention)) for row in rows]


async def old_recordings(
    connection: Connection, organization_id: UUID, before: datetime, limit: int, after: Place | None = None
) -> Sequence[Place]:
    """Oldest first, from behind `after`."""
    place = sa.tuple_(recordings.c.created_at, recordings.c.call_id)
    statement = sa.select(recordings.c.created_at, recordings.c.call_id).where(
        *_old_recordings(organization_id, before)
    )
    if after is not None:
        statement = statement.where(place > sa.tuple_(*map(sa.literal, after)))
    rows = await connection.execute(statement.order_by(recordings.c.created_at, recordings.c.call_id).limit(limit))
    return [(row.created_at, row.call_id) for row in rows]


async def old_calls(
    connection: Connection, organization_id: UUID, before: datetime, limit: int, after: Place | None = None
) -> Sequence[Place]:
    """Of those that are over; oldest first, from behind `after`."""
    place = sa.tuple_(calls.c.created_at, calls.c.id)
    statement = sa.select(calls.c.created_at, calls.c.id).where(*_old_calls(organization_id, before))
    if after is not None:
        statement = statement.where(place > sa.tuple_(*map(sa.literal, after)))
    rows = await connection.execute(statement.order_by(calls.c.created_at, calls.c.id).limit(limit))
    return [(row.created_at, row.id) for row in rows]


async def count_old(
    connection: Connection, organization_id: UUID, recordings_before: datetime | None, calls_before: datetime | None
) -> tuple[int, int]:
    """(recordings, calls), each no further than COUNTED_TO."""
    found = []
    for column, before, old in (
        (recordings.c.call_id, recordings_before, _old_recordings),
        (calls.c.id, calls_before, _old_calls),
    ):
        if before is None:
            found.append(0)
            continue
        some = sa.select(column).where(*old(organization_id, before)).limit(COUNTED_TO).subquery()
        found.append(int(await connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0))
    return found[0], found[1]


def _old_recordings(organization_id: UUID, before: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    r = recordings.c
    return (r.organization_id == organization_id, r.deleted_at.is_(None), r.created_at < before)


def _old_calls(organization_id: UUID, before: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    c = calls.c
    is_over = c.status.in_(sorted(FINISHED))
    return (c.organization_id == organization_id, c.deleted_at.is_(None), c.created_at < before, is_over)
