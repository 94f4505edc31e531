"""Forgetting what sign-in, mail and invitations leave behind."""

from datetime import datetime, timedelta

from voiceera.store import expired, throttles
from voiceera.store.base import Database

_AT_ONCE = 5_000
_MINUTES_KEPT = timedelta(hours=1)


async def forget_old(database: Database, now: datetime) -> None:
    """Delete what nobody needs any more, some thousand rows a transaction."""
    async with database.platform() as connection:
        await throttles.forget(connection, now - _MINUTES_KEPT)
    for table in expired.OLD:
        gone = _AT_ONCE
        while gone == _AT_ONCE:
            async with database.platform() as connection:
                gone = await expired.forget(connection, table, now, _AT_ONCE)
