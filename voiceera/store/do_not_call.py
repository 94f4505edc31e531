"""Numbers that an organization must not ring."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, insert

from voiceera.store.base import Connection, metadata

_ID = sa.Uuid()

do_not_call = sa.Table(
    "do_not_call",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("phone_number", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("call_id", _ID),
    sa.Column("created_by", _ID),
    sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False),
)


async def add(
    connection: Connection,
    organization_id: UUID,
    phone_number: str,
    *,
    reason: str,
    now: datetime,
    call_id: UUID | None = None,
) -> None:
    """Never ring this number again; the first reason given stands."""
    row = {"organization_id": organization_id, "phone_number": phone_number, "reason": reason}
    statement = insert(do_not_call).values(call_id=call_id, created_at=now, **row)
    await connection.execute(statement.on_conflict_do_nothing())


async def lists(connection: Connection, organization_id: UUID, phone_number: str) -> bool:
    listed = do_not_call.c
    statement = sa.select(listed.created_at).where(
        listed.organization_id == organization_id, listed.phone_number == phone_number
    )
    return (await connection.execute(statement)).first() is not None


async def listed(connection: Connection, organization_id: UUID, phone_numbers: Sequence[str]) -> set[str]:
    """Those of the numbers that must not be rung."""
    c = do_not_call.c
    asked = c.phone_number == sa.any_(sa.literal(list(phone_numbers), ARRAY(sa.Text)))
    return set(await connection.scalars(sa.select(c.phone_number).where(c.organization_id == organization_id, asked)))
