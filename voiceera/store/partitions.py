"""The monthly partitions of calls, made ahead of time. What falls into none lies in the default one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import sqlalchemy as sa

from voiceera.ids import lowest_id_at
from voiceera.store.base import Connection, Database

MONTHS_AHEAD = 3
VACUUMED = "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02"
"""A list that is counted by its index alone looks up the rows of pages that were not vacuumed since they changed."""


def months(now: datetime, count: int) -> list[datetime]:
    """The first instants (UTC) of this month and the following ones."""
    first = now.year * 12 + now.month - 1
    return [datetime((first + i) // 12, (first + i) % 12 + 1, 1, tzinfo=UTC) for i in range(count)]


async def make_ahead(database: Database, now: datetime) -> list[str]:
    """Make the partitions from next month on that are not there yet; answers their names.

    This month's is left alone if it is missing: its calls lie in the default partition already.
    """
    async with database.platform() as connection:
        return await make(connection, months(now, MONTHS_AHEAD + 2)[1:])


async def make(connection: Connection, edges: Sequence[datetime]) -> list[str]:
    """Make those partitions between consecutive first instants of months that are missing; answers their names.

    Refused by the database where the default partition holds calls of such a month.
    """
    made = []
    # One at a time: two workers that start together would both find it missing.
    await connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('voiceera.partitions'))"))
    for start, end in pairwise(edges):
        name = f"calls_{start:%Y_%m}"
        if await connection.scalar(sa.text("SELECT to_regclass(:name)"), {"name": name}) is None:
            for statement in _statements(name, start, end):
                await connection.exec_driver_sql(statement)
            made.append(name)
    return made


async def edges(connection: Connection) -> list[UUID]:
    """The ids at which the months' partitions begin, in order, and at which the last one ends."""
    names = await connection.scalars(
        sa.text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'calls'::regclass")
    )
    dated = (name.removeprefix("calls_") for name in names if not name.endswith("_default"))
    starts = sorted(datetime.strptime(month, "%Y_%m").replace(tzinfo=UTC) for month in dated)
    ends = [months(start, 2)[1] for start in starts[-1:]]
    return [lowest_id_at(edge) for edge in (*starts, *ends)]


def _statements(name: str, start: datetime, end: datetime) -> tuple[str, ...]:
    """The partition, under the same row-level security as its parent for whoever asks it directly."""
    organization = "organization_id = (SELECT nullif(current_setting('voiceera.organization_id', true), '')::uuid)"
    platform = "(SELECT current_setting('voiceera.platform', true) = 'on')"
    low, high = lowest_id_at(start), lowest_id_at(end)
    return (
        f"CREATE TABLE {name} PARTITION OF calls FOR VALUES FROM ('{low}') TO ('{high}') WITH ({VACUUMED})",
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY {name}_organization ON {name} USING ({organization} OR {platform})",
    )
