"""Whether the platform is in maintenance: one row that all processes share."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP, insert

from voiceera.store.base import Connection, metadata

_WHEN = TIMESTAMP(timezone=True)

maintenance = sa.Table(
    "maintenance",
    metadata,
    sa.Column("only_row", sa.Boolean, primary_key=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("message", sa.Text),
    sa.Column("until", _WHEN),
    sa.Column("set_by", sa.Uuid),
    sa.Column("set_at", _WHEN, nullable=False),
)


@dataclass(frozen=True)
class Maintenance:
    """As it was set; `until` ends it by itself."""

    enabled: bool = False
    message: str | None = None
    until: datetime | None = None
    set_by: UUID | None = None
    set_at: datetime | None = None

    def is_on(self, now: datetime) -> bool:
        return self.enabled and (self.until is None or now < self.until)


async def get(connection: Connection) -> Maintenance:
    """Needs the platform's scope."""
    c = maintenance.c
    found = await connection.execute(sa.select(c.enabled, c.message, c.until, c.set_by, c.set_at))
    row = found.one_or_none()
    return Maintenance() if row is None else Maintenance(**row._mapping)


async def put(connection: Connection, state: Maintenance) -> None:
    """Needs the platform's scope."""
    row = vars(state)
    statement = insert(maintenance).values(only_row=True, **row)
    await connection.execute(statement.on_conflict_do_update(index_elements=["only_row"], set_=row))
