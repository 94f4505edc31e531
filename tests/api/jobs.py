"""Doing what is due, as a worker's sweep does it."""

from datetime import datetime

from voiceera import clock
from voiceera.store.base import Database
from voiceera.worker.jobs import Kind


async def do_due(database: Database, kind: Kind, now: datetime | None = None) -> int:
    """Handle every row of a kind that is due; how many there were."""
    at = now or clock.utc_now()
    async with database.platform() as connection:
        rows = await kind.due(connection, at)
    for row in rows:
        await kind.handle(row, at)
    return len(rows)
