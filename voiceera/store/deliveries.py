"""Deliveries: one sending of an event to one webhook, a due row until it has arrived or is given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from voiceera.store.base import Connection, metadata
from voiceera.store.filters import Span, equal, matching
from voiceera.store.jobs import DueRow
from voiceera.store.page import Page, PageRequest, page

_WHEN = TIMESTAMP(timezone=True)

events = sa.Table(
    "events",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("data", JSONB, nullable=False),
    sa.Column("occurred_at", _WHEN, nullable=False),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("webhook_id", sa.Uuid, nullable=False),
    sa.Column("event_id", sa.Uuid, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due_at", _WHEN, nullable=False),
    sa.Column("resent_from", sa.Uuid),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("ended_at", _WHEN),
)

delivery_tries = sa.Table(
    "delivery_tries",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("delivery_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", _WHEN, nullable=False),
    sa.Column("status_code", sa.Integer),
    sa.Column("latency_ms", sa.Double, nullable=False),
    sa.Column("response_excerpt", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
)

PENDING = "pending"
SORTABLE = {name: deliveries.c[name] for name in ("created_at", "due_at")}
_SHOWN = tuple(column for column in deliveries.c if column.name != "organization_id")


@dataclass(frozen=True)
class Claimed:
    """A delivery that is ours until `due_at`, with all that sending it takes. `secrets` are sealed."""

    organization_id: UUID
    webhook_id: UUID
    id: UUID
    due_at: datetime
    tries: int
    event_id: UUID
    type: str
    data: dict[str, Any]
    occurred_at: datetime
    url: str
    secrets: bytes
    consecutive_failures: int


@dataclass(frozen=True)
class Try:
    """One sending: `status_code` None where there was no answer, and then `error` says why."""

    at: datetime
    status_code: int | None
    latency_ms: float
    response_excerpt: str
    error: str | None


_LISTENING = sa.text("""
    SELECT id FROM webhooks
    WHERE organization_id = :organization_id AND is_active AND events && CAST(:names AS text[])
    ORDER BY id
""")

# Locks are taken webhook first, then deliveries; another worker's are passed over.
_CLAIM = sa.text("""
    WITH next AS (
        SELECT id FROM deliveries
        WHERE organization_id = :organization_id AND webhook_id = :webhook_id AND status = 'pending'
              AND due_at <= :now
        ORDER BY due_at LIMIT :count FOR UPDATE SKIP LOCKED
    )
    UPDATE deliveries SET due_at = :until
    FROM next, webhooks, events
    WHERE deliveries.organization_id = :organization_id AND deliveries.id = next.id
          AND webhooks.organization_id = :organization_id AND webhooks.id = :webhook_id AND webhooks.is_active
          AND (webhooks.paused_until IS NULL OR webhooks.paused_until <= :now)
          AND events.organization_id = :organization_id AND events.id = deliveries.event_id
    RETURNING deliveries.organization_id, deliveries.webhook_id, deliveries.id, deliveries.due_at, deliveries.tries,
              deliveries.event_id, events.type, events.data, events.occurred_at, webhooks.url, webhooks.secrets,
              webhooks.consecutive_failures
""").columns(data=JSONB, occurred_at=_WHEN)

_DUE = sa.text("""
    SELECT due.organization_id, due.webhook_id, min(due.due_at) AS due_at
    FROM (
        SELECT organization_id, webhook_id, due_at FROM deliveries
        WHERE status = 'pending' AND due_at <= :now ORDER BY due_at LIMIT 100000
    ) AS due
    JOIN webhooks ON webhooks.organization_id = due.organization_id AND webhooks.id = due.webhook_id
    WHERE webhooks.is_active AND (webhooks.paused_until IS NULL OR webhooks.paused_until <= :now)
    GROUP BY due.organization_id, due.webhook_id ORDER BY 3 LIMIT :count
""")


async def listening(connection: Connection, organization_id: UUID, names: Sequence[str]) -> Sequence[UUID]:
    """The active webhooks with one of these names among their events."""
    values = {"organization_id": organization_id, "names": list(names)}
    return (await connection.execute(_LISTENING, values)).scalars().all()


async def add_event(
    connection: Connection, organization_id: UUID, event_id: UUID, type_: str, data: dict[str, Any], now: datetime
) -> None:
    row = {"organization_id": organization_id, "id": event_id, "type": type_, "data": data, "occurred_at": now}
    await connection.execute(sa.insert(events).values(**row))


async def add(
    connection: Connection, organization_id: UUID, rows: Sequence[dict[str, Any]], *, due_at: datetime, now: datetime
) -> None:
    """Rows of {id, webhook_id, event_id, event, resent_from?}."""
    shared = {"organization_id": organization_id, "status": PENDING, "tries": 0, "due_at": due_at, "created_at": now}
    await connection.execute(sa.insert(deliveries), [{"resent_from": None, **shared, **row} for row in rows])


async def claim(
    connection: Connection, organization_id: UUID, webhook_id: UUID, now: datetime, lease: timedelta, count: int
) -> list[Claimed]:
    """At most `count` that are due, ours until the lease ends: a worker that dies loses nothing but that time."""
    values = {"organization_id": organization_id, "webhook_id": webhook_id, "now": now, "count": count}
    rows = await connection.execute(_CLAIM, values | {"until": now + lease})
    return [Claimed(**row._mapping) for row in rows]


async def due(connection: Connection, now: datetime, count: int) -> list[DueRow]:
    """The webhooks of all organizations with something to send; a platform's transaction."""
    rows = await connection.execute(_DUE, {"now": now, "count": count})
    return [DueRow(row.organization_id, row.webhook_id, row.due_at) for row in rows]


async def note_try(connection: Connection, claimed: Claimed, tried: Try) -> None:
    """Written even when the delivery was canceled meanwhile: the receiver saw it."""
    before = sa.select(sa.func.coalesce(sa.func.max(delivery_tries.c.number), 0) + 1).where(
        delivery_tries.c.organization_id == claimed.organization_id, delivery_tries.c.delivery_id == claimed.id
    )
    row = {"organization_id": claimed.organization_id, "delivery_id": claimed.id, **tried.__dict__}
    await connection.execute(sa.insert(delivery_tries).values(number=before.scalar_subquery(), **row))


async def move(connection: Connection, claimed: Claimed, **values: Any) -> bool:
    """Write what became of a try. False: the lease has run out and another has it, or it was canceled."""
    statement = sa.update(deliveries).where(
        deliveries.c.organization_id == claimed.organization_id,
        deliveries.c.id == claimed.id,
        deliveries.c.status == PENDING,
        deliveries.c.due_at == claimed.due_at,
    )
    return bool((await connection.execute(statement.values(tries=claimed.tries + 1, **values))).rowcount)


async def cancel_pending(connection: Connection, organization_id: UUID, webhook_id: UUID, now: datetime) -> None:
    """Nothing more is sent to a webhook that its caller holds."""
    statement = sa.update(deliveries).where(
        deliveries.c.organization_id == organization_id,
        deliveries.c.webhook_id == webhook_id,
        deliveries.c.status == PENDING,
    )
    await connection.execute(statement.values(status="canceled", ended_at=now))


async def get(
    connection: Connection, organization_id: UUID, webhook_id: UUID, delivery_id: UUID
) -> sa.Row[Any] | None:
    query = sa.select(*_SHOWN).where(
        deliveries.c.organization_id == organization_id,
        deliveries.c.webhook_id == webhook_id,
        deliveries.c.id == delivery_id,
    )
    return (await connection.execute(query)).one_or_none()


async def find(
    connection: Connection,
    organization_id: UUID,
    webhook_id: UUID,
    request: PageRequest,
    *,
    status: str | None = None,
    event: str | None = None,
    search: str | None = None,
    span: Span = Span(),
) -> Page[sa.Row[Any]]:
    query = sa.select(*_SHOWN).where(
        deliveries.c.organization_id == organization_id,
        deliveries.c.webhook_id == webhook_id,
        *equal({deliveries.c.status: status, deliveries.c.event: event}),
        *matching(search, deliveries.c.event),
        *span.of(deliveries.c.created_at),
    )
    return await page(connection, query, request, SORTABLE, deliveries.c.id)


async def tries_of(
    connection: Connection, organization_id: UUID, delivery_ids: Sequence[UUID]
) -> dict[UUID, list[sa.Row[Any]]]:
    """Delivery → its tries, first to last."""
    query = sa.select(delivery_tries).where(
        delivery_tries.c.organization_id == organization_id, delivery_tries.c.delivery_id.in_(delivery_ids)
    )
    found: dict[UUID, list[sa.Row[Any]]] = {}
    for row in await connection.execute(query.order_by(delivery_tries.c.delivery_id, delivery_tries.c.number)):
        found.setdefault(row.delivery_id, []).append(row)
    return found


async def forget(connection: Connection, before: datetime) -> None:
    """Drop events of long ago with their deliveries; those still pending stay. A platform's transaction."""
    is_open = sa.exists().where(
        deliveries.c.organization_id == events.c.organization_id,
        deliveries.c.event_id == events.c.id,
        deliveries.c.status == PENDING,
    )
    old = sa.select(events.c.organization_id, events.c.id).where(events.c.occurred_at < before, ~is_open)
    keys = sa.tuple_(events.c.organization_id, events.c.id).in_(old.limit(10_000))
    await connection.execute(sa.delete(events).where(keys))
