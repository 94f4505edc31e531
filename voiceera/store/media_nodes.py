"""Media processes: who is there, where, and how many more calls they take."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP, insert

from voiceera.store.base import Connection, metadata

_WHEN = TIMESTAMP(timezone=True)

ALIVE_FOR = timedelta(seconds=5)
REMEMBERED_FOR = timedelta(hours=1)

media_nodes = sa.Table(
    "media_nodes",
    metadata,
    sa.Column("id", sa.Uuid(), primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("live", sa.Integer, nullable=False),
    sa.Column("talking", sa.Integer, nullable=False),
    sa.Column("seen_at", _WHEN, nullable=False),
    sa.Column("started_at", _WHEN, nullable=False),
)


@dataclass(frozen=True)
class Place:
    """Where one more call may go."""

    id: UUID
    url: str


@dataclass(frozen=True)
class MediaNode:
    """`live` counts places that are booked ahead too, `talking` what the process itself said last."""

    id: UUID
    url: str
    capacity: int
    live: int
    talking: int
    seen_at: datetime
    started_at: datetime

    def is_alive(self, now: datetime) -> bool:
        return self.seen_at > now - ALIVE_FOR


async def heartbeat(
    connection: Connection, node_id: UUID, *, url: str, capacity: int, live: int, now: datetime
) -> None:
    """A media process says each second that it is there. Needs a platform transaction."""
    row = {"url": url, "capacity": capacity, "live": live, "talking": live, "seen_at": now}
    statement = insert(media_nodes).values(id=node_id, started_at=now, **row)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=row))


async def leave(connection: Connection, node_id: UUID) -> None:
    """A media process goes (at the start of its drain): no new calls for it."""
    await connection.execute(sa.delete(media_nodes).where(media_nodes.c.id == node_id))


async def seen(connection: Connection) -> list[MediaNode]:
    """Those that have not left, the silent ones too. Needs a platform transaction."""
    statement = sa.select(media_nodes).order_by(media_nodes.c.started_at, media_nodes.c.id)
    return [MediaNode(**row._mapping) for row in await connection.execute(statement)]


async def forget(connection: Connection, now: datetime) -> None:
    """Housekeeping: those that went silent long ago. Needs a platform transaction."""
    await connection.execute(sa.delete(media_nodes).where(media_nodes.c.seen_at < now - REMEMBERED_FOR))


async def take_place(connection: Connection, now: datetime) -> Place | None:
    """Book one call on the node with the most room, until its next heartbeat tells the truth; None: no room.

    Needs a platform transaction.
    """
    nodes = media_nodes.c
    room = nodes.capacity - nodes.live
    roomiest = (
        sa.select(nodes.id)
        .where(nodes.seen_at > now - ALIVE_FOR, room > 0)
        .order_by(room.desc(), nodes.id)
        .limit(1)
        .with_for_update()
        .scalar_subquery()
    )
    statement = (
        sa.update(media_nodes).where(nodes.id == roomiest).values(live=nodes.live + 1).returning(nodes.id, nodes.url)
    )
    row = (await connection.execute(statement)).one_or_none()
    return Place(row.id, row.url) if row else None


async def free_capacity(connection: Connection, now: datetime) -> int:
    """Calls that the nodes seen lately could still take. Needs a platform transaction."""
    nodes = media_nodes.c
    free = sa.func.sum(sa.func.greatest(nodes.capacity - nodes.live, 0))
    row = await connection.execute(sa.select(sa.func.coalesce(free, 0)).where(nodes.seen_at > now - ALIVE_FOR))
    return int(row.scalar_one())


async def is_alive(connection: Connection, node_id: UUID, now: datetime) -> bool:
    """Needs a platform transaction."""
    nodes = media_nodes.c
    found = await connection.execute(sa.select(nodes.id).where(nodes.id == node_id, nodes.seen_at > now - ALIVE_FOR))
    return found.first() is not None
