"""Tries a minute, counted in the database so that they hold across processes: sign-in and what resembles it."""

from datetime import datetime
from hashlib import sha256

from sqlalchemy import Column, DateTime, Integer, LargeBinary, Table, delete
from sqlalchemy.dialects.postgresql import insert

from voiceera.store.base import Connection, metadata

throttles = Table(
    "throttles",
    metadata,
    Column("key_hash", LargeBinary, primary_key=True),
    Column("minute", DateTime(timezone=True), primary_key=True),
    Column("tries", Integer, nullable=False),
)


async def count_try(connection: Connection, key: tuple[str, ...], now: datetime) -> int:
    """Count one more try under `key` and say how many this minute has seen. Needs the platform's scope."""
    minute = now.replace(second=0, microsecond=0)
    key_hash = sha256("\x1f".join(key).encode()).digest()
    tries = await connection.scalar(
        insert(throttles)
        .values(key_hash=key_hash, minute=minute, tries=1)
        .on_conflict_do_update(index_elements=["key_hash", "minute"], set_={"tries": throttles.c.tries + 1})
        .returning(throttles.c.tries)
    )
    return tries or 0


async def forget(connection: Connection, before: datetime) -> None:
    """Housekeeping: drop the minutes that nobody asks about any more."""
    await connection.execute(delete(throttles).where(throttles.c.minute < before))
