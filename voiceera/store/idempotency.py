"""What was answered to requests that carried an Idempotency-Key: sealed, for a day."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from voiceera.store.base import Connection, metadata

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("key_hash", sa.LargeBinary, primary_key=True),
    sa.Column("body_hash", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("answer", sa.LargeBinary),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
)

_AT_ONCE = 5_000


@dataclass(frozen=True)
class Kept:
    """`status` is None while the request is in flight; `answer` is sealed."""

    body_hash: bytes
    status: int | None
    answer: bytes | None
    created_at: datetime


async def lock(connection: Connection, organization_id: UUID, key_hash: bytes) -> bool:
    """Hold the key until the transaction ends; False at once if another transaction does."""
    name = int.from_bytes(key_hash[:8], signed=True) ^ (organization_id.int & (2**63 - 1))
    held = await connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(sa.literal(name, sa.BigInteger))))
    return bool(held)


async def find(connection: Connection, organization_id: UUID, key_hash: bytes) -> Kept | None:
    columns = (idempotency_keys.c[name] for name in Kept.__dataclass_fields__)
    row = (await connection.execute(sa.select(*columns).where(_is(organization_id, key_hash)))).one_or_none()
    return None if row is None else Kept(**row._mapping)


async def keep(
    connection: Connection,
    organization_id: UUID,
    key_hash: bytes,
    *,
    body_hash: bytes,
    status: int | None,
    answer: bytes | None,
    now: datetime,
) -> None:
    """Write it, in place of what stood there."""
    values = {"body_hash": body_hash, "status": status, "answer": answer, "created_at": now}
    statement = insert(idempotency_keys).values(organization_id=organization_id, key_hash=key_hash, **values)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=("organization_id", "key_hash"), set_=values)
    )


async def release(connection: Connection, organization_id: UUID, key_hash: bytes) -> None:
    """The request came to nothing: the next one with this key is the first."""
    await connection.execute(
        sa.delete(idempotency_keys).where(_is(organization_id, key_hash), idempotency_keys.c.status.is_(None))
    )


async def forget_before(connection: Connection, before: datetime) -> int:
    """Delete some of what is older, of every organization; how many. Needs the platform's scope."""
    key = (idempotency_keys.c.organization_id, idempotency_keys.c.key_hash)
    old = sa.select(*key).where(idempotency_keys.c.created_at < before).limit(_AT_ONCE)
    return (await connection.execute(sa.delete(idempotency_keys).where(sa.tuple_(*key).in_(old)))).rowcount


def _is(organization_id: UUID, key_hash: bytes) -> sa.ColumnElement[bool]:
    return (idempotency_keys.c.organization_id == organization_id) & (idempotency_keys.c.key_hash == key_hash)
