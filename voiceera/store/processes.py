"""Processes of the platform, one row each: which role, since when, last seen when, what they count."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, insert

from voiceera.store.base import Connection, metadata

_WHEN = TIMESTAMP(timezone=True)

ALIVE_FOR = timedelta(seconds=5)
REMEMBERED_FOR = timedelta(hours=1)
"""How long one that went silent without leaving is still spoken of."""

processes = sa.Table(
    "processes",
    metadata,
    sa.Column("id", sa.Uuid(), primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("started_at", _WHEN, nullable=False),
    sa.Column("seen_at", _WHEN, nullable=False),
    sa.Column("problem", sa.Text),
    sa.Column("counters", JSONB, nullable=False),
)


@dataclass(frozen=True)
class Process:
    """`name`: host and process id. `problem`: what it says of itself that does not work."""

    id: UUID
    role: str
    name: str
    version: str
    started_at: datetime
    seen_at: datetime
    problem: str | None
    counters: dict[str, Any]

    def is_alive(self, now: datetime) -> bool:
        return self.seen_at > now - ALIVE_FOR


async def beat(connection: Connection, process: Process) -> None:
    """Needs the platform's scope, as do all of these."""
    row = vars(process)
    changed = {name: row[name] for name in ("seen_at", "problem", "counters")}
    statement = insert(processes).values(**row).on_conflict_do_update(index_elements=["id"], set_=changed)
    await connection.execute(statement)


async def leave(connection: Connection, process_id: UUID) -> None:
    """It ends in order: nobody misses it."""
    await connection.execute(sa.delete(processes).where(processes.c.id == process_id))


async def seen(connection: Connection, role: str | None = None) -> list[Process]:
    """Those that have not left, the silent ones too."""
    statement = sa.select(processes).order_by(processes.c.role, processes.c.started_at, processes.c.id)
    if role is not None:
        statement = statement.where(processes.c.role == role)
    return [Process(**row._mapping) for row in await connection.execute(statement)]


async def forget(connection: Connection, now: datetime) -> None:
    """Housekeeping: those that went silent long ago."""
    await connection.execute(sa.delete(processes).where(processes.c.seen_at < now - REMEMBERED_FOR))
