"""Where the sound of a call lies: `store` and `key`, never a path."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP, insert

from voiceera.store.base import Connection, metadata

_WHEN = TIMESTAMP(timezone=True)
_ID = sa.Uuid()

recordings = sa.Table(
    "recordings",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("store", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("channels", sa.SmallInteger, nullable=False),
    sa.Column("sample_rate", sa.Integer, nullable=False),
    sa.Column("duration_seconds", sa.Numeric(10, 3), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text),
    sa.Column("fault", sa.Text),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("deleted_at", _WHEN),
)


async def put(connection: Connection, row: dict[str, Any]) -> None:
    statement = insert(recordings).values(**row)
    keys = ["organization_id", "call_id"]
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=row))
