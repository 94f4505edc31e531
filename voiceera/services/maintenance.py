"""Maintenance as a process knows it: read again each second, and at once where the bus delivers the news."""

import asyncio
from contextlib import aclosing
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from voiceera.errors import Unavailable
from voiceera.store import maintenance
from voiceera.store.base import Database
from voiceera.store.bus import Bus
from voiceera.store.maintenance import Maintenance

CHANNEL = "maintenance"
CHECK_SECONDS = 1.0
_COME_BACK_AFTER = timedelta(minutes=1)
_ANSWER_SECONDS = 3.0


class MaintenanceWatch:
    """`state` is at most a second old; while the database is away, what was known last."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self.state = Maintenance()
        self._database = database
        self._bus = bus
        self._changed = asyncio.Event()

    def is_on(self, now: datetime) -> bool:
        return self.state.is_on(now)

    def refuse(self, now: datetime) -> None:
        """Raises Unavailable while it is on."""
        if self.is_on(now):
            until = self.state.until or now + _COME_BACK_AFTER
            raise Unavailable(
                self.state.message or "The platform is being maintained; try again later.",
                code="MAINTENANCE_001",
                retry_after_seconds=(until - now).total_seconds(),
            )

    async def run(self) -> None:
        """Keep `state` right for as long as the process lives."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            while True:
                await self.look()
                try:
                    await asyncio.wait_for(self._changed.wait(), CHECK_SECONDS)
                except TimeoutError:
                    continue
                self._changed.clear()

    async def look(self) -> None:
        """Read it now."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS), self._database.platform() as connection:
                self.state = await maintenance.get(connection)
        except (SQLAlchemyError, OSError):  # said by all that need the database
            return

    async def _listen(self) -> None:
        async with aclosing(self._bus.subscribe(CHANNEL)) as messages:
            async for _ in messages:
                self._changed.set()


async def tell(bus: Bus) -> None:
    """It has been set: every process shall look now. After the commit."""
    await bus.publish(CHANNEL, {})
