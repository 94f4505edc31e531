"""Jobs: wake-up calls for workers about rows that are, or will be, due.

A job carries a row's id and nothing else. The row owns its state and its next time, so a job may be lost or come
twice without harm: whoever is woken looks at the row, and a sweep each minute enqueues what is due again. The tables
are PgQueuer's; a job is written here, in the transaction that made its row due.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from sqlalchemy import text

from voiceera.store.base import Connection

_ENQUEUE = text("""
    INSERT INTO pgqueuer (priority, entrypoint, payload, execute_after, dedupe_key, headers, status)
    SELECT 0, CAST(:kind AS text), uuid_send(due.row_id), due.due_at,
           concat_ws(':', CAST(:kind AS text), due.row_id, extract(epoch FROM due.due_at)),
           jsonb_build_object('organization_id', CAST(:organization_id AS text)), 'queued'
    FROM unnest(CAST(:row_ids AS uuid[]), CAST(:due_ats AS timestamptz[])) AS due (row_id, due_at)
    ON CONFLICT (dedupe_key) WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL DO NOTHING
""")
_OLDEST = text("""
    SELECT extract(epoch FROM now() - min(execute_after)) FROM pgqueuer
    WHERE status = 'queued' AND execute_after <= now()
""")
_WAITING = text("""
    SELECT entrypoint, count(*) AS n FROM pgqueuer
    WHERE status IN ('queued', 'picked') AND execute_after <= now() GROUP BY entrypoint
""")
_FORGET = text("DELETE FROM pgqueuer_log WHERE created < now() - CAST(:age AS interval)")
_ANSWER_SECONDS = 30


@dataclass(frozen=True)
class DueRow:
    """A row with work on it at `due_at`."""

    organization_id: UUID
    row_id: UUID
    due_at: datetime


async def enqueue(connection: Connection, kind: str, organization_id: UUID, row_id: UUID, due_at: datetime) -> None:
    """Wake a worker for this row at `due_at`, if this transaction commits. The same row and time twice is one job."""
    await enqueue_all(connection, kind, [DueRow(organization_id, row_id, due_at)])


async def enqueue_all(connection: Connection, kind: str, rows: Iterable[DueRow]) -> None:
    """The same for many rows: one statement for each organization."""
    by_organization: dict[UUID, list[DueRow]] = {}
    for row in rows:
        by_organization.setdefault(row.organization_id, []).append(row)
    for organization_id, due in by_organization.items():
        values = {
            "kind": kind,
            "organization_id": str(organization_id),
            "row_ids": [row.row_id for row in due],
            "due_ats": [row.due_at for row in due],
        }
        await connection.execute(_ENQUEUE, values)


async def oldest_due_seconds(connection: Connection) -> float:
    """How long the job that waits longest has been due; 0: none is. A platform's transaction."""
    return float(await connection.scalar(_OLDEST) or 0)


async def waiting(connection: Connection) -> dict[str, int]:
    """Jobs by kind that are due, or being done. A platform's transaction."""
    return {row.entrypoint: row.n for row in await connection.execute(_WAITING)}


async def forget_log(connection: Connection, age: timedelta) -> None:
    """Drop what PgQueuer wrote about jobs that long ago; a platform's transaction."""
    await connection.execute(_FORGET, {"age": age})


async def queue_connection(url: str) -> asyncpg.Connection:
    """A connection of a worker's own, which sees every organization's jobs and listens for new ones.

    `url` as for `Database`; direct, since a pooler in transaction mode would lose what is listened for.
    """
    dsn = "postgresql://" + url.partition("://")[2]
    connection = await asyncpg.connect(
        dsn, timeout=10, command_timeout=_ANSWER_SECONDS, server_settings={"application_name": "voiceera jobs"}
    )
    await connection.execute("SELECT set_config('voiceera.platform', 'on', false)")
    return connection
